#include "sense/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/vec.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/netdiag.h"
#include "os/pidfd.h"
#include "os/procfs.h"
#include "sense/port_owner.h"
#include "sense/proctree.h"

struct port_wait {
	struct port_watch *watch;
	int port;
	port_answer done;
	void *context;
	bool is_over; /* freed at the end of the round that is under way */
	bool has_kin;
	struct port_kin kin;

	/* until free */
	int pidfd; /* of the holder, -1 when there is none */
	struct ev_io exit;

	/* until listening; 0 for those that wait for a free port */
	pid_t main;
	char *cgroup;
	uint32_t stranger; /* inode of the listener that was judged last, and when */
	int64_t judged_at;
	bool is_told;
};

struct port_watch {
	struct ev_loop *loop;
	struct vec blocked;   /* of struct port_wait *, until free */
	struct vec listening; /* of struct port_wait *, until listening */
	struct ev_timer look_free, look_listening;
	double pause, cost; /* seconds: until the next look for listeners, and what the last one took */
	bool is_in_round;
};

/* --- one port, now --- */

/*
 * SO_REUSEADDR as servers set it: connections that linger from the last instance are no hindrance.  One socket for both families conflicts
 * with a listener on any address of either.
 */
static int try_bind(int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const struct sockaddr *all = (const struct sockaddr *)&six;
	socklen_t len = sizeof(six);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int number = 0;

	if (fd < 0) {
		all = (const struct sockaddr *)&four;
		len = sizeof(four);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int));
	if (bind(fd, all, len) < 0)
		number = errno;
	fd_close(&fd);
	return number;
}

bool port_is_free(int port)
{
	return try_bind(port) != EADDRINUSE;
}

static bool is_kin(const struct port_kin *kin, uint32_t inode)
{
	return kin->is_kin(kin->context, kin->ticket, inode);
}

bool port_is_free_among(int port, const struct port_kin *kin, uint32_t *stranger)
{
	struct netdiag_sockets listeners = NETDIAG_SOCKETS_INIT;
	bool is_free = port_is_free(port);

	*stranger = 0;
	if (is_free || !kin)
		return is_free;
	if (netdiag_listeners(port, &listeners, NULL) == 0) {
		is_free = listeners.len ? true : is_kin(kin, 0);
		for (size_t i = 0; i < listeners.len && is_free; i++) {
			*stranger = listeners.items[i].inode;
			is_free = is_kin(kin, *stranger);
		}
	}
	netdiag_release(&listeners);
	return is_free;
}

/* Of several that listen the one that is in the way. */
static void name_holder(int port, uint32_t stranger, struct netdiag_holder *holder)
{
	(void)netdiag_holder(port, holder, NULL);
	if (!stranger)
		return;
	holder->pid = netdiag_pid_of(stranger);
	buf_clear(&holder->command);
	if (holder->pid)
		(void)procfs_command(holder->pid, &holder->command, NETDIAG_COMMAND_MAX);
}

void port_holder_print(const struct netdiag_holder *holder, struct buf *out)
{
	if (holder->pid)
		buf_addf(out, "pid %d '%s'", (int)holder->pid, holder->command.ptr);
	else
		buf_addf(out, "a process of uid %u that cannot be looked at", (unsigned int)holder->uid);
}

/* --- waits --- */

static void drop_pidfd(struct port_wait *wait)
{
	ev_io_stop(wait->watch->loop, &wait->exit);
	fd_close(&wait->pidfd);
}

static void wait_free(struct port_wait *wait)
{
	drop_pidfd(wait);
	mem_free(wait->cgroup);
	mem_free(wait);
}

static void sweep_waits(struct vec *waits)
{
	size_t kept = 0;

	for (size_t i = 0; i < waits->len; i++) {
		struct port_wait *wait = waits->items[i];

		if (wait->is_over)
			wait_free(wait);
		else
			waits->items[kept++] = wait;
	}
	waits->len = kept;
}

/* The callback may cancel and start waits, so members are removed only after the walk. */
static void end_port_round(struct port_watch *w)
{
	w->is_in_round = false;
	sweep_waits(&w->blocked);
	sweep_waits(&w->listening);
	if (!w->blocked.len)
		ev_timer_stop(w->loop, &w->look_free);
	if (!w->listening.len)
		ev_timer_stop(w->loop, &w->look_listening);
}

static void report_wait(struct port_wait *wait, enum port_event event, const char *words)
{
	wait->is_over = event != PORT_STRANGER;
	wait->done(wait->context, event, words);
}

void port_wait_cancel(struct port_wait *wait)
{
	if (!wait)
		return;
	wait->is_over = true;
	if (!wait->watch->is_in_round)
		end_port_round(wait->watch);
}

/* --- until free --- */

static void on_holder_gone(struct ev_loop *loop, struct ev_io *io, int events);

static void watch_holder(struct port_wait *wait, pid_t holder)
{
	drop_pidfd(wait);
	if (holder <= 0)
		return;
	wait->pidfd = pidfd_open_any(holder);
	if (wait->pidfd < 0)
		return;
	ev_io_set(&wait->exit, wait->pidfd, EV_READ);
	loop_watch(wait->watch->loop, &wait->exit);
}

static const struct port_kin *kin_of(const struct port_wait *wait)
{
	return wait->has_kin ? &wait->kin : NULL;
}

static void look_if_free(struct port_wait *wait)
{
	struct netdiag_holder holder = { .command = BUF_INIT };
	uint32_t stranger = 0;

	if (wait->is_over)
		return;
	if (port_is_free_among(wait->port, kin_of(wait), &stranger)) {
		report_wait(wait, PORT_FREE, "");
	} else if (wait->pidfd < 0) {
		name_holder(wait->port, stranger, &holder);
		watch_holder(wait, holder.pid);
		buf_release(&holder.command);
	}
}

static void on_holder_gone(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct port_wait *wait = io->data;
	struct port_watch *w = wait->watch;

	(void)loop;
	w->is_in_round = true;
	drop_pidfd(wait);
	/* Where the kernel has no room to watch the holder, the timer looks. */
	if (!(events & EV_ERROR))
		look_if_free(wait);
	end_port_round(w);
}

static void on_look_free(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct port_watch *w = timer->data;

	(void)loop;
	(void)events;
	w->is_in_round = true;
	for (size_t i = 0; i < w->blocked.len; i++)
		look_if_free(w->blocked.items[i]);
	end_port_round(w);
}

/* --- until listening --- */

static void judge_listener(struct port_wait *wait, struct port_owner *judge)
{
	int64_t now = clock_ms(); /* not the loop's time, which jumps when somebody sets the clock */
	struct netdiag_holder who = { .command = BUF_INIT };
	struct buf words = BUF_INIT;
	uint32_t inode = 0;

	judge->kin = kin_of(wait);
	inode = port_owner_inode(judge, wait->port);
	if (!inode || (inode == wait->stranger && now - wait->judged_at < PORT_WATCH_STRANGER_MS))
		return;
	if (port_owner_listens(judge, wait->port, wait->main, wait->cgroup)) {
		report_wait(wait, PORT_LISTENS, "");
		return;
	}
	wait->stranger = inode;
	wait->judged_at = now;
	if (wait->is_told || (wait->has_kin && is_kin(&wait->kin, inode)))
		return;
	wait->is_told = true;
	if (netdiag_holder(wait->port, &who, NULL) == 1) {
		buf_addf(&words, "port %d is held by ", wait->port);
		port_holder_print(&who, &words);
	}
	report_wait(wait, PORT_STRANGER, words.ptr);
	buf_release(&who.command);
	buf_release(&words);
}

/* Looks again after `pause`, but leaves the processor to others for four times as long as the last look took. */
static void look_after(struct port_watch *w, double pause)
{
	if (pause > PORT_WATCH_LISTEN_MAX_MS / 1000.)
		pause = PORT_WATCH_LISTEN_MAX_MS / 1000.;
	w->pause = pause < 4 * w->cost ? 4 * w->cost : pause;
	ev_timer_stop(w->loop, &w->look_listening);
	ev_timer_set(&w->look_listening, w->pause, 0.);
	ev_timer_start(w->loop, &w->look_listening);
}

static void on_look_listening(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct port_watch *w = timer->data;
	struct port_owner judge;
	int64_t began = clock_us();
	int only = 0;

	(void)loop;
	(void)events;
	w->is_in_round = true;
	if (w->listening.len == 1)
		only = ((const struct port_wait *)w->listening.items[0])->port;
	port_owner_init(&judge, only);
	for (size_t i = 0, len = w->listening.len; i < len; i++) {
		struct port_wait *wait = w->listening.items[i];

		if (!wait->is_over)
			judge_listener(wait, &judge);
	}
	port_owner_release(&judge);
	end_port_round(w);
	w->cost = (double)(clock_us() - began) / 1e6;
	if (w->listening.len)
		look_after(w, w->pause * 1.5);
}

/* --- life --- */

struct port_watch *port_watch_new(struct ev_loop *loop)
{
	struct port_watch *w = mem_zalloc(1, sizeof(*w));

	w->loop = loop;
	ev_timer_init(&w->look_free, on_look_free, 0., PORT_WATCH_FREE_MS / 1000.);
	ev_init(&w->look_listening, on_look_listening);
	w->look_free.data = w->look_listening.data = w;
	return w;
}

void port_watch_free(struct port_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->blocked.len; i++)
		((struct port_wait *)w->blocked.items[i])->is_over = true;
	for (size_t i = 0; i < w->listening.len; i++)
		((struct port_wait *)w->listening.items[i])->is_over = true;
	end_port_round(w);
	vec_release(&w->blocked);
	vec_release(&w->listening);
	mem_free(w);
}

static struct port_wait *wait_new(
	struct port_watch *w, int port, const struct port_kin *kin, port_answer done, void *context)
{
	struct port_wait *wait = mem_zalloc(1, sizeof(*wait));

	wait->watch = w;
	wait->port = port;
	wait->done = done;
	wait->context = context;
	wait->pidfd = -1;
	wait->has_kin = kin != NULL;
	if (kin)
		wait->kin = *kin;
	ev_init(&wait->exit, on_holder_gone);
	wait->exit.data = wait;
	return wait;
}

struct port_wait *port_watch_until_free(struct port_watch *w, int port, const struct port_kin *kin,
	struct netdiag_holder *holder, port_answer done, void *context)
{
	struct port_wait *wait = NULL;
	uint32_t stranger = 0;

	if (port_is_free_among(port, kin, &stranger))
		return NULL;
	name_holder(port, stranger, holder);
	wait = wait_new(w, port, kin, done, context);
	vec_push(&w->blocked, wait);
	watch_holder(wait, holder->pid);
	if (!ev_is_active(&w->look_free))
		ev_timer_again(w->loop, &w->look_free);
	return wait;
}

struct port_wait *port_watch_until_listening(struct port_watch *w, int port, pid_t main, const char *cgroup,
	const struct port_kin *kin, port_answer done, void *context)
{
	struct port_wait *wait = wait_new(w, port, kin, done, context);

	wait->main = main;
	wait->cgroup = mem_strdup(cgroup);
	vec_push(&w->listening, wait);
	/* A new one is looked for soon, whatever pause the others had grown to; a storm of new ones puts nothing off. */
	if (!ev_is_active(&w->look_listening) ||
		ev_timer_remaining(w->loop, &w->look_listening) > PORT_WATCH_LISTEN_FIRST_MS / 1000.)
		look_after(w, PORT_WATCH_LISTEN_FIRST_MS / 1000.);
	return wait;
}
