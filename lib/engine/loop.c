#include "engine/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum {
	TRIES_MAX = 16, /* at calls without which libev cannot go on, in a life */
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

/* Not libev's default loop: that one takes SIGCHLD, with a descriptor that it aborts without. */
struct ev_loop *loop_new(void)
{
	ev_set_syserr_cb(cannot_wait);
	return ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
}

void loop_run(struct ev_loop *loop)
{
	ev_run(loop, 0);
}

void loop_mind(int events)
{
	if (!(events & EV_ERROR))
		return;
	log_warn_sys(errno,
		"a descriptor cannot be watched, and this brain would be deaf to it; it ends, for another one to begin");
	_exit(EXIT_FAILURE);
}

void loop_free(struct ev_loop *loop)
{
	if (loop)
		ev_loop_destroy(loop);
}
