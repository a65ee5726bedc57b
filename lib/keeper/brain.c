/* The brain's process and its socket: started, watched, started again. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "keeper/spawn.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/oom.h"
#include "os/sock.h"

extern char **environ;

/* Started like a service: a session of its own, so that Ctrl-C at a terminal does not reach it. */
void brain_init(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;
	struct keeper_spawn *spawn = &b->spawn;
	static const struct keeper_descriptor descriptors[] = {
		{ STDOUT_FILENO, KEEPER_FROM_SENT, 0, "" },
		{ STDERR_FILENO, KEEPER_FROM_SENT, 0, "" },
		{ KEEPER_FD, KEEPER_FROM_SENT, 1, "" },
	};

	/* Only the keeper reports to the service manager. */
	static const char manager[] = "NOTIFY_SOCKET=";

	b->sock = b->slot.report_fd = b->slot.pidfd = b->slot.record = b->pending.reply_fd = -1;
	b->slot.gate.hook = b->slot.gate.connection = -1;
	b->retry_at = b->ping.look_at = -1;
	b->env = b->path = b->pending.reply = (struct buf)BUF_INIT;
	b->slot.name = "brain";
	for (char **entry = environ; *entry && entry - environ < KEEPER_LIST_MAX; entry++)
		if (strncmp(*entry, manager, sizeof(manager) - 1) != 0)
			keeper_list_add(&b->env, *entry);
	keeper_list_add(&b->path, k->options->brain);
	spawn->env = keeper_list_of(&b->env);
	spawn->programs = spawn->argv = keeper_list_of(&b->path);
	spawn->folder = ".";
	spawn->umask = 077;
	memcpy(spawn->descriptors, descriptors, sizeof(descriptors));
	spawn->descriptor_count = sizeof(descriptors) / sizeof(descriptors[0]);
	/* It has a descriptor or two for each instance, as the keeper has. */
	spawn->rlimit_count = 1;
	spawn->rlimits[0] = (struct keeper_rlimit){ RLIMIT_NOFILE, k->nofile.rlim_max, k->nofile.rlim_max };
	ASSERT(slot_is_brain(&b->slot), "the brain has the ticket of a service");
}

void brain_release(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;

	fd_close(&b->sock);
	fd_close(&b->slot.report_fd);
	buf_release(&b->env);
	buf_release(&b->path);
	buf_release(&b->pending.reply);
}

static void retry_later(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;
	int64_t most = b->has_served ? BRAIN_SERVED_MAX_MS : BRAIN_BACKOFF_MAX_MS;
	int64_t pause = b->tries <= 1 ? 0 : BRAIN_BACKOFF_MS;

	ASSERT(b->tries > 0, "the next brain follows after %d deaths", b->tries);
	for (int i = 2; i < b->tries && pause < most; i++)
		pause *= 2;
	if (pause > most)
		pause = most;
	b->retry_at = clock_ms() + pause;
	ASSERT(b->retry_at >= 0, "the next brain starts at %lld ms", (long long)b->retry_at);
}

static void count_death(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;

	ASSERT(!b->slot.is_child, "the death of a brain is counted that lives as pid %d", (int)b->slot.pid);
	b->tries = clock_ms() - b->started_at >= BRAIN_STEADY_MS ? 1 : b->tries + 1;
	if (!b->was_served && !k->slots.count && b->tries >= BRAIN_TRIES)
		k->gave_up = true;
	retry_later(k);
	/* A stop was requested and no brain does it: the keeper's patience counts again. */
	if (k->stopping == STOPPING_REQUESTED && k->deadline < 0)
		k->deadline = clock_ms() + k->options->patience_ms;
}

static int open_socket(struct keeper *k, int *theirs)
{
	struct keeper_brain *b = &k->brain;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &b->sock };
	int ends[2] = { -1, -1 };

	if (!ASSERT_OR(b->sock < 0, "a second socket is made for the brain"))
		brain_hang_up(k);
	if (sock_pair(ends, KEEPER_MSG_MAX) < 0)
		return -1;
	b->sock = ends[0];
	*theirs = ends[1];
	/* Its end is a plain blocking one until it says otherwise. */
	(void)fd_set_nonblocking(*theirs, false);
	if (epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, b->sock, &event) == 0) {
		b->watched = EPOLLIN;
		return 0;
	}
	fd_close(&b->sock);
	fd_close(theirs);
	return -1;
}

void brain_start(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;
	int fds[2] = { STDERR_FILENO, -1 };
	struct spawner by = { k->options->token, k->nofile, OOM_KEEP, &k->held, fds, 2 };

	b->retry_at = -1;
	if (!ASSERT_OR(!b->slot.is_child, "a second brain is started beside pid %d", (int)b->slot.pid))
		return;
	if (!ASSERT_OR(k->stopping < STOPPING_SIGNALLED, "a brain is started in step %d of the shutdown",
		    (int)k->stopping))
		return;
	folders_check(k);
	b->started_at = clock_ms();
	b->slot.has_failure = b->slot.is_gone = b->has_served = false;
	ping_start(k);
	if (open_socket(k, &fds[1]) < 0) {
		log_warn_sys(errno, "cannot make a socket for the brain");
		count_death(k);
		return;
	}
	if (spawn_child(&k->slots, &b->slot, &b->spawn, &by) < 0) {
		log_warn_sys(b->slot.number, "brain: %s", keeper_spawn_stage_words(b->slot.stage));
		brain_hang_up(k);
		count_death(k);
	} else {
		log_info("brain: started as pid %d", (int)b->slot.pid);
	}
	fd_close(&fds[1]);
}

void brain_hang_up(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;

	fd_close(&b->sock);
	b->is_synced = b->wants_out = false;
	b->pending.hello = b->pending.synced = b->pending.has_reply = b->pending.has_pong = false;
	/* A brain without a socket is of no use, and may not write to files that the next one writes to. */
	if (b->slot.is_child && k->stopping != STOPPING_BRAIN)
		(void)kill_child(b->slot.pid, SIGKILL);
}

static void log_end(const struct slot *s)
{
	ASSERT(!slot_lives(s), "the brain has ended, and pid %d lives", (int)s->pid);
	if (s->has_failure)
		log_warn_sys(s->number, "brain: %s", keeper_spawn_stage_words(s->stage));
	else if (WIFSIGNALED(s->status))
		log_warn("brain: pid %d was ended by signal %d", (int)s->pid, WTERMSIG(s->status));
	else if (!s->status)
		log_info("brain: pid %d has exited", (int)s->pid);
	else
		log_warn("brain: pid %d exited with %d", (int)s->pid, WEXITSTATUS(s->status));
}

void brain_ended(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;
	bool is_expected = false;

	if (!ASSERT_OR(
		    slot_has_ended(&b->slot), "the brain (pid %d) lives, and is replaced", (int)b->slot.pid))
		return;
	/* What it sent last is done: its store may know of that already. */
	receive_rest(k);
	if (k->stopping < STOPPING_KILLING)
		log_end(&b->slot);
	is_expected = upgrade_is_handed_over(k, b->slot.pid);
	b->slot.pid = 0;
	brain_hang_up(k);
	if (is_expected)
		b->retry_at = clock_ms();
	else
		count_death(k);
	ASSERT(b->retry_at >= 0 && b->sock < 0, "the brain has ended, and no next one is due");
	upgrade_brain_died(k);
}
