/*
 * Many clients of one address, who ask again and again, each on a connection of its own.  At a constant rate a request's time begins when
 * it was due, also while every client is still busy: what a slow server delays is in the figures.
 */
#ifndef OX_TESTS_LOAD_CROWD_H
#define OX_TESTS_LOAD_CROWD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tally.h"

enum {
	CROWD_MAX = 4096,
	CROWD_PAUSE_US = 10000, /* of a client after a failure, so that nobody hammers at a closed door */
};

struct client;

struct crowd_plan {
	struct sockaddr_in to;
	size_t connections;
	int64_t rate;       /* requests a second; 0: each client asks again at once */
	int64_t timeout_us; /* for a whole answer, from when it was asked */
	bool keeps_alive;   /* else each request has a connection of its own */
	bool is_idempotent; /* may be asked again where nobody can have answered */
	const char *words;  /* to be found in each answer; or NULL */
	struct buf request; /* all of it */
};

struct crowd {
	const struct crowd_plan *plan; /* borrowed: outlives the crowd */
	struct tally *tally;           /* borrowed too */
	struct client *clients;
	size_t turn; /* whose turn it is: each connection rests as long as it can, as those of real clients do */
	int64_t begun_at, issued;
	int epoll;
};

/* 0, or -1 with errno. */
int crowd_init(struct crowd *c, const struct crowd_plan *plan, struct tally *tally, int64_t now);
void crowd_release(struct crowd *c);
/*
 * What is due is asked, what has come is read; waits for that until `until` at most.  When `is_ending` nothing new is asked.  False: nobody waits
 * for an answer.
 */
bool crowd_turn(struct crowd *c, int64_t until, bool is_ending);

#endif
