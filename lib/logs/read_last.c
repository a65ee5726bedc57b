#include "logs/read_last.h"

#include "base/buf.h"
#include "logs/location.h"
#include "logs/read.h"
#include "rules/last_lines.h"

enum {
	LINES_TURNS = 4, /* of LOGS_TURN_BYTES: what is further back in its log is not looked for */
	LINES_GIVEN = LAST_LINES_MAX * 64 * 1024,
};

static void add_line(void *context, const struct logs_line *l)
{
	last_lines_add(context, l->line.bytes, l->line.len);
	if (!l->line.goes_on)
		last_lines_add(context, "\n", 1);
}

void logs_last_lines(
	const struct log_location *log, const struct logs_life *life, int64_t now_ms, struct buf *out)
{
	const struct logs_query query = {
		.lines = LAST_LINES_MAX,
		.since_ms = INT64_MIN,
		.until_ms = INT64_MAX,
		.kinds = 1U << MARK_ERR,
		.run = &life->run,
		.now_ms = now_ms,
	};
	struct logs *logs = logs_new(&query);
	struct last_lines lines = { .text = NULL };

	logs_add(logs, log, life->app, life->instance, MARK_ERR);
	for (int turn = 0; turn < LINES_TURNS; turn++)
		if (logs_read(logs, LINES_GIVEN, add_line, &lines) != LOGS_MORE)
			break;
	last_lines_print(&lines, out);
	last_lines_release(&lines);
	logs_free(logs);
}
