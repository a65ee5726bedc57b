/*
 * Signals by name and by number.
 */
#ifndef OX_BASE_SIGNAL_NAME_H
#define OX_BASE_SIGNAL_NAME_H

#include <stdint.h>

#include "base/buf.h"

/* 15 for "SIGTERM"; SIGRTMIN+N and SIGRTMAX-N too; -1 for what is none. */
int signal_number(const char *name);
/* "SIGTERM" for 15; NULL for realtime signals and what is none. */
const char *signal_name(int number);
/* As it stands in JSON: "SIGTERM", or the number as text where it has no name. */
void signal_name_add(struct buf *out, int64_t signal);
/* From there; 0 for what is none. */
int signal_name_parse(const char *text);

#endif
