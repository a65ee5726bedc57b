#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

char buf_nothing[1];

void buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
	if (b->cap)
		mem_free(b->ptr);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	buf_cut(b, 0);
}

char *buf_detach(struct buf *b)
{
	char *bytes = b->cap ? b->ptr : mem_strdup("");

	buf_init(b);
	return bytes;
}

/* Apart, so that the question whether there is room, which is asked for every byte that is added, is no call. */
static void buf_grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : 32;

	while (cap < want)
		cap += cap / 2;
	b->ptr = mem_resize(b->cap ? b->ptr : NULL, cap, 1);
	b->cap = cap;
	b->ptr[b->len] = '\0';
}

void buf_reserve(struct buf *b, size_t extra)
{
	size_t want = b->len + extra + 1;

	if (want > b->cap)
		buf_grow(b, want);
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!len)
		return;
	buf_reserve(b, len);
	memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->ptr[b->len++] = c;
	b->ptr[b->len] = '\0';
}

void buf_fill(struct buf *b, char c, size_t times)
{
	buf_reserve(b, times);
	memset(b->ptr + b->len, c, times);
	b->len += times;
	b->ptr[b->len] = '\0';
}

void buf_addfv(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int need = 0;

	va_copy(again, args);
	need = vsnprintf(NULL, 0, format, args);
	if (need > 0) {
		buf_reserve(b, (size_t)need);
		vsnprintf(b->ptr + b->len, (size_t)need + 1, format, again);
		b->len += (size_t)need;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_addfv(b, format, args);
	va_end(args);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->ptr[len] = '\0';
}

void buf_eat(struct buf *b, size_t len)
{
	if (!len)
		return;
	if (len >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->ptr, b->ptr + len, b->len - len + 1);
	b->len -= len;
}
