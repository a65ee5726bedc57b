#include "control/rpc_send_queue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/mem.h"

/* Texts that leave in one call. */
enum { BATCH_MAX = 64 };

struct rpc_send_text {
	size_t refs;
	size_t len;
	char bytes[];
};

struct rpc_send_item {
	struct rpc_send_item *next;
	struct rpc_send_text *text;
	bool is_event;
	bool is_promise; /* not known yet whether it is kept */
};

struct rpc_send_text *rpc_send_text_new(const char *bytes, size_t len)
{
	struct rpc_send_text *text = mem_alloc(sizeof(*text) + len);

	text->refs = 1;
	text->len = len;
	memcpy(text->bytes, bytes, len);
	return text;
}

size_t rpc_send_text_len(const struct rpc_send_text *text)
{
	return text->len;
}

void rpc_send_text_drop(struct rpc_send_text *text)
{
	if (text && --text->refs == 0)
		mem_free(text);
}

void rpc_send_queue_push(struct rpc_send_queue *out, struct rpc_send_text *text, bool is_event)
{
	struct rpc_send_item *item = mem_alloc(sizeof(*item));

	*item = (struct rpc_send_item){ .text = text, .is_event = is_event };
	text->refs++;
	if (out->last)
		out->last->next = item;
	else
		out->first = item;
	out->last = item;
	out->bytes += text->len;
	out->event_bytes += is_event ? text->len : 0;
}

static void rpc_send_queue_shift(struct rpc_send_queue *out)
{
	struct rpc_send_item *item = out->first;

	out->first = item->next;
	if (!out->first)
		out->last = NULL;
	out->event_bytes -= item->is_event ? item->text->len : 0;
	rpc_send_text_drop(item->text);
	mem_free(item);
}

void rpc_send_queue_release(struct rpc_send_queue *out)
{
	while (out->first)
		rpc_send_queue_shift(out);
	*out = (struct rpc_send_queue){ .first = NULL };
}

static void rpc_send_queue_sent(struct rpc_send_queue *out, size_t count)
{
	out->bytes -= count;
	out->sent += count;
	while (out->first && out->sent >= out->first->text->len) {
		out->sent -= out->first->text->len;
		rpc_send_queue_shift(out);
	}
}

void rpc_send_queue_promise(struct rpc_send_queue *out)
{
	if (out->last)
		out->last->is_promise = true;
}

/* An answer ends with the bracket of its result, if that is an object, and its own. */
static void add_members(struct rpc_send_queue *out, struct rpc_send_item *item, const char *members)
{
	static const char end[] = "}}\n";
	const struct rpc_send_text *text = item->text;
	size_t cut = text->len - (sizeof(end) - 1);
	struct buf line = BUF_INIT;

	if (text->len < sizeof(end) || memcmp(text->bytes + cut, end, sizeof(end) - 1) != 0)
		return;
	buf_add(&line, text->bytes, cut);
	buf_adds(&line, text->bytes[cut - 1] == '{' ? members + 1 : members);
	buf_adds(&line, end);
	out->bytes += line.len - text->len;
	rpc_send_text_drop(item->text);
	item->text = rpc_send_text_new(line.ptr, line.len);
	buf_release(&line);
}

void rpc_send_queue_keep(struct rpc_send_queue *out, const char *members)
{
	for (struct rpc_send_item *item = out->first; item; item = item->next) {
		/* What has left in part stays what it is. */
		if (item->is_promise && members && (item != out->first || !out->sent))
			add_members(out, item, members);
		item->is_promise = false;
	}
}

int rpc_send_queue_flush(struct rpc_send_queue *out, int fd)
{
	while (out->first) {
		struct iovec parts[BATCH_MAX];
		struct msghdr message = { .msg_iov = parts };
		size_t skip = out->sent;
		ssize_t count = 0;

		for (struct rpc_send_item *i = out->first; i && message.msg_iovlen < BATCH_MAX; i = i->next) {
			parts[message.msg_iovlen++] = (struct iovec){
				.iov_base = i->text->bytes + skip,
				.iov_len = i->text->len - skip,
			};
			skip = 0;
		}
		count = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (count >= 0)
			rpc_send_queue_sent(out, (size_t)count);
		else if (errno == EAGAIN || errno == ENOBUFS)
			return 0;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}
