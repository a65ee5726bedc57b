/*
 * The requests of the herd that are not settled: a number each, and the function to call when it is.
 */
#ifndef OX_ENGINE_REQUESTS_H
#define OX_ENGINE_REQUESTS_H

#include <stdint.h>

#include "base/map.h"

struct wait_results;

/* Zeroed is empty. */
struct requests {
	struct map waiting; /* id -> struct waiter * */
	uint64_t last_id;
};

/* The results are borrowed for the call. */
typedef void (*request_done)(void *context, const struct wait_results *results);

void requests_release(struct requests *r);
/* A number that was never given before; `done` is called once, unless it is forgotten before. */
uint64_t requests_expect(struct requests *r, request_done done, void *context);
void requests_forget(struct requests *r, uint64_t id);
void requests_settle(struct requests *r, uint64_t id, const struct wait_results *results);

#endif
