/*
 * Lines of logs as they are shown: "[api:0] listening on 3000".  What services print can hold anything; a terminal is given only what it
 * shows: sequences that set colours are left out, every other control character becomes '?'.
 */
#ifndef OX_VIEW_LOG_LINE_H
#define OX_VIEW_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct logline;

struct log_line_style {
	int64_t (*to_local)(int64_t utc_ms); /* NULL: times are shown as UTC */
	bool colour;                         /* tags in colours, standard error in red */
	bool is_safe;                        /* for a terminal */
	bool is_bare;                        /* no tags */
	bool has_times;
	struct buf
		open; /* id and stream of a line that is not complete yet; "" when the last one has its end */
};

#define LOG_LINE_STYLE_INIT                                                                                  \
	{                                                                                                    \
		.open = BUF_INIT,                                                                            \
	}

void log_line_release(struct log_line_style *s);
void log_line_print(struct log_line_style *s, const struct logline *l, struct buf *out);
/* Ends what is open. */
void log_line_end(struct log_line_style *s, struct buf *out);

#endif
