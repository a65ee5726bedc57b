/*
 * A growable string of bytes.  Invariants: `ptr` is never NULL and `ptr[len]` is '\0', so a buf may be
 * handed to anything that wants a C string.  Start with BUF_INIT; end with buf_release(), or keep the
 * bytes with buf_detach().
 */
#ifndef OX_BASE_BUF_H
#define OX_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *ptr;
	size_t len;
	size_t cap; /* 0: nothing allocated, ptr is buf_nothing */
};

extern char buf_nothing[1];

#define BUF_INIT                                                                                             \
	{                                                                                                    \
		.ptr = buf_nothing,                                                                          \
	}

void buf_init(struct buf *b);
void buf_release(struct buf *b);
/* Empty and usable; keeps its memory. */
void buf_clear(struct buf *b);
/* Hands the bytes over to the caller, who frees them with mem_free(); the buf is empty afterwards. */
char *buf_detach(struct buf *b);

/* Makes room for `extra` more bytes and the '\0'. */
void buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t times);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_addfv(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Cuts to `len` bytes; a longer `len` than there is changes nothing. */
void buf_cut(struct buf *b, size_t len);
/* Drops `len` bytes at the front. */
void buf_eat(struct buf *b, size_t len);

#endif
