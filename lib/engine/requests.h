/*
 * The requests of the herd that are not settled: a number each, and the function to call when it is.
 */
#ifndef OX_ENGINE_REQUESTS_H
#define OX_ENGINE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

/* Zeroed is empty. */
struct requests {
	struct map waiting; /* id -> struct waiter * */
	uint64_t last_id;
};

typedef void (*request_done)(void *context, bool is_ok, const char *words);

void requests_release(struct requests *r);
/* A number that was never given before; `done` is called once, unless it is forgotten before. */
uint64_t requests_expect(struct requests *r, request_done done, void *context);
void requests_forget(struct requests *r, uint64_t id);
void requests_settle(struct requests *r, uint64_t id, bool is_ok, const char *words);

#endif
