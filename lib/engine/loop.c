#include "engine/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

struct ev_loop *loop_new(void)
{
	return EV_DEFAULT;
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
