/*
 * What the keeper's numbers mean: the stages that are about something that the oxfile names, with that name.
 */
#ifndef OX_SPAWN_SPAWN_REASON_H
#define OX_SPAWN_SPAWN_REASON_H

#include <stdbool.h>
#include <stdint.h>

struct reason;
struct spec;

/* All are for reason_free(), and `s` may be NULL. */

/* Why a spawn failed at that stage (enum keeper_spawn_stage) with that errno. */
struct reason *spawn_reason(const struct spec *s, int64_t stage, int64_t number);
/* Why the keeper has refused the message: with that errno and these words, in an ERROR. */
struct reason *spawn_refused_reason(const struct spec *s, int64_t number, const char *words);
/* Which of its processors it has to do without; NULL where it has them all, or none. */
struct reason *spawn_cpus_note(const struct spec *s);
/*
 * Does an ERROR with that errno say that a spawn was not even begun?  Other messages carry a generation too: a signal that came too late says ESRCH, and
 * its process has an end of its own to tell.
 */
bool spawn_is_refusal(int64_t number);

#endif
