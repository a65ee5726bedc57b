/*
 * A signal as it stands in JSON: "SIGTERM", or its number as text where it has no name.
 */
#ifndef OX_BASE_SIGNAL_NAME_H
#define OX_BASE_SIGNAL_NAME_H

#include <stdint.h>

#include "base/buf.h"

void signal_name_add(struct buf *out, int64_t signal);
/* 0 for what is none. */
int signal_name_parse(const char *name);

#endif
