/*
 * One failure and its message, on its way up.  A function that can fail takes a `struct err *` last and returns
 * -1 (or NULL); the words are made where the knowledge is, and printed only in cmd/.  Lower case, no full
 * stop, what failed first, names in quotes: cannot open 'x': No such file or directory.
 */
#ifndef OX_BASE_ERR_H
#define OX_BASE_ERR_H

#include "base/buf.h"

struct err {
	struct buf text;
	struct buf about; /* the same for programs, as JSON (model/refusal.h); most have nothing */
	int number;       /* errno where there was one, else 0 */
};

#define ERR_INIT                                                                                             \
	{                                                                                                    \
		.text = BUF_INIT, .about = BUF_INIT,                                                         \
	}

void err_release(struct err *e);
/* Our own complaint.  Always -1, so that giving up is one line.  A NULL `e` is fine: nobody wants words. */
int err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what can never work, because it was asked for wrongly: `number` is EINVAL. */
int err_usage(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A system call's complaint: ": <strerror(number)>" is added. */
int err_sys(struct err *e, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "<words>: " before what is there already. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
