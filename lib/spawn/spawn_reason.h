/*
 * What the keeper's numbers mean: the stages that are about something that the oxfile names, with that name.
 */
#ifndef OX_SPAWN_SPAWN_REASON_H
#define OX_SPAWN_SPAWN_REASON_H

#include <stdint.h>

struct reason;
struct spec;

/* Why a spawn failed at that stage (enum keeper_spawn_stage) with that errno; `s` may be NULL.  For reason_free(). */
struct reason *spawn_reason(const struct spec *s, int64_t stage, int64_t number);

#endif
