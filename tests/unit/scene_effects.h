/* The hands of a scene: those of the other tests, with every field of what is wished for and told. */
#ifndef OX_TESTS_UNIT_SCENE_EFFECTS_H
#define OX_TESTS_UNIT_SCENE_EFFECTS_H

#include "fake_effects.h"

/* A herd whose hands write every field. */
void scene_begin(struct fake *f);
/* The herd written down and read again says the same; else false, and both are in `out`. */
bool scene_is_remembered(struct fake *f, struct buf *out);
/* The brain dies; the next one learns what still has a process, and continues. */
void scene_rebirth(struct fake *f);
/* Everything that can be asked of the herd. */
void scene_status(struct fake *f);
void scene_past(struct fake *f, const char *name);
void scene_counts(struct fake *f);

#endif
