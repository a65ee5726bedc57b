#include "spawn/upgrade.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "spawn/keeper_client.h"
#include "spawn/program_check.h"
#include "spawn/run.h"

/* Of the one UPGRADE: above every generation of an instance, below those of runs. */
static const uint64_t UPGRADE_SERIAL = UINT64_C(1) << 61;

struct upgrade {
	char *paths[2]; /* of the keeper, of the brain */
	char versions[2][PROGRAM_VERSION_MAX];
	size_t at; /* which one is being tried */
	struct run *run;
	upgrade_done done;
	void *context;
};

struct upgrades {
	struct upgrades_options options;
	struct upgrade *now; /* under way, or NULL */
	char *verdict;       /* how the last one went; NULL: there was none */
	bool has_upgraded;
};

static void upgrade_free(struct upgrade *u)
{
	run_cancel(u->run);
	mem_free(u->paths[0]);
	mem_free(u->paths[1]);
	mem_free(u);
}

static void end_upgrade(struct upgrades *all, bool is_ok, const char *words)
{
	struct upgrade *u = all->now;

	all->now = NULL;
	if (!is_ok)
		log_warn("upgrade: %s; nothing has changed", words);
	u->done(u->context, is_ok, words);
	upgrade_free(u);
}

static void ask_keeper(struct upgrades *all)
{
	struct upgrade *u = all->now;
	struct keeper_msg m;

	(void)all->options.save(all->options.context, NULL);
	keeper_msg_init(&m, KEEPER_UPGRADE);
	m.serial = UPGRADE_SERIAL;
	m.keeper_path = u->paths[0];
	m.brain_path = u->paths[1];
	log_info("upgrade: to oxherd %s and oxherd-brain %s", u->versions[0], u->versions[1]);
	if (keeper_client_send(all->options.keeper, &m, -1) < 0)
		end_upgrade(all, false, "the paths of the programs are too long");
}

static void try_next(struct upgrades *all);

static void on_tried(void *context, const struct run_result *result)
{
	struct upgrades *all = context;
	static const char *const names[] = { "oxherd ", "oxherd-brain " };
	struct upgrade *u = all->now;
	struct err e = ERR_INIT;

	u->run = NULL;
	if (program_check_read(u->paths[u->at], names[u->at], result, u->versions[u->at], &e) < 0) {
		end_upgrade(all, false, e.text.ptr);
	} else if (++u->at < 2) {
		try_next(all);
	} else {
		ask_keeper(all);
	}
	err_release(&e);
}

static void try_next(struct upgrades *all)
{
	struct upgrade *u = all->now;

	u->run = program_check_start(all->options.runner, u->at ? "upgrade brain" : "upgrade keeper",
		u->paths[u->at], on_tried, all);
}

int upgrade_begin(struct upgrades *all, const struct upgrade_request *request, upgrade_done done,
	void *context, struct err *e)
{
	struct upgrade *u = NULL;

	if (all->now)
		return err_set(e, "an upgrade is under way already");
	if (!all->options.may_begin(all->options.context, e))
		return -1;
	if (*request->keeper != '/' || *request->brain != '/')
		return err_set(e, "the paths of the programs are to be absolute");
	/* What it is tried on is what is on the disk. */
	if (all->options.save(all->options.context, e) < 0)
		return -1;
	u = mem_zalloc(1, sizeof(*u));
	u->paths[0] = mem_strdup(request->keeper);
	u->paths[1] = mem_strdup(request->brain);
	u->done = done;
	u->context = context;
	all->now = u;
	try_next(all);
	return 0;
}

static void take_upgraded(struct upgrades *all, const struct keeper_msg *m)
{
	mem_free(all->verdict);
	all->verdict = mem_strdup(m->words);
	all->has_upgraded = !m->number;
	if (!all->now || all->now->at < 2)
		return;
	if (m->number) {
		end_upgrade(all, false, m->words);
		return;
	}
	end_upgrade(all, true, all->now->versions[0]);
	log_info("upgrade: this brain leaves its place to the next one");
	all->options.leave(all->options.context);
}

bool upgrade_takes(struct upgrades *all, const struct keeper_msg *m)
{
	if (m->kind == KEEPER_UPGRADED) {
		take_upgraded(all, m);
		return true;
	}
	if (m->kind != KEEPER_ERROR || m->about != UPGRADE_SERIAL)
		return false;
	if (all->now)
		end_upgrade(all, false, m->words);
	return true;
}

const char *upgrade_verdict(const struct upgrades *all, bool *is_ok)
{
	*is_ok = all->has_upgraded;
	return all->verdict;
}

struct upgrades *upgrades_new(const struct upgrades_options *options)
{
	struct upgrades *all = mem_zalloc(1, sizeof(*all));

	all->options = *options;
	return all;
}

void upgrades_free(struct upgrades *all)
{
	if (!all)
		return;
	if (all->now)
		end_upgrade(all, false, "the brain ended meanwhile");
	mem_free(all->verdict);
	mem_free(all);
}
