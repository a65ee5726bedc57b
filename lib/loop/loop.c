#include "loop/loop.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	TRIES_MAX = 16, /* of calls that libev cannot do without, in the life of a brain */
};

/*
 * libev would abort the program for it.  It tries again when this returns: what fails once, as a new epoll where descriptors are short, is not the
 * end; and what fails always is one that the next brain can read about.
 */
static void cannot_wait(const char *what)
{
	static int tries;

	if (++tries <= TRIES_MAX)
		return;
	log_warn_sys(
		errno, "%s: this brain cannot wait for anything; it ends, for another one to begin", what);
	_exit(EXIT_FAILURE);
}

/* While it is there the loop does not wait: it is there for one round. */
static void on_round(struct ev_loop *loop, ev_idle *w, int events)
{
	(void)events;
	ev_idle_stop(loop, w);
}

/* Not libev's default loop: that one takes SIGCHLD, with a descriptor that it aborts without. */
struct ev_loop *loop_new(void)
{
	struct ev_loop *loop = NULL;
	ev_idle *round = NULL;

	ev_set_syserr_cb(cannot_wait);
	loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!loop)
		return NULL;
	round = mem_zalloc(1, sizeof(*round));
	ev_idle_init(round, on_round);
	ev_set_userdata(loop, round);
	return loop;
}

void loop_run(struct ev_loop *loop)
{
	ev_run(loop, 0);
}

/* --- turns that never end --- */

static const struct ev_loop *guarded;
static volatile sig_atomic_t turn_seen;

/* As often as this thread has used up that much time.  In the middle of anything: nothing but what is safe there. */
static void on_used_up(int number)
{
	static const char words[] =
		"the brain is caught in one turn of its loop; it ends, for another one to begin\n";
	sig_atomic_t turn = (sig_atomic_t)ev_iteration((struct ev_loop *)guarded);

	(void)number;
	if (turn != turn_seen) {
		turn_seen = turn;
		return;
	}
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	abort();
}

void loop_guard(const struct ev_loop *loop, int64_t turn_ms)
{
	const struct itimerspec every = {
		.it_value = { turn_ms / 1000, turn_ms % 1000 * 1000000 },
		.it_interval = { turn_ms / 1000, turn_ms % 1000 * 1000000 },
	};
	struct sigaction action = { .sa_handler = on_used_up, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM };
	timer_t timer;

	guarded = loop;
	(void)sigaction(SIGVTALRM, &action, NULL);
	if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) < 0 ||
		timer_settime(timer, 0, &every, NULL) < 0)
		log_warn_sys(errno, "cannot watch over the loop");
}

void loop_mind(int events)
{
	if (!(events & EV_ERROR))
		return;
	log_warn_sys(errno,
		"a descriptor cannot be watched, and this brain would be deaf to it; it ends, for another one to begin");
	_exit(EXIT_FAILURE);
}

void loop_watch(struct ev_loop *loop, struct ev_io *w)
{
	ev_idle *round = ev_userdata(loop);

	if (ev_is_active(w))
		return;
	ev_io_start(loop, w);
	if (round)
		ev_idle_start(loop, round);
}

void loop_free(struct ev_loop *loop)
{
	ev_idle *round = loop ? ev_userdata(loop) : NULL;

	if (!loop)
		return;
	ev_idle_stop(loop, round);
	mem_free(round);
	ev_loop_destroy(loop);
}

/* --- threads beside it --- */

enum { STACK_SIZE = 256 * 1024 };

int loop_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	rc = pthread_create(thread, &attr, run, argument);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = rc;
	return rc ? -1 : 0;
}
