#include "spawn/keeper_client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "model/snapshot.h"
#include "os/fd.h"
#include "os/sealed.h"
#include "os/sock.h"

/* Messages taken in one turn of the loop, so that a talkative keeper leaves room for clients. */
enum { TAKEN_MAX = 256 };

/* Before each message that the socket did not take yet. */
struct letter {
	size_t len;
	int fds[2]; /* ours; first those that are there */
	size_t fd_count;
};

struct keeper_client {
	struct ev_loop *loop;
	ev_io reader;
	ev_io writer;
	int fd;
	const struct keeper_client_calls *calls;
	void *context;
	/*
	 * A thousand starts at once are some megabytes for a moment.  In one piece they are given back; each for itself they would lie between
	 * what stays.
	 */
	struct buf waiting;
	size_t sent, count; /* bytes of `waiting` that are gone, letters that are left */
	char *room;         /* KEEPER_MSG_MAX bytes */
};

static struct letter first_letter(const struct keeper_client *p)
{
	struct letter letter;

	memcpy(&letter, p->waiting.ptr + p->sent, sizeof(letter));
	return letter;
}

static void drop_first(struct keeper_client *p)
{
	struct letter letter = first_letter(p);

	while (letter.fd_count)
		fd_close(&letter.fds[--letter.fd_count]);
	p->sent += sizeof(letter) + letter.len;
	if (--p->count > 0)
		return;
	buf_release(&p->waiting);
	p->sent = 0;
}

static void keeper_client_lost(struct keeper_client *p, int number)
{
	ev_io_stop(p->loop, &p->reader);
	ev_io_stop(p->loop, &p->writer);
	if (number)
		log_warn_sys(number, "the keeper cannot be reached");
	p->calls->gone(p->context);
}

/* One packet to its handler; false when there is none left, or when the keeper is gone. */
static bool take_one(struct keeper_client *p)
{
	struct keeper_msg m;
	struct err e = ERR_INIT;
	int fds[SOCK_FDS_MAX];
	size_t fd_count = 0;
	ssize_t len = sock_receive(p->fd, p->room, KEEPER_MSG_MAX, fds, &fd_count);

	if (len < 0 && (errno == EAGAIN || errno == EMSGSIZE))
		return errno == EMSGSIZE;
	if (len <= 0) {
		keeper_client_lost(p, len < 0 ? errno : 0);
		return false;
	}
	if (keeper_msg_read(&m, p->room, (size_t)len, &e) == 0) {
		p->calls->message(p->context, &m, fds, fd_count);
	} else {
		log_warn("a message of the keeper makes no sense: %s", e.text.ptr);
		while (fd_count)
			fd_close(&fds[--fd_count]);
	}
	err_release(&e);
	return true;
}

static void on_keeper_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper_client *p = w->data;

	(void)loop;
	loop_mind(events);
	for (int i = 0; i < TAKEN_MAX && take_one(p); i++)
		;
}

static void on_keeper_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper_client *p = w->data;

	loop_mind(events);
	while (p->count) {
		struct letter letter = first_letter(p);

		if (sock_send(p->fd, p->waiting.ptr + p->sent + sizeof(letter), letter.len, letter.fds,
			    letter.fd_count) < 0) {
			if (errno != EAGAIN)
				keeper_client_lost(p, errno);
			return;
		}
		drop_first(p);
	}
	ev_io_stop(loop, &p->writer);
}

struct keeper_client *keeper_client_new(
	struct ev_loop *loop, int fd, const struct keeper_client_calls *calls, void *context)
{
	struct keeper_client *p = mem_zalloc(1, sizeof(*p));

	*p = (struct keeper_client){ .loop = loop, .fd = fd, .calls = calls, .context = context };
	p->room = mem_alloc(KEEPER_MSG_MAX);
	(void)fd_set_nonblocking(fd, true);
	ev_io_init(&p->reader, on_keeper_readable, fd, EV_READ);
	ev_io_init(&p->writer, on_keeper_writable, fd, EV_WRITE);
	p->reader.data = p;
	p->writer.data = p;
	loop_watch(loop, &p->reader);
	return p;
}

void keeper_client_free(struct keeper_client *p)
{
	if (!p)
		return;
	ev_io_stop(p->loop, &p->reader);
	ev_io_stop(p->loop, &p->writer);
	while (p->count)
		drop_first(p);
	mem_free(p->room);
	mem_free(p);
}

static void keep_for_later(struct keeper_client *p, const struct buf *bytes, const int *fds, size_t fd_count)
{
	struct letter letter = { .len = bytes->len };

	for (size_t i = 0; i < fd_count; i++)
		letter.fds[letter.fd_count++] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	/* What is sent goes once it is half of it, so that one who is always behind does not grow. */
	if (p->sent > p->waiting.len / 2) {
		buf_eat(&p->waiting, p->sent);
		p->sent = 0;
	}
	buf_add(&p->waiting, &letter, sizeof(letter));
	buf_add(&p->waiting, bytes->ptr, bytes->len);
	p->count++;
	loop_watch(p->loop, &p->writer);
}

/* A SPAWN that no socket takes becomes a SPAWN_LONG; its bytes go into a descriptor. */
static int wrap_long(struct buf *bytes, const struct keeper_msg *m, int *body, struct err *e)
{
	struct keeper_msg wrap;

	*body = sealed_new(bytes->ptr, bytes->len);
	if (*body < 0)
		return err_sys(e, errno, "no memory for its command and environment (%zu bytes)", bytes->len);
	keeper_msg_init(&wrap, KEEPER_SPAWN_LONG);
	wrap.serial = m->serial;
	wrap.ticket = m->ticket;
	buf_release(bytes);
	return keeper_msg_write(bytes, &wrap, e);
}

int keeper_client_send(struct keeper_client *p, const struct keeper_msg *m, int fd)
{
	struct buf bytes = BUF_INIT;
	struct err e = ERR_INIT;
	int fds[2] = { -1, -1 };
	size_t fd_count = 0;
	int body = -1;
	int rc = keeper_msg_write(&bytes, m, &e);

	if (rc == 0 && m->kind == KEEPER_SPAWN && bytes.len > KEEPER_SPAWN_SHORT)
		rc = wrap_long(&bytes, m, &body, &e);
	if (fd >= 0)
		fds[fd_count++] = fd;
	if (body >= 0)
		fds[fd_count++] = body;
	if (rc < 0)
		log_error("cannot tell the keeper '%s': %s", keeper_msg_kind_word(m->kind), e.text.ptr);
	else if (p->count || sock_send(p->fd, bytes.ptr, bytes.len, fds, fd_count) < 0)
		keep_for_later(p, &bytes, fds, fd_count);
	fd_close(&body);
	buf_release(&bytes);
	err_release(&e);
	return rc;
}

static struct keeper_msg about_process(enum keeper_msg_kind kind, struct ticket ticket)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.serial = ticket.generation;
	m.ticket = (struct keeper_ticket){ .slot = ticket.slot, .generation = ticket.generation };
	return m;
}

struct ticket keeper_client_ticket(const struct keeper_msg *m)
{
	return (struct ticket){ .slot = (uint32_t)m->ticket.slot, .generation = m->ticket.generation };
}

int keeper_client_tell(struct keeper_client *p, enum keeper_msg_kind kind, struct ticket ticket)
{
	const struct keeper_msg m = about_process(kind, ticket);

	return keeper_client_send(p, &m, -1);
}

int keeper_client_tell_signal(struct keeper_client *p, enum keeper_msg_kind kind, struct ticket ticket,
	const char *signal, enum reach reach)
{
	struct keeper_msg m = about_process(kind, ticket);

	m.signal = signal_number(signal);
	m.reach = reach == REACH_TREE ? KEEPER_REACH_TREE : KEEPER_REACH_MAIN;
	return keeper_client_send(p, &m, -1);
}

int keeper_client_tell_name(struct keeper_client *p, enum keeper_msg_kind kind, const char *name, int fd)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.name = name;
	return keeper_client_send(p, &m, fd);
}

void keeper_client_exit(int64_t status, int *code, int *signal)
{
	int raw = (int)status;
	bool is_signal = WIFSIGNALED(raw);

	*signal = 0;
	*code = LAST_EXIT_UNSEEN;
	if (raw == KEEPER_STATUS_UNKNOWN)
		return;
	*code = is_signal ? 0 : WEXITSTATUS(raw);
	*signal = is_signal ? WTERMSIG(raw) : 0;
}
