/*
 * What an instance wrote last: the last lines of standard error in the life that it has, or had.  They are kept as they pass by; those of a life
 * that began under an earlier brain are read back from its log.
 */
#include "engine/brain_private.h"
#include "logs/read.h"
#include "os/clock.h"
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

static void read_back(const struct brain *b, const struct instance *i, struct buf *out)
{
	uint32_t run = (uint32_t)instance_ticket(i).generation;
	const struct logs_query query = {
		.lines = LAST_LINES_MAX,
		.since_ms = INT64_MIN,
		.until_ms = INT64_MAX,
		.kinds = 1U << MARK_ERR,
		.run = &run,
		.now_ms = clock_wall_ms(),
	};
	struct logs *logs = logs_new(&query);
	struct log_location log = brain_log_location(b, i, LOG_STREAM_ERR);
	struct last_lines lines = { .text = NULL };

	logs_add(logs, &log, instance_app(i), instance_number(i), MARK_ERR);
	for (int turn = 0; turn < LINES_TURNS; turn++)
		if (logs_read(logs, LINES_GIVEN, add_line, &lines) != LOGS_MORE)
			break;
	last_lines_print(&lines, out);
	last_lines_release(&lines);
	logs_free(logs);
	log_location_release(&log);
}

void brain_last_lines(void *context, const char *name, struct buf *out)
{
	const struct brain *b = context;
	const struct instance *i = b->streams ? herd_find(b->herd, name) : NULL;

	if (i && !log_streams_last_lines(b->streams, name, instance_ticket(i).generation, out))
		read_back(b, i, out);
}
