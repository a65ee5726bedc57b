#include "journal/store_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "journal/store.h"

enum { SUM_DIGITS = 16, WORDS_MAX = 8, HEAD_MAX = 256 };

#define CHECKSUM_START 14695981039346656037ULL

/* FNV-1a: it is to find torn and rotten files, not forgeries; the folder is private. */
static uint64_t checksum(uint64_t sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211ULL;
	return sum;
}

static void add_checksum(struct buf *out, uint64_t sum)
{
	buf_addf(out, "%016llx", (unsigned long long)sum);
}

static bool is_checksum(const char *digits, uint64_t sum)
{
	struct buf right = BUF_INIT;
	bool is_right = false;

	add_checksum(&right, sum);
	is_right = !memcmp(digits, right.ptr, SUM_DIGITS);
	buf_release(&right);
	return is_right;
}

void store_write_snapshot(struct buf *out, const struct store_head *head, const struct buf *state)
{
	size_t start = out->len;
	uint64_t sum = 0;

	buf_addf(out, "oxherd state %d %lld %s %zu ", STORE_VERSION, (long long)head->serial, head->boot_id,
		state->len + 1);
	sum = checksum(CHECKSUM_START, out->ptr + start, out->len - start);
	add_checksum(out, checksum(checksum(sum, state->ptr, state->len), "\n", 1));
	buf_reserve(out, state->len + 2);
	buf_addc(out, '\n');
	buf_add(out, state->ptr, state->len);
	buf_addc(out, '\n');
}

/* The first line, cut into words in place; how many, or 0 if there is no such line. */
static size_t head_words(
	const struct buf *text, char line[HEAD_MAX], char *words[WORDS_MAX], size_t *head_len)
{
	const char *end = memchr(text->ptr, '\n', text->len);
	size_t count = 0;
	size_t len = end ? (size_t)(end - text->ptr) : HEAD_MAX;

	if (len >= HEAD_MAX || memchr(text->ptr, '\0', len))
		return 0;
	memcpy(line, text->ptr, len);
	line[len] = '\0';
	*head_len = len + 1;
	for (char *at = line; at && count < WORDS_MAX; count++) {
		words[count] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	return count;
}

/* NULL if it is right, else why not. */
static const char *head_trouble(char *const *words, size_t count, struct store_head *head)
{
	int64_t version = 0;

	if (count < 3 || !str_eq(words[0], "oxherd") || !str_eq(words[1], "state") ||
		!str_to_int(words[2], &version))
		return "corrupt";
	if (version > STORE_VERSION)
		return "newer";
	if (count < 5 || !str_to_int(words[3], &head->serial) || strlen(words[4]) > STORE_BOOT_ID_MAX)
		return "corrupt";
	memcpy(head->boot_id, words[4], strlen(words[4]) + 1);
	return NULL;
}

struct json *store_read_snapshot(const struct buf *text, struct store_head *head, const char **why)
{
	char line[HEAD_MAX];
	char *words[WORDS_MAX];
	size_t head_len = 0;
	size_t count = head_words(text, line, words, &head_len);
	const char *body = text->ptr + head_len;
	int64_t len = 0;
	uint64_t sum = 0;

	*why = head_trouble(words, count, head);
	if (*why)
		return NULL;
	*why = "corrupt";
	if (count != 7 || !str_to_int(words[5], &len) || strlen(words[6]) != SUM_DIGITS)
		return NULL;
	if (len < 0 || (size_t)len != text->len - head_len)
		return NULL;
	/* Over all that stands before it and all that follows it. */
	sum = checksum(checksum(CHECKSUM_START, text->ptr, head_len - 1 - SUM_DIGITS), body, (size_t)len);
	return is_checksum(words[6], sum) ? json_parse(body, (size_t)len, STORE_SNAPSHOT_MAX, NULL) : NULL;
}
