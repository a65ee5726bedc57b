#include "engine/parent.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "os/fd.h"
#include "os/sock.h"

/* Messages taken in one turn of the loop, so that a talkative keeper leaves room for clients. */
enum { TAKEN_MAX = 256 };

/* A message that the socket did not take yet. */
struct letter {
	struct buf bytes;
	int fd; /* ours, or -1 */
};

struct parent {
	struct ev_loop *loop;
	ev_io reader;
	ev_io writer;
	int fd;
	const struct parent_calls *calls;
	void *context;
	struct vec waiting; /* of struct letter * */
	char *room;         /* KEEP_MESSAGE_MAX bytes */
};

static void letter_free(void *item)
{
	struct letter *letter = item;

	buf_release(&letter->bytes);
	fd_close(&letter->fd);
	mem_free(letter);
}

static void parent_lost(struct parent *p, int number)
{
	ev_io_stop(p->loop, &p->reader);
	ev_io_stop(p->loop, &p->writer);
	if (number)
		log_warn_sys(number, "the keeper cannot be reached");
	p->calls->gone(p->context);
}

/* One packet to its handler; false when there is none left, or when the keeper is gone. */
static bool take_one(struct parent *p)
{
	struct keep_message m;
	struct err e = ERR_INIT;
	int fds[SOCK_FDS_MAX];
	size_t fd_count = 0;
	ssize_t len = sock_receive(p->fd, p->room, KEEP_MESSAGE_MAX, fds, &fd_count);

	if (len < 0 && (errno == EAGAIN || errno == EMSGSIZE))
		return errno == EMSGSIZE;
	if (len <= 0) {
		parent_lost(p, len < 0 ? errno : 0);
		return false;
	}
	if (keep_read(&m, p->room, (size_t)len, &e) == 0) {
		p->calls->message(p->context, &m, fds, fd_count);
	} else {
		log_warn("a message of the keeper makes no sense: %s", e.text.ptr);
		while (fd_count)
			fd_close(&fds[--fd_count]);
	}
	err_release(&e);
	return true;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct parent *p = w->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < TAKEN_MAX && take_one(p); i++)
		;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct parent *p = w->data;

	(void)events;
	while (p->waiting.len) {
		struct letter *letter = p->waiting.items[0];

		if (sock_send(p->fd, letter->bytes.ptr, letter->bytes.len, &letter->fd, letter->fd >= 0) <
			0) {
			if (errno != EAGAIN)
				parent_lost(p, errno);
			return;
		}
		letter_free(vec_remove(&p->waiting, 0));
	}
	ev_io_stop(loop, &p->writer);
}

struct parent *parent_new(struct ev_loop *loop, int fd, const struct parent_calls *calls, void *context)
{
	struct parent *p = mem_zalloc(1, sizeof(*p));

	*p = (struct parent){ .loop = loop, .fd = fd, .calls = calls, .context = context };
	p->room = mem_alloc(KEEP_MESSAGE_MAX);
	(void)fd_set_nonblocking(fd, true);
	ev_io_init(&p->reader, on_readable, fd, EV_READ);
	ev_io_init(&p->writer, on_writable, fd, EV_WRITE);
	p->reader.data = p;
	p->writer.data = p;
	ev_io_start(loop, &p->reader);
	return p;
}

void parent_free(struct parent *p)
{
	if (!p)
		return;
	ev_io_stop(p->loop, &p->reader);
	ev_io_stop(p->loop, &p->writer);
	vec_release_with(&p->waiting, letter_free);
	fd_close(&p->fd);
	mem_free(p->room);
	mem_free(p);
}

static void keep_for_later(struct parent *p, struct buf *bytes, int fd)
{
	struct letter *letter = mem_zalloc(1, sizeof(*letter));

	letter->bytes = *bytes;
	letter->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	buf_init(bytes);
	vec_push(&p->waiting, letter);
	ev_io_start(p->loop, &p->writer);
}

int parent_send(struct parent *p, const struct keep_message *m, int fd)
{
	struct buf bytes = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = keep_write(&bytes, m, &e);

	if (rc < 0)
		log_error("cannot tell the keeper '%s': %s", keep_kind_word(m->kind), e.text.ptr);
	else if (p->waiting.len || sock_send(p->fd, bytes.ptr, bytes.len, &fd, fd >= 0) < 0)
		keep_for_later(p, &bytes, fd);
	buf_release(&bytes);
	err_release(&e);
	return rc;
}

size_t parent_waiting(const struct parent *p)
{
	return p->waiting.len;
}
