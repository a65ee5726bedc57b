/*
 * What an instance wrote last, read back from its log: the last lines of standard error in the life that it has, or had.
 */
#include <string.h>

#include "base/mem.h"
#include "engine/brain_private.h"
#include "logs/read.h"
#include "os/clock.h"

enum {
	LINES_MAX = 30, /* so many that the first line of a stack trace is among them */
	LINE_BYTES_MAX = 240,
	BYTES_MAX = 4096, /* of all; of more the first are left out */
	LINES_TURNS = 4,  /* of LOGS_TURN_BYTES: what is further back in its log is not looked for */
	LINES_GIVEN = LINES_MAX * 64 * 1024,
};

/* As text: the words that it goes into end at a NUL. */
static void add_line(void *context, const struct logs_line *l)
{
	struct buf *out = context;
	size_t len = l->line.len < LINE_BYTES_MAX ? l->line.len : LINE_BYTES_MAX;

	if (l->line.is_continued)
		return;
	buf_addc(out, '\n');
	for (size_t i = 0; i < len; i++)
		buf_addc(out, l->line.bytes[i] ? l->line.bytes[i] : ' ');
	if (len < l->line.len || l->line.goes_on)
		buf_adds(out, "...");
}

/* Whole lines from a line break on. */
static const char *last_part(const struct buf *lines)
{
	const char *at =
		lines->len > BYTES_MAX ? strchr(lines->ptr + (lines->len - BYTES_MAX), '\n') : lines->ptr;

	return at ? at : "";
}

void brain_last_lines(void *context, const char *name, struct buf *out)
{
	struct brain *b = context;
	const struct instance *i = b->streams ? herd_find(b->herd, name) : NULL;
	uint32_t run = i ? (uint32_t)instance_ticket(i).generation : 0;
	const struct logs_query query = {
		.lines = LINES_MAX,
		.since_ms = INT64_MIN,
		.until_ms = INT64_MAX,
		.kinds = 1U << MARK_ERR,
		.run = &run,
		.now_ms = clock_wall_ms(),
	};
	struct buf lines = BUF_INIT;
	struct logs *logs = NULL;
	struct log_location log;

	if (!i)
		return;
	log = brain_log_location(b, i, LOG_STREAM_ERR);
	logs = logs_new(&query);
	logs_add(logs, &log, instance_app(i), instance_number(i), MARK_ERR);
	for (int turn = 0; turn < LINES_TURNS; turn++)
		if (logs_read(logs, LINES_GIVEN, add_line, &lines) != LOGS_MORE)
			break;
	buf_adds(out, last_part(&lines));
	buf_release(&lines);
	logs_free(logs);
	log_location_release(&log);
}
