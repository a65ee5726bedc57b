/*
 * Signals by name and by number.
 */
#ifndef OX_OS_SIG_H
#define OX_OS_SIG_H

#include "base/buf.h"

/* 15 for "SIGTERM"; SIGRTMIN+N and SIGRTMAX-N too; -1 for what is none. */
int sig_number(const char *name);
/* "SIGTERM" for 15; NULL for realtime signals and what is none. */
const char *sig_name(int number);
/* Appends a name that sig_number() knows, or "signal 99". */
void sig_write(struct buf *out, int number);

#endif
