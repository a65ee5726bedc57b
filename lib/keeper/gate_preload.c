#include "keeper/gate_preload.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/close_apart.h"
#include "keeper/env_mark.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/preload_hook.h"
#include "os/procfs.h"

enum { PARENTS_MAX = 32 };

int gate_preload_open(struct gate *g, struct slot *s, char *variable, size_t size)
{
	char name[PRELOAD_NAME_MAX];
	int hook = -1;

	ASSERT(s->gate.number && s->gate.hook < 0, "%s has a hook before it has a process", s->name);
	if (!g || g->epoll < 0) {
		errno = ENOSYS;
		return -1;
	}
	hook = preload_hook_open(name);
	if (hook < 0)
		return -1;
	if (!preload_hook_variable(variable, size, name, s->gate.ports, s->gate.port_count)) {
		fd_close(&hook);
		errno = E2BIG;
		return -1;
	}
	gate_hooked(g, s, &hook);
	return s->gate.hook < 0 ? -1 : 0;
}

/* --- who connects --- */

static bool has_mark(const struct slots *all, const struct gate *g, const struct slot *s, pid_t pid)
{
	struct env_mark mark;

	return g->token && env_mark_of(&mark, pid, g->token, all->secret) && mark.is_sealed &&
		mark.ticket.slot == s->ticket.slot && mark.ticket.generation == s->ticket.generation;
}

/* It came from the main process: by its session, by its parents, or by its mark.  Once that has ended its pid may be another's. */
static bool is_its_process(const struct slots *all, const struct gate *g, const struct slot *s, pid_t pid)
{
	pid_t at = pid;
	struct proc p;

	for (int i = 0; i < PARENTS_MAX && at > 1 && procfs_read(at, &p); i++) {
		if ((slot_lives(s) && at == s->pid) || slots_find_session(all, p.session) == s)
			return true;
		at = p.parent;
	}
	return has_mark(all, g, s, pid);
}

/* Its pidfd is open meanwhile, so that the pid cannot mean another one. */
static bool is_let_in(
	const struct slots *all, const struct gate *g, const struct slot *s, int connection, pid_t *pid)
{
	int process = preload_hook_peer(connection, pid);
	bool is_in = process >= 0 && is_its_process(all, g, s, *pid) && !pidfd_ends(process, 0);

	fd_close(&process);
	return is_in;
}

/* --- one connection a slot --- */

static void watch(struct gate *g, struct slot *s, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
	int other = fd == s->gate.hook ? s->gate.connection : s->gate.hook;

	(void)epoll_ctl(g->epoll, EPOLL_CTL_DEL, other, NULL);
	if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST)
		log_warn_sys(errno, "%s: cannot see where it listens", s->name);
}

void gate_preload_wait(struct gate *g, struct slot *s)
{
	watch(g, s, s->gate.connection);
}

void gate_preload_hang_up(struct gate *g, struct slot *s)
{
	if (s->gate.connection < 0)
		return;
	ASSERT(s->gate.hook >= 0, "%s has a connection and no hook", s->name);
	watch(g, s, s->gate.hook);
	bind_hook_close(&s->gate.connection);
}

void gate_preload_answer(struct gate *g, struct slot *s, int number, int given)
{
	if (!ASSERT_OR(s->gate.connection >= 0, "%s: a call is answered that nobody waits for", s->name))
		return;
	preload_hook_answer(s->gate.connection, number, given);
	gate_preload_hang_up(g, s);
}

static enum gate_preload_next accept_next(const struct slots *all, struct gate *g, struct slot *s)
{
	int fd = preload_hook_accept(s->gate.hook);

	if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return PRELOAD_NEXT_NONE;
	if (fd < 0) {
		/* It would be tried again and again. */
		log_warn_sys(errno, "%s: the gate does not see any more where it listens", s->name);
		gate_unhook(g, s);
		return PRELOAD_NEXT_NONE;
	}
	s->gate.connection = fd;
	if (is_let_in(all, g, s, fd, &s->gate.caller))
		return PRELOAD_NEXT_CALL;
	gate_preload_hang_up(g, s);
	return PRELOAD_NEXT_NOTHING;
}

/* What sends files is not our library: it is not listened to any more. */
static enum gate_preload_next refuse(struct gate *g, struct slot *s, struct bind_call *call)
{
	bool is_file = call->socket >= 0 && !close_is_socket(call->socket);

	close_apart(&call->socket);
	if (!is_file) {
		gate_preload_hang_up(g, s);
		return PRELOAD_NEXT_NOTHING;
	}
	log_warn("%s: it sends files to the gate, which does not see any more where it listens", s->name);
	gate_unhook(g, s);
	return PRELOAD_NEXT_NONE;
}

enum gate_preload_next gate_preload_receive(
	const struct slots *all, struct gate *g, struct slot *s, struct bind_call *call)
{
	enum gate_preload_next next = PRELOAD_NEXT_CALL;
	int got = 0;

	if (s->gate.connection < 0)
		next = accept_next(all, g, s);
	if (next != PRELOAD_NEXT_CALL)
		return next;
	got = preload_hook_receive(s->gate.connection, call);
	if (got == 0) {
		gate_preload_wait(g, s);
		return PRELOAD_NEXT_NONE;
	}
	if (got < 0 || !close_is_socket(call->socket))
		return refuse(g, s, call);
	call->pid = s->gate.caller;
	return PRELOAD_NEXT_CALL;
}
