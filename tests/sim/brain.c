/*
 * The brain's deaths, and what the next one finds: the store as it was saved last, and the keeper's list.
 */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim.h"

void brain_save(struct sim *s)
{
	buf_clear(&s->store);
	herd_write(s->h, &s->store);
}

void brain_die(struct sim *s)
{
	uint64_t random = sim_mix(s->seed, s->steps);
	bool dies_with_keeper = sim_chance(&random, 15);

	sim_trace(s, "the brain dies%s", s->is_brain_dead ? " in the middle of a step" : "");
	herd_free(s->h);
	s->h = NULL;
	s->epoch++;
	s->back_at = s->now + (int64_t)sim_draw(&random, 1000);
	s->port_watch_len = 0;
	s->is_shutting_down = false;
	s->has_deadline = false;
	memset(s->asked, 0, sizeof(s->asked));
	/*
	 * The keeper died too, and the new parent of what still runs took the exits.  Half of the times the next keeper finds
	 * nothing of what was there, else it knows what has ended, but not how.
	 */
	s->has_new_keeper = dies_with_keeper && sim_chance(&random, 50);
	dies_with_keeper = dies_with_keeper && !s->has_new_keeper;
	for (size_t k = 0; k < s->procs.len && dies_with_keeper; k++) {
		struct proc *p = s->procs.items[k];

		p->is_lost = !p->is_tree_alive;
	}
}

void brain_stopping(void *context, struct ticket t)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	if (machine_hears(s) && p)
		p->is_asked = true;
}

static void adopt(struct sim *s, struct proc *p)
{
	struct herd_live live = {
		.ticket = p->ticket,
		.name = p->name,
		.pid = p->pid,
		.gate = p->gate,
		.is_stopping = p->is_asked,
		.has_ended = !p->is_main_alive,
		.is_end_published =
			!p->is_main_alive && diary_has_end(s, p->app, p->number, p->ticket.generation),
	};
	struct herd_exit end = { .code = p->code, .signal = p->signal, .wall_ms = s->wall + s->now };
	bool is_taken = herd_adopt(s->h, &live, s->now);

	if (s->has_new_keeper && !p->is_main_alive && !p->was_exit_told)
		end = (struct herd_exit){ .code = LAST_EXIT_UNSEEN, .wall_ms = end.wall_ms };
	sim_trace(s, "the keeper has %s generation %llu%s%s%s", p->name,
		(unsigned long long)p->ticket.generation, p->is_main_alive ? "" : ", ended",
		p->is_tree_alive ? "" : ", all gone", is_taken ? "" : ": refused");
	if (!is_taken && p->is_main_alive)
		sim_fail(s, "%s generation %llu lives and was refused", p->name,
			(unsigned long long)p->ticket.generation);
	if (is_taken && p->is_main_alive)
		gate_tell(s, p);
	if (!is_taken || p->is_main_alive)
		return;
	/* It is taken without a report: its end was reported, or is about to be. */
	check_relearn_states(s);
	p->was_exit_told = true;
	herd_exited(s->h, p->ticket, &end, s->now);
	if (!p->is_tree_alive && p->is_gone_sent) {
		p->was_gone_told = true;
		herd_tree_gone(s->h, p->ticket, s->now);
	}
	check_relearn_states(s);
}

/* A fork that failed, or was never told, is in nobody's list; nor is what was lost. */
static void clean_list(struct sim *s)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		struct proc *p = s->procs.items[k];

		p->was_gone_told = p->is_lost || p->is_failed;
		p->is_watched = p->is_probed = false;
		p->last_fact = s->now;
	}
	machine_forget_told(s);
}

void brain_start(struct sim *s)
{
	struct herd_options options = {
		.effects = &machine_effects,
		.context = s,
		.seed = s->seed,
		.cpus = 4,
		.is_port_taken = machine_is_port_taken,
		.is_port_busy = machine_is_port_taken,
		.look = disk_look,
	};
	bool is_exact = s->is_store_prompt && !s->is_brain_dead;
	struct json *stored = NULL;
	struct err e = ERR_INIT;

	s->back_at = -1;
	s->dies_in = -1;
	s->is_brain_dead = false;
	s->events = 0;
	s->epoch++;
	proxy_relearn(s);
	gate_relearn(s);
	if (!s->store.len) {
		s->h = herd_new(&options);
		return;
	}
	s->restores++;
	s->is_restoring = true;
	sim_trace(s, "a new brain");
	stored = json_parse(s->store.ptr, s->store.len, s->store.len, &e);
	s->h = stored ? herd_from_json(stored, &options, s->now, &e) : NULL;
	json_free(stored);
	if (!s->h) {
		sim_fail(s, "the store is refused: %s", e.text.ptr);
		err_release(&e);
		return;
	}
	clean_list(s);
	check_relearn_states(s);
	for (size_t k = 0; k < s->procs.len; k++)
		((struct proc *)s->procs.items[k])->is_doubtful |= !is_exact;
	if (!is_exact) {
		check_relearn(s);
		apart_relearn(s);
	}
	roll_relearn(s);
	for (size_t k = 0; k < s->procs.len; k++)
		adopt(s, s->procs.items[k]);
	s->is_restoring = false;
	herd_resume(s->h, s->now);
	gate_resumed(s);
	machine_forget_told(s);
	if (s->is_calm)
		machine_calm(s);
	again_ask(s, is_exact);
}

void brain_end(struct sim *s)
{
	sim_trace(s, "the daemon ends");
	s->dies_in = -1;
	s->is_store_prompt = true;
	s->is_brain_dead = false;
	brain_save(s);
	brain_die(s);
}
