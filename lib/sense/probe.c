#include "sense/probe.h"

#include <arpa/inet.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/netdiag.h"
#include "os/procfs.h"
#include "sense/port_owner.h"
#include "sense/probe_private.h"

/* --- whose socket answered ------------------------------------------------------------------------------------------ */

static int port_of(const union address *to)
{
	return ntohs(to->any.sa_family == AF_INET6 ? to->six.sin6_port : to->four.sin_port);
}

static void forget_stranger(struct probe *p)
{
	reason_free(p->stranger);
	p->stranger = NULL;
}

static void describe_stranger(struct probe *p, int port, int64_t inode)
{
	struct netdiag_holder holder = { .pid = 0, .command = BUF_INIT };

	if (inode > 0) {
		holder.pid = netdiag_pid_of((uint32_t)inode);
		if (holder.pid)
			(void)procfs_command(holder.pid, &holder.command, NETDIAG_COMMAND_MAX);
	} else {
		(void)netdiag_holder(port, &holder, NULL);
	}
	forget_stranger(p);
	p->stranger = reason_copy(&REASON_OF(STRANGER, .port = port, .pid = holder.pid,
		.command = holder.pid ? holder.command.ptr : NULL, .instance = p->name));
	buf_release(&holder.command);
}

static bool owns(const struct probe *p, int port, int64_t inode)
{
	struct port_owner look = { .sockets = NETDIAG_SOCKETS_INIT, .tree = PROCTREE_INIT };
	bool is_own = false;

	if (inode > 0) {
		is_own = port_owner_holds(&look, (uint32_t)inode, p->pid);
	} else {
		port_owner_init(&look, port);
		is_own = port_owner_listens(&look, port, p->pid, NULL);
	}
	port_owner_release(&look);
	return is_own;
}

/* Of several at one address the kernel would name any. */
static int64_t who_listens(const struct probe *p, const struct probe_way *way)
{
	if (way->inode)
		return way->inode;
	return p->all->link < 0 ? -1 : netdiag_listener(p->all->link, &way->to.any);
}

enum probe_answer probe_judge_owner(struct probe *p, const struct probe_way *way, struct reason *why)
{
	int64_t inode = who_listens(p, way);
	int port = port_of(&way->to);
	int64_t now = clock_ms();

	if (inode > 0 && inode == p->own_inode)
		return PROBE_PASSED;
	if (inode == 0) {
		*why = REASON_OF(NOBODY_LISTENS, .port = port);
		return PROBE_FAILED;
	}
	if (!p->stranger || inode != p->stranger_inode || now - p->stranger_at >= PROBE_STRANGER_MS) {
		forget_stranger(p);
		if (owns(p, port, inode)) {
			p->own_inode = inode;
			return PROBE_PASSED;
		}
		describe_stranger(p, port, inode);
		p->stranger_inode = inode;
		p->stranger_at = now;
	}
	*why = *p->stranger;
	return PROBE_STRANGER;
}

/* --- one check ------------------------------------------------------------------------------------------------------ */

static void stop_probe(struct probe *p)
{
	p->is_active = false;
	p->is_decided = false;
	ev_timer_stop(p->all->loop, &p->due);
	probe_net_stop(p);
	probe_exec_stop(p);
}

void probe_finish(struct probe *p, enum probe_answer answer, const struct reason *why)
{
	struct reason *copy = reason_copy(why);
	struct probes *all = p->all;
	struct ticket ticket = p->ticket;

	stop_probe(p);
	all->done(all->context, ticket, answer, copy);
	reason_free(copy);
}

void probe_decide(struct probe *p, enum probe_answer answer, const struct reason *why)
{
	p->is_decided = true;
	p->answer = answer;
	reason_free(p->why);
	p->why = reason_copy(why);
}

static void on_probe_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct probe *p = w->data;
	struct reason why;

	(void)loop;
	(void)events;
	if (p->is_decided) {
		probe_finish(p, p->answer, p->why);
		return;
	}
	if (probe_net_last_look(p))
		return;
	why = p->fd >= 0 && !p->is_connected ? REASON_OF(NO_CONNECTION, .ms = p->timeout_ms)
					     : REASON_OF(NO_ANSWER, .ms = p->timeout_ms);
	/* If the brain was stopped, or the machine slept, the delay was not the instance's. */
	if (clock_ms() - p->started_at > p->timeout_ms + PROBE_LATE_MS)
		probe_finish(p, PROBE_UNKNOWN, &why);
	else
		probe_finish(p, PROBE_FAILED, &why);
}

static void probe_free(void *item)
{
	struct probe *p = item;

	stop_probe(p);
	forget_stranger(p);
	reason_free(p->why);
	buf_release(&p->request);
	mem_free(p->name);
	mem_free(p);
}

static struct probe *probe_new(struct probes *all, const struct spawn_effect *effect)
{
	struct probe *p = mem_zalloc(1, sizeof(*p));

	p->all = all;
	p->ticket = effect->ticket;
	p->name = mem_strdup(effect->name);
	p->fd = -1;
	buf_init(&p->request);
	ev_init(&p->due, on_probe_due);
	p->due.data = p;
	return p;
}

/* --- all of them ---------------------------------------------------------------------------------------------------- */

struct probes *probes_new(struct ev_loop *loop, struct runner *runner, probe_done done, void *context)
{
	struct probes *all = mem_zalloc(1, sizeof(*all));

	*all = (struct probes){
		.loop = loop,
		.runner = runner,
		.done = done,
		.context = context,
		.link = netdiag_link(),
	};
	return all;
}

void probes_free(struct probes *all)
{
	if (!all)
		return;
	map_release_with(&all->by_slot, probe_free);
	fd_close(&all->link);
	mem_free(all);
}

static struct probe *find_probe(const struct probes *all, uint32_t slot)
{
	return map_get_n(&all->by_slot, (const char *)&slot, sizeof(slot));
}

static void forget_probe(struct probes *all, struct probe *p)
{
	uint32_t slot = p->ticket.slot;

	map_remove_n(&all->by_slot, (const char *)&slot, sizeof(slot));
	probe_free(p);
}

static struct probe *begin_probe(struct probes *all, const struct spawn_effect *effect, int64_t pid)
{
	struct probe *p = find_probe(all, effect->ticket.slot);

	if (p && (p->ticket.generation != effect->ticket.generation || p->pid != (pid_t)pid)) {
		forget_probe(all, p);
		p = NULL;
	}
	if (!p) {
		p = probe_new(all, effect);
		map_put_n(&all->by_slot, (const char *)&effect->ticket.slot, sizeof(effect->ticket.slot), p);
	}
	stop_probe(p);
	p->pid = (pid_t)pid;
	p->is_active = true;
	p->started_at = clock_ms();
	p->timeout_ms = effect->spec->health.timeout_ms;
	return p;
}

void probes_start(struct probes *all, const struct spawn_effect *effect, int64_t pid,
	const struct launch_env *caller, const struct probe_helds *held)
{
	struct probe *p = begin_probe(all, effect, pid);
	double wait = 0;

	if (effect->spec->health.command.argv)
		probe_exec_start(p, effect, caller);
	else
		probe_net_start(p, effect, held);
	/* A command has a timer of its own, and is not over before it is gone. */
	if (p->run)
		return;
	if (!p->is_decided)
		wait = (double)p->timeout_ms / 1000;
	ev_now_update(all->loop);
	ev_timer_set(&p->due, wait, 0);
	ev_timer_start(all->loop, &p->due);
}

void probes_stop(struct probes *all, struct ticket ticket)
{
	struct probe *p = find_probe(all, ticket.slot);

	if (p && p->ticket.generation == ticket.generation)
		forget_probe(all, p);
}
