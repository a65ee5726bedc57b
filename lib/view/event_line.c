#include "view/event_line.h"

#include "base/str.h"
#include "model/event.h"
#include "model/reason.h"
#include "view/reason_text.h"

static void add_why(const struct herd_event *event, struct buf *out)
{
	if (!event->why)
		return;
	buf_adds(out, " (");
	reason_text(event->why, out);
	buf_addc(out, ')');
}

static void add_step(const struct herd_event *event, struct buf *out)
{
	buf_addf(
		out, "%s -> %s on %s", state_word(event->from), state_word(event->to), event_word(event->on));
	if (event->on == EVENT_READY)
		buf_addf(out, " (%.2f s)", (double)event->elapsed_ms / 1000);
	else
		add_why(event, out);
}

/* The verdict about a deploy names its app itself. */
static bool add_deploy_verdict(const struct herd_event *event, struct buf *out)
{
	if (event->instance >= 0 || !str_eq(event->step, "over"))
		return false;
	reason_text(event->why, out);
	buf_adds(out, event->lines ? event->lines : "");
	return true;
}

/* It turns back or stands still; what becomes of it is the verdict's to say. */
static bool is_failure(const struct herd_event *event)
{
	return event->kind == HERD_EVENT_ROLLOUT && event->instance < 0 && event->why &&
		event->why->kind == REASON_DEPLOY_PHASE && event->why->cause;
}

static void add_failure(const struct herd_event *event, struct buf *out)
{
	buf_addf(out, "%s: %s of revision %lld failed: ", event->app,
		event->why->verb ? event->why->verb : "deploy", (long long)event->why->revision);
	reason_text(event->why->cause, out);
}

bool event_is_warning(const struct herd_event *event)
{
	return event->kind == HERD_EVENT_NOTE || is_failure(event) ||
		(event->kind == HERD_EVENT_ROLLOUT && event->why && event->why->kind == REASON_NOT_DEPLOYED);
}

bool event_line(const struct herd_event *event, struct buf *out)
{
	if (is_failure(event)) {
		add_failure(event, out);
		return true;
	}
	if (event->kind == HERD_EVENT_ROLLOUT)
		return add_deploy_verdict(event, out);
	buf_adds(out, event->app);
	if (event->instance >= 0)
		buf_addf(out, ":%d", event->instance);
	buf_adds(out, ": ");
	switch (event->kind) {
	case HERD_EVENT_STATE:
		add_step(event, out);
		break;
	case HERD_EVENT_ADOPTED:
	case HERD_EVENT_LOST:
		buf_addf(out, "%s, %s", herd_event_word(event->kind), state_word(event->to));
		add_why(event, out);
		break;
	default:
		reason_text(event->why, out);
		break;
	}
	return true;
}
