/*
 * Processes, ports and the keeper's messages.  What is true and what the brain learns are two things: facts take a moment, and those that
 * were on their way when the brain died never arrive.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/reason.h"
#include "model/wait_result.h"
#include "sim.h"
#include "view/wait_text.h"

/* --- what is due --- */

static bool is_before(const struct due *a, const struct due *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void machine_due(struct sim *s, enum happens what, struct ticket t, int64_t at, int port)
{
	struct due due = {
		.at = at, .order = ++s->orders, .epoch = s->epoch, .what = what, .ticket = t, .port = port
	};
	size_t place = s->due_len++;

	if (s->due_len > s->due_cap) {
		s->due_cap = s->due_cap ? s->due_cap * 2 : 256;
		s->due = mem_resize(s->due, s->due_cap, sizeof(*s->due));
	}
	for (; place && is_before(&due, &s->due[(place - 1) / 2]); place = (place - 1) / 2)
		s->due[place] = s->due[(place - 1) / 2];
	s->due[place] = due;
}

static struct due take_due(struct sim *s)
{
	struct due first = s->due[0];
	struct due last = s->due[--s->due_len];
	size_t place = 0;

	for (;;) {
		size_t child = place * 2 + 1;

		if (child + 1 < s->due_len && is_before(&s->due[child + 1], &s->due[child]))
			child++;
		if (child >= s->due_len || !is_before(&s->due[child], &last))
			break;
		s->due[place] = s->due[child];
		place = child;
	}
	s->due[place] = last;
	return first;
}

int64_t machine_next(const struct sim *s)
{
	return s->due_len ? s->due[0].at : -1;
}

/* A brain dies between two effects as well as between two steps; what it asks for afterwards nobody hears. */
bool machine_hears(struct sim *s)
{
	if (s->dies_in == 0 && s->dies_at_effect >= 0 && s->dies_at_effect-- == 0)
		s->is_brain_dead = true;
	return !s->is_brain_dead;
}

/* --- processes --- */

struct proc *machine_find(const struct sim *s, struct ticket t)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		struct proc *p = s->procs.items[k];

		if (p->ticket.generation == t.generation && p->ticket.slot == t.slot)
			return p;
	}
	return NULL;
}

static void forget(struct sim *s, const struct proc *p)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		if (s->procs.items[k] == p) {
			mem_free(vec_remove(&s->procs, k));
			return;
		}
	}
}

void machine_forget_told(struct sim *s)
{
	for (size_t k = s->procs.len; k-- > 0;) {
		const struct proc *p = s->procs.items[k];

		if (p->was_gone_told)
			forget(s, p);
	}
}

void machine_release(struct sim *s)
{
	vec_release_with(&s->procs, mem_free);
	gates_release(s);
	mem_free(s->due);
	mem_free(s->port_watch);
}

/* The keeper's messages about one process arrive in order. */
void machine_tell(struct sim *s, struct proc *p, enum happens what)
{
	int64_t at = s->now + (int64_t)sim_draw(&s->behaviour, 4);

	if (!s->is_calm && sim_chance(&s->behaviour, 5))
		at += (int64_t)sim_draw(&s->behaviour, 400);
	if (at < p->last_fact)
		at = p->last_fact;
	p->last_fact = at;
	machine_due(s, what, p->ticket, at, 0);
}

void machine_end_main(struct sim *s, struct proc *p, int code, int signal)
{
	if (!p->is_main_alive)
		return;
	p->is_main_alive = false;
	p->ended_at = s->now;
	p->code = code;
	p->signal = signal;
	if (!p->has_children)
		p->is_tree_alive = false;
	if (!p->is_tree_alive)
		gate_ended(s, p);
	sim_trace(s, "%s pid %lld ends (code %d, signal %d)", p->name, (long long)p->pid, code, signal);
	machine_tell(s, p, HAPPENS_TELL_EXIT);
	tree_main_ended(s, p);
}

static void behave(struct sim *s, struct proc *p, uint64_t *random)
{
	uint64_t kind = sim_draw(random, 100);
	int64_t lives = 0;

	p->ready_at = s->now + (int64_t)sim_draw(random, 1200);
	p->stop_ms = (int64_t)sim_draw(random, 60);
	p->kill_ms = (int64_t)sim_draw(random, 10);
	p->has_children = sim_chance(random, 20);
	p->rest_ms = (int64_t)sim_draw(random, 60);
	if (s->is_calm) {
		p->is_immortal = true;
		return;
	}
	if (sim_chance(random, 8))
		p->stop_ms = sim_chance(random, 50) ? -1 : (int64_t)sim_draw(random, 20000);
	if (sim_chance(random, 30))
		p->rest_ms = sim_chance(random, 50) ? -1 : (int64_t)sim_draw(random, 6000);
	if (p->is_bad && sim_chance(random, 80)) {
		p->ready_at = sim_chance(random, 30) ? -1 : p->ready_at;
		machine_due(s, HAPPENS_END, p->ticket, s->now + (int64_t)sim_draw(random, 4000), 0);
		return;
	}
	if (sim_chance(random, 2))
		p->kill_ms = (int64_t)sim_draw(random, 40000);
	if (sim_chance(random, 8))
		p->ready_at = sim_chance(random, 50) ? -1 : s->now + (int64_t)sim_draw(random, 12000);
	if (kind < 10)
		lives = (int64_t)sim_draw(random, 5);
	else if (kind < 25)
		lives = (int64_t)sim_draw(random, 3000);
	else if (kind < 45)
		lives = (int64_t)sim_draw(random, 90000);
	else
		return;
	machine_due(s, HAPPENS_END, p->ticket, s->now + lives, 0);
}

static void wish_spawn(void *context, const struct spawn_effect *effect)
{
	struct sim *s = context;
	struct proc *p = NULL;
	uint64_t random = 0;

	if (!machine_hears(s))
		return;
	check_spawn(s, effect);
	if (s->failure[0])
		return;
	p = mem_zalloc(1, sizeof(*p));
	p->ticket = effect->ticket;
	snprintf(p->name, sizeof(p->name), "%s", effect->name);
	town_parse(p->name, &p->app, &p->number);
	p->build = town_build(town_version(effect->spec));
	p->is_bad = town_is_bad(effect->spec);
	p->port = effect->port;
	p->owns_port = effect->owns_port;
	p->pid = (int64_t)++s->spawns + 100;
	gate_spawned(s, p, effect);
	random = sim_mix(sim_mix(s->seed, (uint64_t)p->app * 100 + (uint64_t)p->number),
		++s->spawn_counts[p->app][p->number]);
	vec_push(&s->procs, p);
	sim_trace(s, "effect: spawn %s (slot %u, generation %llu, port %d, revision %d)", p->name,
		p->ticket.slot, (unsigned long long)p->ticket.generation, p->port, effect->revision);
	if (!s->is_calm && (sim_chance(&random, 6) || s->now < s->program_gone_until[p->app])) {
		p->is_failed = true;
		machine_tell(s, p, HAPPENS_SPAWN_FAILED);
		return;
	}
	p->is_main_alive = true;
	p->is_tree_alive = true;
	s->started_at[p->app][p->number] = s->now;
	p->keeper_grace_ms = effect->spec->stop_timeout_ms;
	machine_tell(s, p, HAPPENS_SPAWNED);
	behave(s, p, &random);
}

static void wish_watch_ready(void *context, const struct endpoint *at, enum ready_kind kind, bool is_adopted)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, at->ticket);

	(void)is_adopted;
	if (!machine_hears(s) || !p)
		return;
	p->is_watched = true;
	if (p->ready_at < 0 || (kind == READY_ALIVE && !at->port))
		return;
	machine_due(s, HAPPENS_READY, at->ticket, p->ready_at > s->now ? p->ready_at : s->now + 1, 0);
}

static void wish_probe(void *context, const struct spawn_effect *effect, int64_t pid)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, effect->ticket);
	int64_t takes = (int64_t)sim_draw(&s->behaviour, 30);

	if (!machine_hears(s))
		return;
	if (!p || p->was_exit_told || p->pid != pid) {
		sim_fail(s, "a check of %s generation %llu was wished for, which is not there", effect->name,
			(unsigned long long)effect->ticket.generation);
		return;
	}
	if (p->is_probed)
		sim_fail(s, "a second check of %s was wished for while one is under way", effect->name);
	p->is_probed = true;
	if (!s->is_calm && sim_chance(&s->behaviour, 5))
		takes += (int64_t)sim_draw(&s->behaviour, 5000);
	machine_due(s, HAPPENS_PROBED, p->ticket, s->now + takes, 0);
}

static void wish_unwatch(void *context, struct ticket t)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	if (!machine_hears(s))
		return;
	if (p)
		p->is_watched = p->is_probed = false;
	port_unwatch(s, t);
}

static void wish_publish(void *context, const struct herd_event *event)
{
	struct sim *s = context;

	if (machine_hears(s))
		check_event(s, event);
}

static void wish_changed(void *context)
{
	struct sim *s = context;

	if (!machine_hears(s))
		return;
	s->was_changed = true;
	if (s->dies_in >= 0 && s->is_store_prompt)
		brain_save(s);
}

static void wish_settled(void *context, uint64_t request, const struct wait_results *results)
{
	struct sim *s = context;
	struct buf words = BUF_INIT;

	if (!machine_hears(s))
		return;
	wait_results_text(results, &words);
	sim_trace(s, "request %llu is settled: %s%s", (unsigned long long)request,
		results->is_ok ? "ok" : "failed, ", words.ptr);
	buf_release(&words);
	check_settled(s, request, results->is_ok);
}

const struct herd_effects machine_effects = {
	.spawn = wish_spawn,
	.stopping = brain_stopping,
	.signal = tree_signal,
	.stop = tree_stop,
	.shutdown = tree_shutdown,
	.grace = tree_grace,
	.end_tree = tree_end,
	.kill_tree = tree_kill,
	.check_port = port_check_wish,
	.watch_ready = wish_watch_ready,
	.probe = wish_probe,
	.unwatch = wish_unwatch,
	.upstream = proxy_upstream,
	.gate = gate_wish,
	.drain = proxy_drain,
	.hook = proxy_hook,
	.last_lines = proxy_last_lines,
	.look = proxy_look,
	.publish = wish_publish,
	.remember = proxy_remember,
	.forget = proxy_forget,
	.changed = wish_changed,
	.settled = wish_settled,
};

/* --- things happen --- */

static void happen_end(struct sim *s, struct proc *p, int signal)
{
	uint64_t random = sim_mix(s->seed, p->ticket.generation);

	if (p->is_immortal && !signal)
		return;
	if (signal)
		machine_end_main(s, p, 0, sim_chance(&random, 50) ? signal : 0);
	else if (sim_chance(&random, 20))
		machine_end_main(s, p, 0, 11);
	else
		machine_end_main(s, p, sim_chance(&random, 40) ? 0 : 1, 0);
}

static void tell_exit(struct sim *s, struct proc *p)
{
	struct herd_exit end = { .code = p->code, .signal = p->signal, .wall_ms = s->wall + s->now };

	p->was_exit_told = true;
	sim_trace(s, "fact: %s generation %llu exited", p->name, (unsigned long long)p->ticket.generation);
	herd_exited(s->h, p->ticket, &end, s->now);
}

static void tell_gone(struct sim *s, struct proc *p)
{
	struct ticket t = p->ticket;

	p->was_gone_told = true;
	sim_trace(
		s, "fact: the tree of %s generation %llu is gone", p->name, (unsigned long long)t.generation);
	/* The keeper forgets what the brain has taken; while the brain is about to die that word may not have come. */
	if (s->dies_in < 0)
		forget(s, p);
	herd_tree_gone(s->h, t, s->now);
}

static void happen_spawn_failed(struct sim *s, struct proc *p)
{
	struct ticket t = p->ticket;

	sim_trace(s, "fact: %s could not be spawned", p->name);
	forget(s, p);
	herd_spawn_failed(s->h, t, &REASON_OF(CANNOT_ENTER, .folder = "/x", .number = 2), s->now);
}

static void happen_probed(struct sim *s, struct proc *p)
{
	bool is_ill = s->now < p->ill_until || s->now < s->cause_until[p->app] || p->ready_at < 0 ||
		s->now < p->ready_at || !p->is_main_alive;
	enum probe_answer answer = is_ill ? PROBE_FAILED : PROBE_PASSED;

	if (!p->is_probed)
		return;
	p->is_probed = false;
	if (!is_ill)
		gate_before_ready(s, p);
	if (!s->is_calm && sim_chance(&s->behaviour, 4))
		answer = sim_chance(&s->behaviour, 50) ? PROBE_UNKNOWN : PROBE_STRANGER;
	sim_trace(s, "fact: a check of %s came to %d", p->name, (int)answer);
	herd_probed(s->h, p->ticket, answer, &REASON_OF(REFUSED), s->now);
}

static void happen_fact(struct sim *s, const struct due *due, struct proc *p)
{
	switch (due->what) {
	case HAPPENS_SPAWNED:
		sim_trace(s, "fact: %s runs as pid %lld", p->name, (long long)p->pid);
		herd_spawned(s->h, p->ticket, p->pid, s->now);
		break;
	case HAPPENS_SPAWN_FAILED:
		happen_spawn_failed(s, p);
		break;
	case HAPPENS_TELL_EXIT:
		tell_exit(s, p);
		break;
	case HAPPENS_TELL_GONE:
		tell_gone(s, p);
		break;
	case HAPPENS_READY:
		if (!p->is_watched || !p->is_main_alive)
			break;
		p->is_watched = false;
		gate_before_ready(s, p);
		sim_trace(s, "fact: %s is ready", p->name);
		herd_ready(s->h, p->ticket, s->now);
		break;
	case HAPPENS_DRAINED:
		gate_drained(s, p);
		break;
	case HAPPENS_TELL_LISTENS:
		gate_tell(s, p);
		break;
	case HAPPENS_PROBED:
		happen_probed(s, p);
		break;
	default:
		break;
	}
}

bool machine_step(struct sim *s)
{
	struct due due = { .at = 0 };
	struct proc *p = NULL;

	if (!s->due_len)
		return false;
	due = take_due(s);
	p = machine_find(s, due.ticket);
	if (due.what == HAPPENS_PORT && due.epoch == s->epoch && s->h)
		port_happen(s, &due);
	else if (due.what == HAPPENS_UPSTREAM && due.epoch == s->epoch && s->h)
		proxy_happen(s, &due);
	else if (due.what == HAPPENS_HOOKED && due.epoch == s->epoch && s->h)
		proxy_hooked(s, &due);
	else if (!p || due.what == HAPPENS_PORT || due.what == HAPPENS_UPSTREAM || due.what == HAPPENS_HOOKED)
		return true;
	else if (due.what == HAPPENS_END)
		happen_end(s, p, due.port);
	else if (due.what == HAPPENS_TREE_END)
		tree_ended(s, p);
	else if (due.what == HAPPENS_LISTEN)
		gate_listen(s, p);
	else if (due.epoch == s->epoch && s->h)
		happen_fact(s, &due, p);
	return true;
}

/* The question whether a port is free, asked again and again. */
static bool is_idle_question(const struct sim *s, const struct due *due)
{
	return due->what == HAPPENS_PORT && s->h && port_rests(herd_slot(s->h, due->ticket.slot));
}

bool machine_is_quiet(const struct sim *s)
{
	for (size_t k = 0; k < s->due_len; k++)
		if (s->due[k].what != HAPPENS_PROBED && !is_idle_question(s, &s->due[k]))
			return false;
	return true;
}

/* From here on nothing goes wrong by itself: what runs keeps running, becomes ready, and stops when asked. */
void machine_calm(struct sim *s)
{
	s->is_calm = true;
	memset(s->stranger_until, 0, sizeof(s->stranger_until));
	memset(s->cause_until, 0, sizeof(s->cause_until));
	memset(s->program_gone_until, 0, sizeof(s->program_gone_until));
	for (size_t k = 0; k < s->procs.len; k++) {
		struct proc *p = s->procs.items[k];

		p->is_immortal = true;
		p->is_uncaught &= p->does_listen;
		p->stop_ms = p->rest_ms = 5;
		p->ill_until = 0;
		if (p->ready_at > s->now || p->ready_at < 0)
			p->ready_at = s->now + 1;
		if (p->is_watched && p->is_main_alive)
			machine_due(s, HAPPENS_READY, p->ticket, s->now + 1, 0);
	}
}
