/*
 * What comes in on each way.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "spawn/notify_private.h"

/* True if the peer is still there afterwards. */
static bool report_notice(struct peer *s, const struct notice *n)
{
	struct notify *all = s->all;
	struct ticket ticket = s->ticket;

	/* First at the keeper: then a next brain knows, whatever becomes of this one. */
	if (n->is_ready)
		peer_let_go(s, HELD_UNREADY);
	all->calls->said(all->context, ticket, n);
	return map_get_n(&all->peers, (const char *)&ticket.generation, sizeof(ticket.generation)) == s;
}

static bool tell_ready(struct peer *s)
{
	struct notice n;

	memset(&n, 0, sizeof(n));
	n.is_ready = true;
	return report_notice(s, &n);
}

static bool tell_stranger(struct peer *s, const struct ucred *from, const char *bytes, size_t len)
{
	struct notify *all = s->all;
	struct ticket ticket = s->ticket;
	struct buf message = BUF_INIT;
	struct buf command = BUF_INIT;
	size_t line = strcspn(bytes, "\n");
	int64_t now = clock_ms();

	if (s->stranger_at && now - s->stranger_at < NOTIFY_STRANGER_MS)
		return true;
	s->stranger_at = now;
	buf_addf(&message, "%.*s", (int)(line < len && line < 40 ? line : 40), bytes);
	if (procfs_read(from->pid, &(struct proc){ 0 }))
		(void)procfs_command(from->pid, &command, 80);
	all->calls->stranger(all->context, ticket,
		&REASON_OF(NOT_BELIEVED, .detail = message.ptr, .pid = from->pid, .command = command.ptr));
	buf_release(&message);
	buf_release(&command);
	return map_get_n(&all->peers, (const char *)&ticket.generation, sizeof(ticket.generation)) == s;
}

/* --- datagrams ------------------------------------------------------------------------------------------------------- */

/*
 * The next one, which stays where it is.  There is room for the name of its sender and for nothing else, so that descriptors that come along
 * never become ours.
 */
static ssize_t peek(int fd, char *bytes, size_t size, struct ucred *from)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t len = recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
	const struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&m);

	memset(from, 0, sizeof(*from));
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
		c->cmsg_len == CMSG_LEN(sizeof(*from)))
		memcpy(from, CMSG_DATA(c), sizeof(*from));
	return len;
}

/* False when there is none left, or nobody is left to be heard. */
static bool hear_datagram(struct channel *channel)
{
	struct peer *s = channel->of;
	char bytes[NOTICE_MAX + 1];
	struct ucred from;
	struct notice n;
	ssize_t len = peek(channel->fd, bytes, NOTICE_MAX, &from);
	bool is_there = true;

	if (len < 0)
		return errno == EINTR;
	bytes[len < NOTICE_MAX ? len : NOTICE_MAX] = '\0';
	if (!notice_read(&n, bytes, (size_t)len))
		is_there = true;
	else if (sender_belongs(s, from.pid, from.uid))
		is_there = report_notice(s, &n);
	else
		is_there = tell_stranger(s, &from, bytes, (size_t)len);
	/* Only now it is gone: a brain that dies before has not heard it. */
	if (is_there)
		(void)!recv(channel->fd, bytes, 0, MSG_DONTWAIT);
	return is_there;
}

static void on_rested(struct ev_loop *loop, ev_timer *w, int events)
{
	struct channel *channel = w->data;

	(void)events;
	loop_watch(loop, &channel->io);
}

/* Its turn is used up: the rest waits in the kernel, and then its writer. */
static void rest_channel(struct channel *channel)
{
	struct ev_loop *loop = channel->of->all->loop;

	ev_io_stop(loop, &channel->io);
	ev_timer_init(&channel->rest, on_rested, NOTIFY_REST_MS / 1000., 0.);
	channel->rest.data = channel;
	ev_timer_start(loop, &channel->rest);
}

static void receive_from_socket(struct channel *channel)
{
	int count = 0;

	while (count < NOTIFY_TURN && hear_datagram(channel))
		count++;
	/* The last one may have been its end, but then there were fewer. */
	if (count == NOTIFY_TURN)
		rest_channel(channel);
}

/* --- streams --------------------------------------------------------------------------------------------------------- */

/* Who ends closes all it has too, and how it ended says more. */
static bool lives(const struct peer *s)
{
	struct proc p;

	return procfs_read(s->pid, &p) && p.has_memory;
}

static void hear_pipe(struct channel *channel)
{
	struct peer *s = channel->of;
	char bytes[512];
	ssize_t len = read(channel->fd, bytes, sizeof(bytes));

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len > 0 && !memchr(bytes, '\n', (size_t)len)) {
		s->has_written = true;
		return;
	}
	/* It has said its one word.  Where it has no other way to say it, the next brain knows by the pipe that it had one. */
	channel_close(channel);
	if (!s->is_fd_only)
		peer_let_go(s, END_PIPE);
	if (len > 0)
		(void)tell_ready(s);
	else if (lives(s))
		s->all->calls->mute(s->all->context, s->ticket, s->has_written);
}

static void hear_channel(struct channel *channel)
{
	struct peer *s = channel->of;
	char bytes[4096];
	size_t taken = 0;
	ssize_t len = 0;
	bool is_ready = false;

	while (taken < NOTIFY_BYTES) {
		len = read(channel->fd, bytes, sizeof(bytes));
		if (len <= 0)
			break;
		taken += (size_t)len;
		is_ready |= channel_feed(&s->line, bytes, (size_t)len);
	}
	if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
		channel_close(channel);
		peer_let_go(s, END_CHANNEL);
	} else if (taken >= NOTIFY_BYTES)
		rest_channel(channel);
	if (is_ready)
		(void)tell_ready(s);
}

static void on_channel_readable(struct ev_loop *loop, ev_io *w, int events)
{
	static void (*const hears[END_COUNT])(struct channel *) = {
		[END_SOCKET] = receive_from_socket,
		[END_PIPE] = hear_pipe,
		[END_CHANNEL] = hear_channel,
	};
	struct channel *channel = w->data;

	(void)loop;
	loop_mind(events);
	hears[channel - channel->of->channels](channel);
}

void channel_start(struct channel *channel)
{
	if (channel->fd < 0 || ev_is_active(&channel->io) || ev_is_active(&channel->rest))
		return;
	ev_io_init(&channel->io, on_channel_readable, channel->fd, EV_READ);
	channel->io.data = channel;
	loop_watch(channel->of->all->loop, &channel->io);
}

void channel_close(struct channel *channel)
{
	if (channel->fd >= 0) {
		ev_io_stop(channel->of->all->loop, &channel->io);
		ev_timer_stop(channel->of->all->loop, &channel->rest);
	}
	fd_close(&channel->fd);
}
