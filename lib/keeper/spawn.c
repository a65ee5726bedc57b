#include "keeper/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "keeper/env_mark.h"
#include "keeper/fd_store.h"
#include "keeper/gate.h"
#include "keeper/gate_fds.h"
#include "keeper/gate_preload.h"
#include "keeper/groups.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "keeper/spawn_child.h"
#include "os/fd.h"
#include "os/preload_call.h"
#include "os/procfs.h"
#include "os/sock.h"

enum { REPORT_MAX = 4096 };

/* Filled before the fork, read after it.  One place for all spawns: they happen one after the other. */
static struct child_plan plan;

static char **fill_argv(char **at, const struct keeper_list *list)
{
	const char *text = NULL;

	ASSERT(list->bytes || !list->count, "a list of %zu words is empty", list->count);
	while ((text = keeper_list_next(list, text)))
		*at++ = (char *)text;
	*at = NULL;
	return at;
}

static bool names(const char *entry, const char *variable)
{
	size_t len = strlen(variable);

	return !strncmp(entry, variable, len) && entry[len] == '=';
}

static bool is_our_variable(const char *entry, bool has_pid)
{
	if (names(entry, KEEPER_MARK) || names(entry, PRELOAD_VARIABLE))
		return true;
	if (plan.listen_count && (names(entry, "LISTEN_FDS") || names(entry, "LISTEN_FDNAMES")))
		return true;
	return has_pid && names(entry, "LISTEN_PID");
}

/* The environment as sent; but what the keeper itself says cannot be said by another. */
static void fill_env(const struct keeper_spawn *spawn, const struct slot *s, const char *token)
{
	bool has_pid = (spawn->flags & KEEPER_SPAWN_LISTEN_PID) || plan.listen_count;
	const char *entry = NULL;
	char **at = plan.env;

	plan.mark_pid = env_mark_write(plan.mark, token, s->ticket,
		spawn->flags & KEEPER_SPAWN_USER ? (uid_t)spawn->uid : geteuid(), s->name);
	*at++ = plan.mark;
	if (has_pid)
		*at++ = plan.listen_pid;
	if (*plan.gate_variable)
		*at++ = plan.gate_variable;
	if (plan.listen_count) {
		*at++ = plan.listen_fds;
		*at++ = plan.listen_names;
	}
	while ((entry = keeper_list_next(&spawn->env, entry)))
		if (!is_our_variable(entry, has_pid))
			*at++ = (char *)entry;
	*at = NULL;
	ASSERT((size_t)(at - plan.env) < sizeof(plan.env) / sizeof(plan.env[0]), "%s has %zu variables",
		s->name, (size_t)(at - plan.env));
}

static int find_source(const struct keeper_descriptor *d, const struct spawner *by)
{
	int fd = -1;

	if (d->from == KEEPER_FROM_HELD)
		fd = fd_store_get(by->held, d->name);
	else if (d->from == KEEPER_FROM_SENT && (size_t)d->index < by->fd_count)
		fd = by->fds[d->index];
	else if (d->from == KEEPER_FROM_NULL || d->from == KEEPER_FROM_FIFO)
		return 0;
	return fd;
}

static int fill_sources(const struct keeper_spawn *spawn, const struct spawner *by)
{
	if (!ASSERT_OR(spawn->descriptor_count <= KEEPER_DESCRIPTORS_MAX &&
			    spawn->group_count <= KEEPER_GROUPS_MAX,
		    "a spawn has %zu descriptors and %zu groups", spawn->descriptor_count,
		    spawn->group_count)) {
		errno = EINVAL;
		return -1;
	}
	plan.spare = STDERR_FILENO + 1;
	for (size_t i = 0; i < spawn->descriptor_count; i++) {
		const struct keeper_descriptor *d = &spawn->descriptors[i];

		plan.sources[i] = find_source(d, by);
		if (plan.sources[i] < 0) {
			errno = d->from == KEEPER_FROM_HELD ? ENOENT : EBADF;
			return -1;
		}
		if (d->target >= plan.spare)
			plan.spare = (int)d->target + 1;
	}
	ASSERT(plan.spare > STDERR_FILENO, "descriptors from %d on are free", plan.spare);
	return 0;
}

static int fail_at_stage(struct slot *s, enum keeper_spawn_stage stage)
{
	ASSERT(!slot_lives(s) && (unsigned int)stage < KEEPER_STAGE_COUNT,
		"%s: its spawn fails at stage %d, and pid %d lives", s->name, (int)stage, (int)s->pid);
	s->state = KEEPER_STATE_FAILED;
	s->stage = stage;
	s->number = errno;
	s->is_gone = true;
	return -1;
}

/* Of Linux 5.3 and 5.7; in the order in which the kernel reads them. */
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define INTO_CGROUP 0x200000000ULL

struct clone_how {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

/*
 * A child that is born into its cgroup: moving one costs a wait for all processors.  It is a fork by another name, and nothing in the child needs
 * what the library's own fork would set right.  Where that cannot be done it is moved.
 */
static pid_t fork_into(int group_fd)
{
	struct clone_how how = {
		.flags = INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group_fd,
	};
	pid_t pid = -1;

	plan.group_fd = -1;
	if (group_fd >= 0)
		pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how));
	if (pid >= 0 || (group_fd >= 0 && (errno == EAGAIN || errno == ENOMEM)))
		return pid;
	plan.group_fd = group_fd;
	return fork();
}

/* Every signal waits while there are two of us and the child still has our handlers. */
static pid_t fork_quietly(int group_fd)
{
	sigset_t all;
	sigset_t before;
	pid_t pid = -1;
	int saved = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork_into(group_fd);
	saved = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

/* What comes from a child that is behind the gate has a descriptor with it, which no pipe carries. */
static int make_report(const struct slots *all, const struct slot *s, int report[2])
{
	if (!s->gate.number)
		return pipe2(report, O_CLOEXEC);
	if (!all->gate || all->gate->epoll < 0) {
		errno = ENOSYS;
		return -1;
	}
	return sock_pair(report, REPORT_MAX);
}

static int open_report(const struct slots *all, struct slot *s, int report[2])
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

	if (!ASSERT_OR(s->report_fd < 0, "%s reports by descriptor %d already", s->name, s->report_fd)) {
		errno = EBUSY;
		return -1;
	}
	if (make_report(all, s, report) < 0)
		return -1;
	if (fd_set_nonblocking(report[0], true) < 0 ||
		epoll_ctl(all->epoll, EPOLL_CTL_ADD, report[0], &event) < 0) {
		fd_close(&report[0]);
		fd_close(&report[1]);
		return -1;
	}
	s->report_fd = report[0];
	return 0;
}

/* Taken out by hand: a child that has not reached its exec yet holds a copy, and would keep it watched. */
static void close_report(const struct slots *all, struct slot *s)
{
	ASSERT(s->report_fd >= 0, "%s has no report, and it is closed", s->name);
	(void)epoll_ctl(all->epoll, EPOLL_CTL_DEL, s->report_fd, NULL);
	fd_close(&s->report_fd);
}

/* They stand above what a message may place, and their names are the ports. */
static int prepare_sockets(const struct slots *all, struct slot *s, const struct keeper_spawn *spawn)
{
	int len = snprintf(plan.listen_names, sizeof(plan.listen_names), "LISTEN_FDNAMES=");

	for (size_t i = 0; i < spawn->descriptor_count; i++)
		if (spawn->descriptors[i].target >= LISTEN_FD &&
			spawn->descriptors[i].target < LISTEN_FD + s->gate.port_count) {
			errno = EBUSY;
			return -1;
		}
	if (gate_fds_open(all->gate, s, spawn, plan.listening) < 0)
		return -1;
	plan.listen_count = s->gate.port_count;
	if (plan.spare < LISTEN_FD + plan.listen_count)
		plan.spare = LISTEN_FD + plan.listen_count;
	(void)snprintf(plan.listen_fds, sizeof(plan.listen_fds), "LISTEN_FDS=%d", plan.listen_count);
	for (int i = 0; i < plan.listen_count; i++)
		len += snprintf(plan.listen_names + len, sizeof(plan.listen_names) - (size_t)len, "%s%d",
			i ? ":" : "", s->gate.ports[i]);
	ASSERT((size_t)len < sizeof(plan.listen_names), "%s: names of %d bytes", s->name, len);
	return 0;
}

/* What the gate needs before there is a process. */
static int prepare_gate(const struct slots *all, struct slot *s, const struct keeper_spawn *spawn)
{
	plan.gate_variable[0] = '\0';
	plan.listen_count = 0;
	if (s->gate.number && s->gate.kind == KEEPER_HOOK_PRELOAD)
		return gate_preload_open(all->gate, s, plan.gate_variable, sizeof(plan.gate_variable));
	return s->gate.number && s->gate.kind == KEEPER_HOOK_FDS ? prepare_sockets(all, s, spawn) : 0;
}

/*
 * In the child, on its copies: it writes itself down, so that a keeper that is killed before it has done so leaves no process behind that
 * nobody knows of, however soon that ends.  The keeper has no other thread, so nothing is in the middle of anything.
 */
static void note_oneself(const struct slots *all, struct slot *s, pid_t keeper)
{
	struct proc p;

	s->pid = getpid();
	if (!procfs_read(s->pid, &p) || getppid() != keeper)
		return;
	s->start_time = p.start_time;
	ledger_note_pid(all->ledger, s);
}

int spawn_child(struct slots *all, struct slot *s, const struct keeper_spawn *spawn, const struct spawner *by)
{
	int report[2] = { -1, -1 };
	int group_fd = -1;
	struct proc p;
	pid_t keeper = getpid();
	pid_t pid = -1;

	if (!ASSERT_OR(!slot_lives(s), "%s is spawned while pid %d lives", s->name, (int)s->pid)) {
		errno = EBUSY;
		return -1;
	}
	plan.spawn = spawn;
	plan.nofile = by->nofile;
	plan.oom = by->oom;
	if (fill_sources(spawn, by) < 0)
		return fail_at_stage(s, KEEPER_STAGE_REQUEST);
	if (prepare_gate(all, s, spawn) < 0)
		return fail_at_stage(s, KEEPER_STAGE_HOOK);
	fill_argv(plan.programs, &spawn->programs);
	fill_argv(plan.argv, &spawn->argv);
	fill_env(spawn, s, by->token);
	plan.secret = all->secret;
	for (size_t i = 0; i < spawn->group_count; i++)
		plan.groups[i] = (gid_t)spawn->groups[i];
	if (open_report(all, s, report) < 0)
		return fail_at_stage(s, KEEPER_STAGE_PREPARE);
	plan.report_fd = report[1];
	/* The brain has no group: it is to outlive every kill of one. */
	group_fd = slot_is_brain(s) ? -1 : groups_make(all->groups, s);
	s->state = KEEPER_STATE_STARTING;
	if (!slot_is_brain(s))
		ledger_note(all->ledger, s);
	pid = fork_quietly(group_fd);
	if (pid == 0) {
		note_oneself(all, s, keeper);
		child_run(&plan);
	}
	fd_close(&group_fd);
	fd_close(&report[1]);
	if (pid < 0) {
		fail_at_stage(s, KEEPER_STAGE_FORK);
		ledger_erase(all->ledger, s);
		close_report(all, s);
		return -1;
	}
	slots_born(all, s, pid);
	if (s->gate.number)
		gate_fds_born(all->gate, s);
	/* Not reaped, so its entry is there; exec will not change it. */
	if (procfs_read(pid, &p))
		s->start_time = p.start_time;
	ASSERT(s->pid == pid && s->report_fd >= 0, "%s is spawned as pid %d and has pid %d", s->name,
		(int)pid, (int)s->pid);
	return 0;
}

static ssize_t read_report(const struct slot *s, struct child_failure *failure)
{
	ssize_t got = -1;

	do
		got = read(s->report_fd, failure, sizeof(*failure));
	while (got < 0 && errno == EINTR);
	return got;
}

/* The same where the listener of its filter comes first. */
static ssize_t read_packets(const struct slots *all, struct slot *s, struct child_failure *failure)
{
	int fds[SOCK_FDS_MAX];
	size_t count = 0;
	ssize_t got = sock_receive(s->report_fd, failure, sizeof(*failure), fds, &count);

	ASSERT(s->gate.number, "%s is behind no gate, and reports in packets", s->name);
	while (got > 0 && count) {
		gate_hooked(all->gate, s, &fds[--count]);
		if (!count)
			got = sock_receive(s->report_fd, failure, sizeof(*failure), fds, &count);
	}
	return got;
}

bool spawn_settle(const struct slots *all, struct slot *s)
{
	struct child_failure failure = { .stage = 0 };
	ssize_t got = -1;

	if (s->report_fd < 0)
		return true;
	got = s->gate.number ? read_packets(all, s, &failure) : read_report(s, &failure);
	if (got < 0 && errno == EAGAIN)
		return false;
	close_report(all, s);
	if (got == (ssize_t)sizeof(failure)) {
		s->has_failure = true;
		s->stage = (enum keeper_spawn_stage)failure.stage;
		s->number = failure.number;
	} else {
		s->state = KEEPER_STATE_RUNNING;
	}
	if (s->gate.number)
		gate_fds_tell(all->gate, s);
	ASSERT(s->report_fd < 0, "%s has reported, and is still waited for", s->name);
	return true;
}
