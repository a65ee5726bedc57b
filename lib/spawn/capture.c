#include "spawn/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/loop.h"
#include "os/fd.h"

/* Bytes taken in one turn of the loop, so that one who writes without end leaves room for others. */
enum { READ_MAX = 64 * 1024, WATCH_AGAIN_MS = 1000 };

static void stop_capture(struct capture *c)
{
	ev_io_stop(c->loop, &c->reader);
	ev_timer_stop(c->loop, &c->again);
	fd_close(&c->fd);
}

static void keep_bytes(struct capture *c, const char *bytes, size_t len)
{
	buf_add(&c->bytes, bytes, len);
	if (c->bytes.len > 2 * CAPTURE_MAX)
		buf_eat(&c->bytes, c->bytes.len - CAPTURE_MAX);
}

static void take_output(struct capture *c)
{
	char bytes[4096];

	for (size_t taken = 0; c->fd >= 0 && taken < READ_MAX; taken += sizeof(bytes)) {
		ssize_t len = read(c->fd, bytes, sizeof(bytes));

		if (len > 0)
			keep_bytes(c, bytes, (size_t)len);
		else if (len == 0 || (errno != EAGAIN && errno != EINTR))
			stop_capture(c);
		if (len < (ssize_t)sizeof(bytes))
			return;
	}
}

static void on_capture_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct capture *c = w->data;

	take_output(c);
	/* No longer watched, and a writer would wait for ever. */
	if ((events & EV_ERROR) && c->fd >= 0)
		ev_timer_start(loop, &c->again);
}

static void on_capture_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct capture *c = w->data;

	(void)events;
	loop_watch(loop, &c->reader);
}

void capture_init(struct capture *c, struct ev_loop *loop)
{
	*c = (struct capture){ .loop = loop, .fd = -1, .bytes = BUF_INIT };
	ev_init(&c->reader, on_capture_readable);
	ev_timer_init(&c->again, on_capture_again, WATCH_AGAIN_MS / 1000.0, 0);
	c->reader.data = c;
	c->again.data = c;
}

void capture_release(struct capture *c)
{
	stop_capture(c);
	buf_release(&c->bytes);
}

int capture_open(struct capture *c, int *write_end, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe for its output");
	c->fd = ends[0];
	*write_end = ends[1];
	(void)fd_set_nonblocking(c->fd, true);
	ev_io_set(&c->reader, c->fd, EV_READ);
	loop_watch(c->loop, &c->reader);
	return 0;
}

void capture_close(struct capture *c)
{
	take_output(c);
	stop_capture(c);
}

const char *capture_tail(const struct capture *c, size_t *len)
{
	size_t cut = c->bytes.len > CAPTURE_MAX ? c->bytes.len - CAPTURE_MAX : 0;

	*len = c->bytes.len - cut;
	return c->bytes.ptr + cut;
}
