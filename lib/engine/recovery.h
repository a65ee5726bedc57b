/*
 * A new brain finds its feet: what the store remembers meets what the keeper has.  Not for anybody but the brain.
 */
#ifndef OX_ENGINE_RECOVERY_H
#define OX_ENGINE_RECOVERY_H

#include <stdint.h>

#include "herd/herd.h"
#include "wire/keeper_msg.h"

struct brain;
struct json;
struct recovery;

struct recovery *recovery_new(void);
/* Where what the store remembers is put, to be taken over. */
struct json **recovery_state(struct recovery *r);
void recovery_free(struct recovery *r);
/* One message between SYNC and SYNCED; the last one resumes the herd. */
void recovery_message(struct brain *b, const struct keeper_msg *m);
/* The keeper's end of a pipe whose file is gone; taken over if it is one. */
void recovery_take_pipe(struct brain *b, const char *held, int *fd);

#endif
