#include "base/map.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "unit.h"

enum { MANY = 5000 };

static int values[MANY];

static const char *key_of(int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "key-%d", i);
	return key;
}

static void fill(struct map *m)
{
	for (int i = 0; i < MANY; i++)
		assert_null(map_put(m, key_of(i), &values[i]));
}

static void finds_what_was_put(void **state)
{
	struct map m = MAP_INIT;

	(void)state;
	assert_null(map_get(&m, "key-0"));
	fill(&m);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(map_get(&m, key_of(i)), &values[i]);
	assert_null(map_get(&m, key_of(MANY)));
	assert_null(map_get(&m, ""));
	assert_int_equal(m.len, MANY);
	map_release(&m);
	assert_null(map_get(&m, "key-0"));
	map_release(&m);
}

static void walks_in_order(void **state)
{
	struct map m = MAP_INIT;
	const struct map_entry *entry = NULL;
	int i = 0;

	(void)state;
	MAP_EACH (&m, entry)
		fail();
	fill(&m);
	MAP_EACH (&m, entry) {
		assert_string_equal(entry->key, key_of(i));
		assert_ptr_equal(entry->value, &values[i]);
		i++;
	}
	assert_int_equal(i, MANY);
	map_release(&m);
}

static void gives_back_what_it_replaced(void **state)
{
	struct map m = MAP_INIT;

	(void)state;
	assert_null(map_put(&m, "a", &values[1]));
	assert_null(map_put(&m, "b", &values[2]));
	assert_ptr_equal(map_put(&m, "a", &values[3]), &values[1]);
	assert_ptr_equal(map_get(&m, "a"), &values[3]);
	assert_string_equal(map_at(&m, 0)->key, "a");
	assert_int_equal(m.len, 2);
	map_release(&m);
}

static void keeps_keys_with_nul(void **state)
{
	struct map m = MAP_INIT;

	(void)state;
	map_put_n(&m, "a\0b", 3, &values[1]);
	map_put_n(&m, "a\0c", 3, &values[2]);
	map_put(&m, "a", &values[3]);
	map_put(&m, "", &values[4]);
	assert_ptr_equal(map_get_n(&m, "a\0b", 3), &values[1]);
	assert_ptr_equal(map_get_n(&m, "a\0c", 3), &values[2]);
	assert_ptr_equal(map_get_n(&m, "a\0c", 1), &values[3]);
	assert_ptr_equal(map_get(&m, "a"), &values[3]);
	assert_ptr_equal(map_get(&m, ""), &values[4]);
	assert_int_equal(map_at(&m, 0)->key_len, 3);
	map_release(&m);
}

static void copies_its_keys(void **state)
{
	struct map m = MAP_INIT;
	char key[] = "name";

	(void)state;
	map_put(&m, key, &values[1]);
	key[0] = 'g';
	assert_ptr_equal(map_get(&m, "name"), &values[1]);
	assert_null(map_get(&m, "game"));
	map_release(&m);
}

static void keeps_the_rest(void **state)
{
	struct map m = MAP_INIT;

	(void)state;
	assert_null(map_remove(&m, "a"));
	for (int i = 0; i < 100; i++)
		map_put(&m, key_of(i), &values[i]);
	for (int i = 0; i < 100; i += 2)
		assert_ptr_equal(map_remove(&m, key_of(i)), &values[i]);
	assert_null(map_remove(&m, key_of(0)));
	assert_int_equal(m.len, 50);
	for (int i = 0; i < 100; i++)
		assert_ptr_equal(map_get(&m, key_of(i)), i % 2 ? &values[i] : NULL);
	for (int i = 0; i < 50; i++)
		assert_string_equal(map_at(&m, i)->key, key_of(i * 2 + 1));
	assert_null(map_put(&m, key_of(0), &values[0]));
	assert_string_equal(map_at(&m, 50)->key, key_of(0));
	map_release(&m);
}

/* Against a plain table, with keys that come and go; as many as fill and empty it several times. */
static void comes_and_goes(void **state)
{
	enum { KEYS = 100, TURNS = 20000 };
	struct map m = MAP_INIT;
	void *wanted[KEYS] = { NULL };
	uint32_t random = 1;
	size_t count = 0;

	(void)state;
	for (int turn = 0; turn < TURNS; turn++) {
		int k = (int)((random = random * 1664525 + 1013904223) >> 16) % KEYS;
		bool is_growing = (turn / 500) % 2 == 0;

		if (is_growing || turn % 3 == 0) {
			assert_ptr_equal(map_put(&m, key_of(k), &values[k]), wanted[k]);
			count += !wanted[k];
			wanted[k] = &values[k];
		} else {
			assert_ptr_equal(map_remove(&m, key_of(k)), wanted[k]);
			count -= !!wanted[k];
			wanted[k] = NULL;
		}
		assert_int_equal(m.len, count);
		k = (k + turn) % KEYS;
		assert_ptr_equal(map_get(&m, key_of(k)), wanted[k]);
		assert_true(m.cap <= 512);
	}
	map_release(&m);
}

static void may_be_emptied_while_walked(void **state)
{
	const struct map_entry *entry = NULL;
	struct map m = MAP_INIT;
	int walked = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		map_put(&m, key_of(i), &values[i]);
	MAP_EACH (&m, entry) {
		assert_ptr_equal(entry->value, &values[walked]);
		assert_non_null(map_remove(&m, key_of(walked++)));
	}
	assert_int_equal(walked, 100);
	assert_int_equal(m.len, 0);
	assert_null(map_put(&m, "a", &values[0]));
	assert_ptr_equal(map_get(&m, "a"), &values[0]);
	map_release(&m);
}

static void frees_its_values(void **state)
{
	struct map m = MAP_INIT;

	(void)state;
	for (int i = 0; i < 20; i++)
		map_put(&m, key_of(i), mem_strdup("value"));
	map_release_with(&m, mem_free);
	assert_int_equal(m.len, 0);
}

static void keys_may_be_borrowed(void **state)
{
	struct map m = MAP_INIT_BORROWED;
	char keys[20][16];

	(void)state;
	for (int k = 0; k < 20; k++) {
		(void)snprintf(keys[k], sizeof(keys[k]), "key%d", k);
		assert_null(map_put(&m, keys[k], keys[k]));
	}
	assert_ptr_equal(map_get(&m, "key7"), keys[7]);
	assert_ptr_equal(map_next(&m, NULL)->key, keys[0]);
	assert_ptr_equal(map_remove(&m, keys[7]), keys[7]);
	assert_null(map_get(&m, "key7"));
	map_release(&m);
	assert_true(m.borrows_keys);
	assert_string_equal(keys[7], "key7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what was put is found, and nothing else", finds_what_was_put),
		PROMISE("a map is walked in the order in which its keys came", walks_in_order),
		PROMISE("a value that is replaced is given back and keeps its place",
			gives_back_what_it_replaced),
		PROMISE("a key may hold NUL bytes and may be empty", keeps_keys_with_nul),
		PROMISE("a map has copies of its keys", copies_its_keys),
		PROMISE("taking one out leaves the rest, in order", keeps_the_rest),
		PROMISE("keys that come and go are found as long as they are there, in bounded memory",
			comes_and_goes),
		PROMISE("what is walked over may be taken out meanwhile", may_be_emptied_while_walked),
		PROMISE("a map that owns its values frees them", frees_its_values),
		PROMISE("keys that are borrowed are neither copied nor freed", keys_may_be_borrowed),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
