#include "scene_effects.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "in_words.h"
#include "journal/event_item.h"
#include "model/build.h"
#include "rules/rollout.h"
#include "view/wait_text.h"

static struct herd_effects effects;

static void spawn(void *context, const struct spawn_effect *w)
{
	struct fake *f = context;
	size_t from = f->log.len;

	fake_effects.spawn(context, w);
	buf_cut(&f->log, from);
	buf_addf(&f->log, "spawn %s port %d%s, instance %d of %d, revision %d, caller %lld%s%s: %s\n",
		w->name, w->port, w->owns_port ? "" : " not owned", w->instance, w->instances, w->revision,
		(long long)w->caller, w->own ? " in " : "", w->own ? w->own->folder : "",
		w->spec->command.text ? w->spec->command.text : "");
}

static void watch_ready(void *context, const struct endpoint *at, enum ready_kind kind, bool is_adopted)
{
	struct fake *f = context;

	fake_effects.watch_ready(context, at, kind, is_adopted);
	buf_cut(&f->log, f->log.len - 1);
	buf_addf(&f->log, " port %d\n", at->port);
}

/* Only where something was still watched: what was answered ends by itself. */
static void unwatch(void *context, struct ticket t)
{
	struct fake *f = context;
	size_t before = f->watched_len + f->checks_len + f->probed_len;

	fake_effects.unwatch(context, t);
	if (f->watched_len + f->checks_len + f->probed_len == before)
		return;
	buf_adds(&f->log, "unwatch ");
	fake_name(f, t);
	buf_addc(&f->log, '\n');
}

static void upstream(void *context, const struct upstream_effect *w)
{
	struct fake *f = context;

	fake_effects.upstream(context, w);
	buf_cut(&f->log, f->log.len - 1);
	buf_addf(&f->log, " (serial %llu)\n", (unsigned long long)w->serial);
}

static void hook(void *context, const struct hook_effect *w)
{
	struct fake *f = context;

	buf_addf(&f->log, "hook %s %s, rollout %llu, revision %d, caller %lld\n", w->app,
		w->is_post ? "post" : "pre", (unsigned long long)w->rollout, w->revision,
		(long long)w->caller);
}

/* Once is enough, until something else happened. */
static void changed(void *context)
{
	struct fake *f = context;

	if (f->log.len < strlen("changed\n") ||
		!str_eq(f->log.ptr + f->log.len - strlen("changed\n"), "changed\n"))
		buf_adds(&f->log, "changed\n");
}

static void tell_event(struct fake *f, const char *word, const struct herd_event *e)
{
	buf_addf(&f->log, "%s %s:%d %s", word, e->app, e->instance, herd_event_word(e->kind));
	if (e->from != e->to)
		buf_addf(&f->log, " %s -> %s on %s", state_word(e->from), state_word(e->to),
			event_word(e->on));
	else
		buf_addf(&f->log, " %s", state_word(e->to));
	if (e->phase)
		buf_addf(&f->log, " phase %s step %s revision %d, %d of %d, %lld ms%s", e->phase,
			e->step ? e->step : "-", e->revision, e->done, e->total, (long long)e->elapsed_ms,
			e->is_spare ? ", a spare" : "");
	if (e->pid)
		buf_addf(&f->log, " pid %lld", (long long)e->pid);
	if (e->run)
		buf_addf(&f->log, " run %llu", (unsigned long long)e->run);
	if (e->delay_ms >= 0)
		buf_addf(&f->log, " in %lld ms", (long long)e->delay_ms);
	buf_addf(&f->log, "%s%s\n", e->why ? ": " : "", event_words(e));
	fake_remember(f, e);
}

static void publish(void *context, const struct herd_event *e)
{
	tell_event(context, "event", e);
}

static void remember(void *context, const struct herd_event *e)
{
	tell_event(context, "remember", e);
}

static bool is_port_taken(void *context, int port)
{
	const struct fake *f = context;

	return port == f->listened;
}

static struct herd_options options_of(struct fake *f)
{
	struct herd_options o = fake_options(f);

	effects = fake_effects;
	effects.spawn = spawn;
	effects.watch_ready = watch_ready;
	effects.unwatch = unwatch;
	effects.upstream = upstream;
	effects.hook = hook;
	effects.changed = changed;
	effects.publish = publish;
	effects.remember = remember;
	o.effects = &effects;
	o.is_port_taken = is_port_taken;
	return o;
}

void scene_begin(struct fake *f)
{
	struct herd_options o;

	fake_init(f);
	herd_free(f->h);
	o = options_of(f);
	f->h = herd_new(&o);
}

bool scene_is_remembered(struct fake *f, struct buf *out)
{
	struct herd_options o = options_of(f);
	struct err e = ERR_INIT;
	size_t len = f->log.len;
	struct buf before = BUF_INIT;
	struct buf after = BUF_INIT;
	struct json *j = NULL;
	struct herd *other = NULL;
	int64_t now = 0;
	bool is_same = false;

	herd_write(f->h, &before);
	j = json_parse(before.ptr, before.len, before.len + 1, &e);
	(void)json_int(json_get(j, "now"), &now);
	other = j ? herd_from_json(j, &o, now, &e) : NULL;
	if (other)
		herd_write(other, &after);
	is_same = str_eq(before.ptr, after.ptr);
	if (!is_same)
		buf_addf(out, "NOT REMEMBERED %s\n%s\n%s\n", e.text.ptr ? e.text.ptr : "", before.ptr,
			after.ptr);
	/* A herd that waits asks for nothing. */
	if (f->log.len != len) {
		buf_adds(out, "A HERD THAT WAITS DOES SOMETHING\n");
		is_same = false;
	}
	herd_free(other);
	json_free(j);
	buf_release(&before);
	buf_release(&after);
	err_release(&e);
	return is_same;
}

struct known {
	struct herd_live live;
	char name[80];
};

/* Of all that has a process: what the keeper would tell. */
static size_t everything_live(const struct fake *f, struct known *known, size_t most)
{
	size_t count = 0;

	for (const struct instance *i = herd_first(f->h); i && count < most; i = herd_next(f->h, i)) {
		struct known *k = &known[count];
		struct buf name = BUF_INIT;

		if (!instance_pid(i))
			continue;
		buf_addf(&name, "%s:%d", instance_app(i), instance_number(i));
		snprintf(k->name, sizeof(k->name), "%s", name.ptr);
		buf_release(&name);
		k->live = (struct herd_live){
			.ticket = instance_ticket(i),
			.name = k->name,
			.pid = instance_pid(i),
		};
		count++;
	}
	return count;
}

void scene_rebirth(struct fake *f)
{
	static struct known known[64];
	struct herd_options o = options_of(f);
	size_t count = everything_live(f, known, sizeof(known) / sizeof(known[0]));
	struct json *j = herd_to_json(f->h);

	herd_free(f->h);
	instance_pasts_release(&f->pasts);
	f->asked_len = f->checks_len = f->watched_len = f->drains_len = f->probed_len = 0;
	f->upstream[0] = '\0';
	f->h = herd_from_json(j, &o, f->now, NULL);
	json_free(j);
	for (size_t k = 0; k < count; k++)
		herd_adopt(f->h, &known[k].live, f->now);
	herd_resume(f->h, f->now);
}

void scene_status(struct fake *f)
{
	for (size_t k = 0; k < herd_app_count(f->h); k++) {
		struct app_status a;
		struct buf line = BUF_INIT;
		struct buf message = BUF_INIT;

		herd_app_status(f->h, k, &a);
		failure_text(a.rollout.why, a.rollout.lines, &message);
		a.rollout.message = a.rollout.why ? message.ptr : NULL;
		app_status_write(&a, &line);
		buf_release(&message);
		buf_addf(&f->log, "%s scaled %d caller %lld\n", line.ptr, herd_scaled(f->h, a.name),
			(long long)herd_caller(f->h, a.name));
		buf_release(&line);
	}
	for (const struct instance *i = herd_first(f->h); i; i = herd_next(f->h, i)) {
		struct instance_status s;
		struct buf line = BUF_INIT;

		instance_status(i, f->now, &s);
		instance_status_write(&s, &line);
		buf_addf(&f->log, "%s\n", line.ptr);
		buf_release(&line);
		instance_status_release(&s);
	}
}

void scene_past(struct fake *f, const char *name)
{
	const struct instance *i = herd_find(f->h, name);
	const struct vec *items =
		i ? instance_pasts_of(&f->pasts, instance_app(i), instance_number(i)) : NULL;

	for (size_t k = 0; items && k < items->len; k++) {
		struct past_entry entry = { .words = BUF_INIT };

		event_item_to_entry(items->items[k], &entry);
		buf_addf(&f->log, "%lld %s %s %s -> %s %s\n", (long long)(entry.told.at_ms - f->now),
			entry.told.kind, entry.told.on ? entry.told.on : event_word(0), entry.told.from,
			entry.told.to, entry.words.ptr);
		reason_free(entry.why);
		buf_release(&entry.words);
	}
}

void scene_counts(struct fake *f)
{
	struct herd_counts c = herd_counts(f->h);
	int64_t due = herd_next_deadline(f->h);

	buf_addf(&f->log, "stale %llu odd %llu instances %zu timers %zu requests %zu checks %zu due %lld\n",
		(unsigned long long)c.stale_facts, (unsigned long long)c.unexpected_facts, c.instances,
		c.timers, c.requests, c.checks, (long long)(due < 0 ? -1 : due - f->now));
}
