/*
 * Between the files of this room: what a request waits for, and when it is over.
 */
#ifndef OX_HERD_REQUEST_WAIT_H
#define OX_HERD_REQUEST_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "model/wait_result.h"

struct app;
struct herd;
struct instance;
struct receipt;
struct strings;

/* What a request waits for in one instance: it is down, it was replaced, it is ready. */
enum goal { GOAL_DOWN, GOAL_CYCLED, GOAL_READY };

struct instance_wait {
	uint32_t slot;
	enum goal goal;
	uint64_t generation;   /* when it was asked */
	unsigned int hopeless; /* the same */
	bool is_done;
};

/* What a request waits for in one app. */
struct rollout_wait {
	uint64_t rollout;
	bool any_end; /* also a failure is what was asked for */
};

struct herd_wait {
	uint64_t id;
	struct instance_wait *waits; /* by slot, from request_begin() on */
	size_t len, cap, left, failed;
	size_t untold;       /* of those that failed: they are only counted */
	struct vec rollouts; /* of struct rollout_wait * that are not over */
	bool is_patient;     /* waits for all of it, also when one part failed */
	bool is_done;
	struct wait_results results;
	struct receipt *receipt; /* that it belongs to; NULL: none */
};

/* NULL for id 0; the others accept that. */
struct herd_wait *request_open(uint64_t id);
/* Also for nobody. */
struct herd_wait *request_alloc(uint64_t id);
void request_wait_slot(struct herd_wait *r, uint32_t slot, enum goal goal, uint64_t generation);
void request_wait(struct herd_wait *r, const struct instance *i, enum goal goal);
void request_wait_rollout(struct herd_wait *r, uint64_t rollout, bool any_end);
/* What it waited for is over already; `is_ok`: as far as this request is concerned. */
void request_tell(struct herd_wait *r, const struct wait_result *result, bool is_ok);
/* A rollout is over, or rests until somebody says a word. */
void rollouts_settled(struct herd *h, uint64_t rollout, const struct wait_result *verdict);
/* From here on the herd owns it. */
void request_begin(struct herd *h, struct herd_wait *r);
void requests_look(struct herd *h, const struct instance *i);
/* Of those that an earlier brain began: what they wait for and is not there any more is over. */
void requests_resume(struct herd *h);
void requests_answer(struct herd *h);
void request_free(void *request);
/* Whose rollout that is; NULL: it is over. */
const struct app *request_rolled_app(const struct herd *h, uint64_t rollout);
/* pending.c: adds the apps that it still waits for. */
void request_add_apps(const struct herd *h, const struct herd_wait *r, struct strings *apps);

#endif
