/* The keyed hash, by the vectors that its authors have published. */
#include "base/siphash.h"

#include <string.h>

#include "unit.h"

/* Of the reference implementation: the key is 00 01 … 0f, the text 00 01 … of that length. */
static void it_gives_the_published_hashes(void **state)
{
	static const struct {
		size_t len;
		unsigned char hash[8];
	} cases[] = {
		{ 0, { 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 } },
		{ 1, { 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 } },
		{ 2, { 0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d } },
		{ 3, { 0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85 } },
		{ 4, { 0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf } },
		{ 5, { 0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18 } },
		{ 6, { 0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb } },
		{ 7, { 0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab } },
		{ 8, { 0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93 } },
		{ 15, { 0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1 } },
		{ 16, { 0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f } },
		{ 63, { 0x72, 0x45, 0x06, 0xeb, 0x4c, 0x32, 0x8a, 0x95 } },
	};
	unsigned char key[SIPHASH_KEY];
	unsigned char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (unsigned char)i;
		key[i % sizeof(key)] = (unsigned char)(i % sizeof(key));
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t want = 0;

		for (int k = 0; k < 8; k++)
			want |= (uint64_t)cases[i].hash[k] << (8 * k);
		assert_true(siphash(key, text, cases[i].len) == want);
	}
}

static void another_key_or_text_gives_another_hash(void **state)
{
	unsigned char key[SIPHASH_KEY] = { 1 };
	uint64_t first = siphash(key, "api:0", 5);

	(void)state;
	assert_true(siphash(key, "api:0", 5) == first);
	assert_true(siphash(key, "api:1", 5) != first);
	assert_true(siphash(key, "api:0\0", 6) != first);
	key[15] ^= 0x80;
	assert_true(siphash(key, "api:0", 5) != first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the hash is that of the published vectors", it_gives_the_published_hashes),
		PROMISE("another key or another text gives another hash",
			another_key_or_text_gives_another_hash),
	};

	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
