#include "engine/loop.h"

#include <ev.h>

struct ev_loop *loop_new(void)
{
	return EV_DEFAULT;
}

void loop_run(struct ev_loop *loop)
{
	ev_run(loop, 0);
}

void loop_free(struct ev_loop *loop)
{
	if (loop)
		ev_loop_destroy(loop);
}
