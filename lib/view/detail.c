#include "view/detail.h"

#include <string.h>

#include "base/signal_name.h"
#include "model/snapshot.h"
#include "view/human.h"
#include "view/list.h"
#include "view/timeline.h"

static void add_instance_name(const struct instance_status *i, const struct timeline *t, struct buf *out)
{
	human_tint(out, TINT_BOLD, t->colour);
	human_safe_text(out, i->name);
	if (*i->name)
		buf_addf(out, ":%d", i->instance);
	human_untint(out, t->colour);
}

static void add_instance_head(const struct instance_status *i, const struct timeline *t, struct buf *out)
{
	add_instance_name(i, t, out);
	if (i->gone_ms >= 0) {
		buf_adds(out, " (a spare): removed ");
		if (i->gone_ms > 0)
			human_duration(out, i->gone_ms);
		buf_adds(out, i->gone_ms > 0 ? " ago" : "a moment ago");
	} else {
		buf_adds(out, ": ");
		human_tint(out, list_tint(i->status), t->colour);
		human_safe_text(out, i->status);
		human_untint(out, t->colour);
	}
	if (i->next_restart_ms >= 0)
		buf_adds(out, ", ");
	list_reason(out, NULL, i->next_restart_ms);
	buf_addc(out, '\n');
	if (!i->reason.len)
		return;
	buf_adds(out, "  ");
	human_safe(out, i->reason.ptr, i->reason.len);
	buf_addc(out, '\n');
}

static void add_last_exit(const struct last_exit *end, const struct timeline *t, struct buf *out)
{
	if (!end->is_known)
		return;
	if (end->signal) {
		buf_adds(out, ", last exit by ");
		signal_name_add(out, end->signal);
	} else if (end->code == LAST_EXIT_UNSEEN) {
		buf_adds(out, ", last exit unseen, before ");
		timeline_time(t, end->at_ms, out);
		return;
	} else {
		buf_addf(out, ", last exit with code %d", end->code);
	}
	buf_adds(out, " at ");
	timeline_time(t, end->at_ms, out);
}

static void add_restart_counts(const struct instance_status *i, const struct timeline *t, struct buf *out)
{
	buf_adds(out, "  ");
	human_count(out, i->restarts > 0 ? (size_t)i->restarts : 0, "restart", "restarts");
	buf_adds(out, ", ");
	human_count(out, i->crashes > 0 ? (size_t)i->crashes : 0, "crash", "crashes");
	if (i->crashes > 1)
		buf_adds(out, " in a row");
	add_last_exit(&i->last_exit, t, out);
	buf_addc(out, '\n');
}

static void add_timeline(const struct instance_status *i, struct timeline t, struct buf *out)
{
	const struct past_entry *entry = NULL;
	size_t k = 0;

	VEC_EACH (&i->past, k, entry) {
		struct event_record told = entry->told;

		told.why = entry->words.ptr;
		timeline_entry(&t, &told, out);
	}
}

static void add_gate(const struct gate_status *g, const struct timeline *t, struct buf *out)
{
	human_tint(out, TINT_BOLD, t->colour);
	human_safe_text(out, g->app);
	human_untint(out, t->colour);
	buf_addf(out, ": its instances share port %d\n  gate ", g->port);
	human_safe_text(out, g->hook);
	if (g->why) {
		buf_adds(out, ": ");
		human_safe_text(out, g->why);
	} else if (!strcmp(g->hook, "seccomp")) {
		buf_adds(out, ": the kernel tells when an instance listens");
	}
	buf_addc(out, '\n');
	if (g->is_without_setuid)
		buf_adds(out, "  no_new_privs is set: setuid programs such as sudo do not work in it\n");
	buf_addc(out, '\n');
}

void detail_render(const struct snapshot *why, const struct timeline *t, struct buf *out)
{
	const struct instance_status *i = NULL;
	const struct gate_status *g = NULL;
	size_t k = 0;

	if (!why->instances.len)
		buf_adds(out, "nothing to tell: it has no instance\n");
	VEC_EACH (&why->gates, k, g)
		add_gate(g, t, out);
	VEC_EACH (&why->instances, k, i) {
		if (k)
			buf_addc(out, '\n');
		add_instance_head(i, t, out);
		add_restart_counts(i, t, out);
		add_timeline(i, *t, out);
	}
}
