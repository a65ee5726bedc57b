/*
 * The programs of another build take over.  They are checked first, beside this brain and on what it has: each is called with --check, which
 * reads the state or the keeper's ledger and touches nothing.  Then the keeper execs the new one, which has this brain leave and starts the new one
 * in its place.  Until then whatever fails leaves everything as it is.
 */
#ifndef OX_ENGINE_UPGRADE_H
#define OX_ENGINE_UPGRADE_H

#include <stdbool.h>

struct brain;
struct err;
struct json;
struct keeper_client;
struct keeper_msg;
struct runner;
struct saver;
struct upgrades;

struct upgrade_wish {
	const char *keeper, *brain; /* paths, absolute */
};

/*
 * `done` is called once: with the versions, "9.9.9" and the brain's, just before this brain leaves; or not ok, and the words say why.  -1 with
 * words when it is not even begun.
 */
typedef void (*upgrade_done)(void *context, bool is_ok, const char *words);
int brain_upgrade(
	struct brain *b, const struct upgrade_wish *wish, upgrade_done done, void *context, struct err *e);

struct upgrades_options {
	struct keeper_client *keeper; /* all are borrowed */
	struct runner *runner;
	struct saver *saver;
	/* May one begin?  Words if not. */
	bool (*may_begin)(void *context, struct err *e);
	/* The next brain takes over. */
	void (*leave)(void *context);
	void *context;
};

struct upgrades *upgrades_new(const struct upgrades_options *options);
/* One that is under way fails. */
void upgrades_free(struct upgrades *all);
/* As brain_upgrade(). */
int upgrade_begin(struct upgrades *all, const struct upgrade_wish *wish, upgrade_done done, void *context,
	struct err *e);
/* UPGRADED, or the ERROR that answers an UPGRADE: taken, true. */
bool upgrade_takes(struct upgrades *u, const struct keeper_msg *m);
/* How the last one went: {"ok", "words"}, or NULL. */
struct json *upgrade_verdict(const struct upgrades *all);

/* What `oxherd-brain --check` does: reads the state as it is in this folder.  -1 with words when this build cannot continue from it. */
int brain_check_state(const char *folder, struct err *e);

#endif
