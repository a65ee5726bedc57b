/*
 * Numbers as people say them, and text as a terminal may be given it.  All append to `out`.
 */
#ifndef OX_VIEW_HUMAN_H
#define OX_VIEW_HUMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * "350 ms", "1.24 s", "2m 05s", "3h 12m", "5d 4h".  Never more than has passed: what does not fill a unit is
 * dropped.
 */
void human_duration(struct buf *out, int64_t ms);
/* "0 B", "812 KB", "48.7 MB", "1.2 GB" (of 1024), rounded to the nearest. */
void human_size(struct buf *out, int64_t bytes);
/* "api, worker and scheduler": `between` is ", " and `last`, before the last name, is " and ". */
void human_join(
	struct buf *out, const char *const *names, size_t count, const char *between, const char *last);
/* "process" or "processes", and the like, with the number in front: "3 processes". */
void human_count(struct buf *out, size_t count, const char *one, const char *many);
/*
 * Text that a terminal may be given: control characters, those that turn the direction of writing, and bytes
 * that are not UTF-8 become '?'; tabs become a blank.  Every character stays one character, so columns keep
 * their count.
 */
void human_safe(struct buf *out, const char *text, size_t len);
void human_safe_text(struct buf *out, const char *text);
/* How many bytes of `text` a terminal shows in at most `width` columns; never a part of a character. */
size_t human_fit(const char *text, size_t width);

/* The colours that we use; "" when colour is false. */
enum tint {
	TINT_NONE,
	TINT_BOLD,
	TINT_DIM,
	TINT_RED,
	TINT_GREEN,
	TINT_YELLOW,
	TINT_BLUE,
	TINT_MAGENTA,
	TINT_CYAN,
};
void human_tint(struct buf *out, enum tint tint, bool colour);
void human_untint(struct buf *out, bool colour);

#endif
