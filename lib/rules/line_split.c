#include "rules/line_split.h"

#include <string.h>

#include "base/assert.h"

/* At most so many bytes of a character of UTF-8 follow its first one. */
enum { FOLLOWERS_MAX = 3 };

static bool is_follower(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t whole_characters(const char *bytes, size_t len)
{
	size_t back = 0;

	ASSERT(len > FOLLOWERS_MAX, "a piece of %zu bytes is cut", len);
	while (back < FOLLOWERS_MAX && is_follower(bytes[len - back]))
		back++;
	/* Bytes that are no UTF-8 at all may be cut anywhere. */
	return is_follower(bytes[len - back]) ? len : len - back;
}

bool line_split(const char *bytes, size_t len, bool is_all, struct line_part *cut)
{
	size_t reach = len < PIECE_MAX + 1 ? len : PIECE_MAX + 1;
	const char *end = NULL;

	ASSERT(bytes || !len, "a line is looked for in %zu bytes that are nowhere", len);
	end = reach ? memchr(bytes, '\n', reach) : NULL;
	if (end) {
		*cut = (struct line_part){ .len = (size_t)(end - bytes) };
		cut->step = cut->len + 1;
		return true;
	}
	if (len > PIECE_MAX) {
		*cut = (struct line_part){ .len = whole_characters(bytes, PIECE_MAX), .goes_on = true };
		ASSERT(cut->len > 0 && cut->len <= PIECE_MAX, "a piece of %zu bytes is cut off", cut->len);
		cut->step = cut->len;
		return true;
	}
	*cut = (struct line_part){ .len = len, .step = len };
	return is_all && len;
}
