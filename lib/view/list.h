/*
 * The herd as a table: a line an instance, and a verdict.
 *
 *	PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON
 *	api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB
 *	api:1       -  backoff  unknown  3001       -         3     -        -  exit code 3; next start in 400 ms
 *	1 of 2 ready, 1 backoff
 *
 * The last column is there only when an instance has something to say.
 */
#ifndef OX_VIEW_LIST_H
#define OX_VIEW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "view/human.h"

struct err;
struct json;

/* `status` is what the daemon answers to "status"; -1 with words if it is not.  `width` 0: as wide as it needs. */
int list_render(const struct json *status, struct buf *out, size_t width, bool colour, struct err *e);
/* The colour that a word of model/states.def has everywhere. */
enum tint list_tint(const char *state);
/* "exit code 3; next start in 400 ms": either may be missing (NULL or "", -1). */
void list_reason(struct buf *out, const char *reason, int64_t next_restart_ms);

#endif
