/*
 * Spares that are gone, between the files of this room: herd_gone() is the question about them.
 */
#ifndef OX_HERD_GONE_SPARES_H
#define OX_HERD_GONE_SPARES_H

#include <stdint.h>

struct app;
struct herd;
struct instance;

/* Takes over a spare that the app and the slots have no more. */
void gone_add(struct instance *i, int64_t gone_at);
/* What was remembered of that number; -1: of the whole app. */
void gone_drop(struct app *a, int number);
void gone_sweep(struct herd *h);
void gone_release(struct herd *h);
struct instance *gone_find(const struct app *a, int number);

#endif
