/*
 * The programs of another build take over.  They are checked first, beside this brain and on what it has: each is called with --check, which
 * reads the state or the keeper's ledger and touches nothing.  Then the keeper execs the new one, which has this brain leave and starts the new one
 * in its place.  Until then whatever fails leaves everything as it is.
 */
#ifndef OX_SPAWN_UPGRADE_H
#define OX_SPAWN_UPGRADE_H

#include <stdbool.h>

struct err;
struct keeper_client;
struct keeper_msg;
struct runner;
struct upgrades;

struct upgrade_request {
	const char *keeper, *brain; /* paths, absolute */
};

/* Called once: with the versions, "9.9.9" and the brain's, just before this brain leaves; or not ok, and the words say why. */
typedef void (*upgrade_done)(void *context, bool is_ok, const char *words);

struct upgrades_options {
	struct keeper_client *keeper; /* all are borrowed */
	struct runner *runner;
	/* All that is known, to the disk; waits for that.  -1 with words. */
	int (*save)(void *context, struct err *e);
	/* May one begin?  Words if not. */
	bool (*may_begin)(void *context, struct err *e);
	/* The next brain takes over. */
	void (*leave)(void *context);
	void *context;
};

struct upgrades *upgrades_new(const struct upgrades_options *options);
/* One that is under way fails. */
void upgrades_free(struct upgrades *all);
/* -1 with words when it is not even begun. */
int upgrade_begin(struct upgrades *all, const struct upgrade_request *request, upgrade_done done,
	void *context, struct err *e);
/* UPGRADED, or the ERROR that answers an UPGRADE: taken, true. */
bool upgrade_takes(struct upgrades *u, const struct keeper_msg *m);
/* How the last one went, as a sentence; NULL: there was none. */
const char *upgrade_verdict(const struct upgrades *all, bool *is_ok);

#endif
