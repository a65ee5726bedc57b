/*
 * The mark that every process of the herd carries in its environment (KEEP_MARK of wire/keep.h), written and read.
 */
#ifndef OX_KEEPER_BADGE_H
#define OX_KEEPER_BADGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire/keep.h"

enum { BADGE_MAX = KEEP_NAME_MAX + 128, BADGE_PID_DIGITS = 10 };

struct badge {
	struct keep_ticket ticket; /* slot 0: the brain */
	pid_t pid; /* of the main process: whoever carries it and has another pid came from that one */
	char name[KEEP_NAME_MAX + 1];
};

/* "OXHERD_MARK=…" with room for the pid, which only the child knows: gives where its digits go. */
char *badge_write(char out[BADGE_MAX], const char *token, struct keep_ticket ticket, const char *name);
/* Between fork and exec too: no stdio. */
void badge_sign(char *digits, pid_t pid);
/* False when that process carries none with this token, or does not let us look. */
bool badge_of(struct badge *b, pid_t pid, const char *token);

#endif
