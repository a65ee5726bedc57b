#include "fake_effects.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "in_words.h"
#include "model/build.h"
#include "model/wait_result.h"
#include "view/event_line.h"
#include "view/wait_text.h"

static void push(struct ticket *row, size_t *len, struct ticket t)
{
	assert(*len < FAKE_PENDING_MAX);
	row[(*len)++] = t;
}

static void drop(struct ticket *row, size_t *len, struct ticket t)
{
	for (size_t k = *len; k-- > 0;)
		if (row[k].generation == t.generation)
			row[k] = row[--*len];
}

static void name_of(const struct fake *f, struct ticket t, struct buf *out)
{
	const struct instance *i = herd_slot(f->h, t.slot);
	struct instance_status s;

	if (!i) {
		buf_adds(out, "?");
		return;
	}
	instance_status(i, f->now, &s);
	buf_addf(out, "%s:%d", s.name, s.instance);
	instance_status_release(&s);
}

void fake_name(struct fake *f, struct ticket t)
{
	name_of(f, t, &f->log);
}

/* Begins a line. */
static struct fake *say(void *context, const char *word, struct ticket t)
{
	struct fake *f = context;

	buf_addf(&f->log, "%s ", word);
	name_of(f, t, &f->log);
	return f;
}

static void spawn(void *context, const struct spawn_effect *effect)
{
	struct fake *f = context;

	buf_addf(&f->log, "spawn %s %d%s%s", effect->name, effect->port, effect->own ? " in " : "",
		effect->own ? effect->own->folder : "");
	fake_add_gate(f, effect);
	push(f->asked, &f->asked_len, effect->ticket);
}

static void stopping(void *context, struct ticket t)
{
	struct fake *f = say(context, "asked", t);

	buf_addc(&f->log, '\n');
}

static void send_signal(void *context, struct ticket t, const char *signal)
{
	struct fake *f = say(context, "signal", t);

	buf_addf(&f->log, " %s main\n", signal);
}

static void stop(void *context, struct ticket t, const char *signal, enum reach reach)
{
	struct fake *f = say(context, "signal", t);

	buf_addf(&f->log, " %s %s\n", signal, reach == REACH_TREE ? "tree" : "main");
}

static void ask_to_stop(void *context, struct ticket t, const char *signal)
{
	struct fake *f = say(context, "message", t);

	buf_addf(&f->log, " or %s\n", signal);
}

/* Where something asks for it: it changes nothing by itself. */
static void grace(void *context, struct ticket t, const char *signal, int64_t ms)
{
	struct fake *f = context;

	if (f->notes_graces) {
		say(f, "grace", t);
		buf_addf(&f->log, " %s %lld\n", signal, (long long)ms);
	}
}

static void end_tree(void *context, struct ticket t, const char *signal)
{
	struct fake *f = say(context, "end", t);

	buf_addf(&f->log, " %s\n", signal);
	drop(f->killed, &f->killed_len, t);
	push(f->killed, &f->killed_len, t);
}

static void kill_tree(void *context, struct ticket t)
{
	struct fake *f = say(context, "kill", t);

	buf_addc(&f->log, '\n');
	drop(f->killed, &f->killed_len, t);
	push(f->killed, &f->killed_len, t);
}

static void check_port(void *context, const struct endpoint *at)
{
	struct fake *f = say(context, "check", at->ticket);

	buf_addf(&f->log, " %d\n", at->port);
	push(f->checks, &f->checks_len, at->ticket);
}

static void watch_ready(void *context, const struct endpoint *at, enum ready_kind kind, bool is_adopted)
{
	struct fake *f = say(context, "watch", at->ticket);

	buf_addf(&f->log, " %d%s\n", (int)kind, is_adopted ? " adopted" : "");
	push(f->watched, &f->watched_len, at->ticket);
}

static void probe(void *context, const struct spawn_effect *effect, int64_t pid)
{
	struct fake *f = context;

	buf_addf(&f->log, "probe %s %d %lld\n", effect->name, effect->port, (long long)pid);
	for (size_t k = 0; k < f->probed_len; k++)
		assert(f->probed[k].generation != effect->ticket.generation);
	push(f->probed, &f->probed_len, effect->ticket);
}

static void unwatch(void *context, struct ticket t)
{
	struct fake *f = context;

	drop(f->watched, &f->watched_len, t);
	drop(f->checks, &f->checks_len, t);
	drop(f->probed, &f->probed_len, t);
}

static void upstream(void *context, const struct upstream_effect *effect)
{
	struct fake *f = context;

	buf_addf(&f->log, "upstream %s", effect->app);
	for (size_t k = 0; k < effect->count; k++)
		buf_addf(&f->log, " %d%s", effect->servers[k].at.port,
			effect->servers[k].is_down ? "-down" : "");
	buf_adds(&f->log, effect->is_gone ? " gone\n" : "\n");
	snprintf(f->upstream, sizeof(f->upstream), "%s", effect->is_gone ? "" : effect->app);
	f->serial = effect->serial;
}

static void drain(void *context, const struct endpoint *at, int64_t ms)
{
	struct fake *f = say(context, "drain", at->ticket);

	buf_addf(&f->log, " %d %lld\n", at->port, (long long)ms);
	push(f->drains, &f->drains_len, at->ticket);
}

static void hook(void *context, const struct hook_effect *effect)
{
	struct fake *f = context;

	buf_addf(&f->log, "hook %s %s\n", effect->app, effect->is_post ? "post" : "pre");
}

static void look(void *context, int64_t pid, struct process_look *out)
{
	const struct fake *f = context;

	(void)pid;
	if (f->listened)
		out->ports[out->ports_len++] = f->listened;
}

static void last_lines(void *context, const char *name, struct buf *out)
{
	const struct fake *f = context;

	if (f->last_lines)
		buf_addf(out, "\n%s of %s", f->last_lines, name);
}

static void publish(void *context, const struct herd_event *event)
{
	struct fake *f = context;
	struct buf line = BUF_INIT;

	if (event_line(event, &line))
		log_info("%s", line.ptr);
	buf_release(&line);
	buf_addf(&f->log, "event %s:%d %s %s (%s)\n", event->app, event->instance,
		herd_event_word(event->kind), state_word(event->to), event_words(event));
	fake_remember(f, event);
}

static void changed(void *context)
{
	struct fake *f = context;

	buf_adds(&f->log, "changed\n");
}

static void settled(void *context, uint64_t request, const struct wait_results *results)
{
	struct fake *f = context;

	buf_addf(&f->log, "settled %llu %s", (unsigned long long)request, results->is_ok ? "ok" : "failed: ");
	wait_results_text(results, &f->log);
	buf_addc(&f->log, '\n');
}

const struct herd_effects fake_effects = {
	.spawn = spawn,
	.stopping = stopping,
	.signal = send_signal,
	.stop = stop,
	.shutdown = ask_to_stop,
	.grace = grace,
	.end_tree = end_tree,
	.kill_tree = kill_tree,
	.check_port = check_port,
	.watch_ready = watch_ready,
	.probe = probe,
	.unwatch = unwatch,
	.upstream = upstream,
	.gate = fake_gate,
	.drain = drain,
	.hook = hook,
	.last_lines = last_lines,
	.look = look,
	.publish = publish,
	.remember = fake_remember,
	.forget = fake_forget_past,
	.changed = changed,
	.settled = settled,
};

void fake_init(struct fake *f)
{
	struct herd_options options = fake_options(f);

	memset(f, 0, sizeof(*f));
	buf_init(&f->log);
	f->now = 1000000;
	f->last_pid = 100;
	f->h = herd_new(&options);
}

struct spec *fake_app(struct fake *f, const char *name, int instances)
{
	struct spec *s = spec_new(name);

	s->oxfile = mem_strdup("/srv/oxfile.toml");
	s->folder = mem_strdup("/srv");
	command_from_line(&s->command, "serve --well", NULL);
	s->instances = (struct count){ .kind = COUNT_NUMBER, .value = instances };
	s->ready = READY_NOTIFY;
	/* No proxy looks for servers here: a rollout takes no longer than it must. */
	s->deploy.fail_timeout_ms = 0;
	vec_push(&f->specs, s);
	return s;
}

void fake_needs(struct spec *s, const char *name)
{
	strings_add(&s->depends_on, name);
}

int fake_apply(struct fake *f)
{
	struct herd_apply a = {
		.oxfile = "/srv/oxfile.toml", .specs = &f->specs, .changes = true, .starts = true
	};
	struct err e = ERR_INIT;
	int rc = herd_apply(f->h, &a, f->now, &e);

	if (rc < 0)
		buf_addf(&f->log, "refused %s\n", e.text.ptr);
	err_release(&e);
	fake_answer(f);
	return rc;
}

static void answer_probe(struct fake *f)
{
	struct ticket t = f->probed[0];
	struct buf name = BUF_INIT;
	const char *words = NULL;

	name_of(f, t, &name);
	words = f->probe ? f->probe(f, name.ptr) : NULL;
	drop(f->probed, &f->probed_len, t);
	if (!words)
		herd_probed(f->h, t, PROBE_PASSED, NULL, f->now);
	else if (*words == '?')
		herd_probed(f->h, t, PROBE_UNKNOWN, SAID("held up"), f->now);
	else if (*words == '#')
		herd_probed(f->h, t, PROBE_STRANGER, SAID(words + 1), f->now);
	else
		herd_probed(f->h, t, PROBE_FAILED, SAID(words), f->now);
	buf_release(&name);
}

static bool answer_one(struct fake *f)
{
	if (f->probed_len) {
		answer_probe(f);
		return true;
	}
	if (f->checks_len) {
		struct ticket t = f->checks[0];

		drop(f->checks, &f->checks_len, t);
		herd_port_free(f->h, t, f->now);
		return true;
	}
	if (f->asked_len) {
		struct ticket t = f->asked[0];

		drop(f->asked, &f->asked_len, t);
		herd_spawned(f->h, t, ++f->last_pid, f->now);
		fake_listen(f, t);
		return true;
	}
	if (f->drains_len) {
		struct ticket t = f->drains[0];

		drop(f->drains, &f->drains_len, t);
		herd_drained(f->h, t, 0, f->now);
		return true;
	}
	if (f->upstream[0]) {
		char app[sizeof(f->upstream)];

		memcpy(app, f->upstream, sizeof(app));
		f->upstream[0] = '\0';
		herd_upstream_set(f->h, app, f->serial, UPSTREAM_IN_EFFECT, "", f->now);
		return true;
	}
	if (f->watched_len && !f->is_never_ready) {
		struct ticket t = f->watched[0];

		drop(f->watched, &f->watched_len, t);
		herd_ready(f->h, t, f->now);
		return true;
	}
	return false;
}

void fake_answer(struct fake *f)
{
	while (!f->is_manual && answer_one(f))
		;
}

void fake_pass(struct fake *f, int64_t ms)
{
	int64_t end = f->now + ms;

	fake_answer(f);
	while (herd_next_deadline(f->h) >= 0 && herd_next_deadline(f->h) <= end) {
		f->now = herd_next_deadline(f->h);
		herd_timer(f->h, f->now);
		fake_answer(f);
	}
	f->now = end;
}

int fake_request(struct fake *f, enum herd_verb verb, const char *target, uint64_t id, bool waits_ready)
{
	struct herd_request r = {
		.id = id,
		.verb = verb,
		.targets = &target,
		.count = target ? 1 : 0,
		.waits_ready = waits_ready,
		.signal = "SIGHUP",
	};
	struct err e = ERR_INIT;
	int rc = herd_request(f->h, &r, f->now, &e);

	if (rc < 0)
		buf_addf(&f->log, "refused %s (%d)\n", e.text.ptr, e.number);
	err_release(&e);
	fake_answer(f);
	return rc;
}

int fake_scale(struct fake *f, const char *app, int count)
{
	struct herd_scaling scaling = { .app = app, .count = { .kind = COUNT_NUMBER, .value = count } };
	struct err e = ERR_INIT;
	int rc = herd_scale(f->h, 0, &scaling, 1, false, f->now, &e);

	if (rc < 0)
		buf_addf(&f->log, "refused %s (%d)\n", e.text.ptr, e.number);
	err_release(&e);
	fake_answer(f);
	return rc;
}

struct ticket fake_ticket(const struct fake *f, const char *name)
{
	const struct instance *i = herd_find(f->h, name);

	return i ? instance_ticket(i) : (struct ticket){ .slot = 0 };
}

void fake_gone(struct fake *f, const char *name)
{
	struct ticket t = fake_ticket(f, name);

	drop(f->killed, &f->killed_len, t);
	herd_tree_gone(f->h, t, f->now);
	fake_answer(f);
}

void fake_exit(struct fake *f, const char *name, int code, int signal)
{
	struct herd_exit end = { .code = code, .signal = signal, .wall_ms = 1700000000123 };
	struct ticket t = fake_ticket(f, name);

	drop(f->asked, &f->asked_len, t);
	herd_exited(f->h, t, &end, f->now);
	if (!f->is_manual)
		fake_gone(f, name);
}

void fake_drop_drain(struct fake *f, struct ticket t)
{
	drop(f->drains, &f->drains_len, t);
}

void fake_probed(struct fake *f, const char *name, enum probe_answer answer, const char *words)
{
	struct ticket t = fake_ticket(f, name);

	drop(f->probed, &f->probed_len, t);
	herd_probed(f->h, t, answer, SAID(words), f->now);
	fake_answer(f);
}

void fake_ready(struct fake *f, const char *name)
{
	herd_ready(f->h, fake_ticket(f, name), f->now);
	fake_answer(f);
}

void fake_forget(struct fake *f)
{
	buf_clear(&f->log);
}

void fake_rebirth(struct fake *f)
{
	struct herd_options options = fake_options(f);
	struct json *j = herd_to_json(f->h);

	herd_free(f->h);
	instance_pasts_release(&f->pasts);
	f->asked_len = 0;
	f->checks_len = 0;
	f->watched_len = 0;
	f->drains_len = 0;
	f->upstream[0] = '\0';
	f->probed_len = 0;
	f->h = herd_from_json(j, &options, f->now, NULL);
	json_free(j);
	assert(f->h);
}
