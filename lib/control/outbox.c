#include "control/outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/mem.h"

/* Texts that leave in one call. */
enum { BATCH_MAX = 64 };

struct outbox_text {
	size_t refs;
	size_t len;
	char bytes[];
};

struct outbox_item {
	struct outbox_item *next;
	struct outbox_text *text;
	bool is_event;
	bool is_promise; /* not known yet whether it is kept */
};

struct outbox_text *outbox_text_new(const char *bytes, size_t len)
{
	struct outbox_text *text = mem_alloc(sizeof(*text) + len);

	text->refs = 1;
	text->len = len;
	memcpy(text->bytes, bytes, len);
	return text;
}

size_t outbox_text_len(const struct outbox_text *text)
{
	return text->len;
}

void outbox_text_drop(struct outbox_text *text)
{
	if (text && --text->refs == 0)
		mem_free(text);
}

void outbox_push(struct outbox *out, struct outbox_text *text, bool is_event)
{
	struct outbox_item *item = mem_alloc(sizeof(*item));

	*item = (struct outbox_item){ .text = text, .is_event = is_event };
	text->refs++;
	if (out->last)
		out->last->next = item;
	else
		out->first = item;
	out->last = item;
	out->bytes += text->len;
	out->event_bytes += is_event ? text->len : 0;
}

static void outbox_shift(struct outbox *out)
{
	struct outbox_item *item = out->first;

	out->first = item->next;
	if (!out->first)
		out->last = NULL;
	out->event_bytes -= item->is_event ? item->text->len : 0;
	outbox_text_drop(item->text);
	mem_free(item);
}

void outbox_release(struct outbox *out)
{
	while (out->first)
		outbox_shift(out);
	*out = (struct outbox){ .first = NULL };
}

static void outbox_sent(struct outbox *out, size_t count)
{
	out->bytes -= count;
	out->sent += count;
	while (out->first && out->sent >= out->first->text->len) {
		out->sent -= out->first->text->len;
		outbox_shift(out);
	}
}

void outbox_promise(struct outbox *out)
{
	if (out->last)
		out->last->is_promise = true;
}

/* An answer ends with the bracket of its result, if that is an object, and its own. */
static void amend(struct outbox *out, struct outbox_item *item, const char *members)
{
	static const char end[] = "}}\n";
	const struct outbox_text *text = item->text;
	size_t cut = text->len - (sizeof(end) - 1);
	struct buf line = BUF_INIT;

	if (text->len < sizeof(end) || memcmp(text->bytes + cut, end, sizeof(end) - 1) != 0)
		return;
	buf_add(&line, text->bytes, cut);
	buf_adds(&line, text->bytes[cut - 1] == '{' ? members + 1 : members);
	buf_adds(&line, end);
	out->bytes += line.len - text->len;
	outbox_text_drop(item->text);
	item->text = outbox_text_new(line.ptr, line.len);
	buf_release(&line);
}

void outbox_keep(struct outbox *out, const char *members)
{
	for (struct outbox_item *item = out->first; item; item = item->next) {
		/* What has left in part stays what it is. */
		if (item->is_promise && members && (item != out->first || !out->sent))
			amend(out, item, members);
		item->is_promise = false;
	}
}

int outbox_flush(struct outbox *out, int fd)
{
	while (out->first) {
		struct iovec parts[BATCH_MAX];
		struct msghdr message = { .msg_iov = parts };
		size_t skip = out->sent;
		ssize_t count = 0;

		for (struct outbox_item *i = out->first; i && message.msg_iovlen < BATCH_MAX; i = i->next) {
			parts[message.msg_iovlen++] = (struct iovec){
				.iov_base = i->text->bytes + skip,
				.iov_len = i->text->len - skip,
			};
			skip = 0;
		}
		count = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (count >= 0)
			outbox_sent(out, (size_t)count);
		else if (errno == EAGAIN || errno == ENOBUFS)
			return 0;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}
