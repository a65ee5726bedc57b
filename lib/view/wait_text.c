#include "view/wait_text.h"

#include <string.h>

#include "base/json_emit.h"
#include "base/mem.h"
#include "model/reason.h"
#include "model/wait_result.h"
#include "view/human.h"
#include "view/reason_text.h"

#define SPARE_HINT                                                                                           \
	"The spare ran beside the old instances; where only one may run at a time, deploy.surge = 0 replaces in place."

/* The words of the service stand apart from ours. */
static void add_indented(const char *lines, struct buf *out)
{
	for (; *lines; lines++) {
		buf_addc(out, *lines);
		if (*lines == '\n')
			buf_adds(out, "    ");
	}
}

static bool is_of_spare(const struct reason *why)
{
	const struct reason *at = why;

	while (at && at->kind != REASON_INSTANCE_FAILED)
		at = at->cause;
	return at && at->is_spare;
}

void failure_lines_text(const struct reason *why, const char *lines, struct buf *out)
{
	if (lines)
		add_indented(lines, out);
	if (is_of_spare(why))
		buf_adds(out, "\n" SPARE_HINT);
}

void failure_text(const struct reason *why, const char *lines, struct buf *out)
{
	reason_text(why, out);
	failure_lines_text(why, lines, out);
}

/* Where to read on, and the last lines that it wrote before it died. */
static void add_more(const struct wait_result *r, struct buf *out)
{
	buf_addf(out, ". See 'oxctl why %s'", r->reason->instance ? r->reason->instance : "");
	if (r->lines)
		buf_addf(out, ". Its last lines:%s", r->lines);
}

void wait_result_text(const struct wait_result *r, struct buf *out)
{
	if (!r->reason)
		return;
	reason_text(r->reason, out);
	switch (r->reason->kind) {
	case REASON_KEEPS_CRASHING:
	case REASON_CANNOT_START:
	case REASON_HAS_CRASHED:
		add_more(r, out);
		break;
	default:
		failure_lines_text(r->reason, r->lines, out);
		break;
	}
}

void wait_results_text(const struct wait_results *r, struct buf *out)
{
	const struct wait_result *item = NULL;
	size_t from = out->len;
	size_t k = 0;

	VEC_EACH (&r->items, k, item) {
		if (out->len > from)
			buf_adds(out, item->is_continued ? "; " : "\n");
		wait_result_text(item, out);
	}
}

void pending_text(const struct wait_results *pending, struct buf *out)
{
	const struct wait_result *first = pending->items.len ? pending->items.items[0] : NULL;

	wait_results_text(pending, out);
	if (first && first->app)
		buf_addf(out, ". See 'oxctl why %s'", first->app);
}

/* As people say what they have typed. */
static void add_time(int64_t ms, struct buf *out)
{
	if (ms % 1000 == 0 && ms < 60 * 1000)
		buf_addf(out, "%lld s", (long long)ms / 1000);
	else
		human_duration(out, ms);
}

void timeout_text(int64_t ms, const struct wait_results *pending, struct buf *out)
{
	buf_adds(out, "timed out after ");
	add_time(ms, out);
	if (pending->items.len)
		buf_adds(out, ": ");
	pending_text(pending, out);
}

/* --- for clients -------------------------------------------------------------------------------------------------------- */

static void emit_lines(const char *at, struct buf *out)
{
	emit_open(out, "lines", '[');
	while (at && *at) {
		size_t len = 0;
		char *line = NULL;

		at += *at == '\n';
		len = strcspn(at, "\n");
		line = mem_strndup(at, len);
		emit_string(out, NULL, line);
		mem_free(line);
		at += len;
	}
	emit_close(out, ']');
}

static void emit_one(const struct wait_result *r, struct buf *out)
{
	struct buf text = BUF_INIT;

	reason_text(r->reason, &text);
	emit_open(out, NULL, '{');
	emit_string(out, "app", r->app);
	if (r->instance >= 0)
		emit_int(out, "instance", r->instance);
	emit_bool(out, "ok", r->is_ok);
	reason_write(r->reason, "reason", text.ptr, out);
	emit_lines(r->lines, out);
	emit_close(out, '}');
	buf_release(&text);
}

void wait_results_emit(const struct wait_results *r, const char *key, struct buf *out)
{
	const struct wait_result *item = NULL;
	size_t k = 0;

	emit_open(out, key, '[');
	VEC_EACH (&r->items, k, item)
		emit_one(item, out);
	emit_close(out, ']');
}
