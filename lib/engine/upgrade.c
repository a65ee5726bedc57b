#include "engine/upgrade.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "herd/herd.h"
#include "journal/saver.h"
#include "journal/store.h"
#include "spawn/keeper_client.h"
#include "spawn/launch.h"
#include "spawn/run.h"

extern char **environ;

/* Of the one UPGRADE: above every generation of an instance, below those of runs. */
static const uint64_t UPGRADE_SERIAL = UINT64_C(1) << 61;

enum { VERSION_MAX = 64 };

struct upgrade {
	char *paths[2]; /* of the keeper, of the brain */
	char versions[2][VERSION_MAX];
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

static void end(struct upgrades *all, bool is_ok, const char *words)
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

	(void)saver_save_now(all->options.saver, NULL);
	keeper_msg_init(&m, KEEPER_UPGRADE);
	m.serial = UPGRADE_SERIAL;
	m.keeper_path = u->paths[0];
	m.brain_path = u->paths[1];
	log_info("upgrade: to oxherd %s and oxherd-brain %s", u->versions[0], u->versions[1]);
	if (keeper_client_send(all->options.keeper, &m, -1) < 0)
		end(all, false, "the paths of the programs are too long");
}

static bool read_version(const char *line, const char *name, char version[VERSION_MAX], int64_t *keep)
{
	size_t skip = strlen(name);
	size_t len = 0;

	if (strncmp(line, name, skip) != 0)
		return false;
	len = strcspn(line + skip, " ");
	if (!len || len >= VERSION_MAX || strncmp(line + skip + len, " keep ", 6) != 0)
		return false;
	(void)snprintf(version, VERSION_MAX, "%.*s", (int)len, line + skip);
	return str_to_int(line + skip + len + 6, keep);
}

/* "oxherd 0.2.0 keep 1": what --check prints last. */
static int read_answer(struct upgrade *u, const struct run_result *result, struct err *e)
{
	static const char *const names[] = { "oxherd ", "oxherd-brain " };
	const char *path = u->paths[u->at];
	char *tail = mem_strndup(result->tail, result->tail_len);
	const char *last = NULL;
	int64_t keep = 0;
	int rc = 0;

	for (size_t len = strlen(tail); len && tail[len - 1] == '\n'; len--)
		tail[len - 1] = '\0';
	last = strrchr(tail, '\n') ? strrchr(tail, '\n') + 1 : tail;
	if (result->end != RUN_EXITED || result->code || result->signal)
		rc = err_set(e, "'%s --check': %s%s%s", path, result->words, *tail ? ": " : "", tail);
	else if (!read_version(last, names[u->at], u->versions[u->at], &keep))
		rc = err_set(e, "'%s --check' does not say what it is", path);
	else if (keep != KEEPER_VERSION)
		rc = err_set(e,
			"'%s' speaks version %lld of the keeper's messages, and this daemon version %d: stop it and start the new one",
			path, (long long)keep, KEEPER_VERSION);
	mem_free(tail);
	return rc;
}

static void try_next(struct upgrades *all);

static void on_tried(void *context, const struct run_result *result)
{
	struct upgrades *all = context;
	struct upgrade *u = all->now;
	struct err e = ERR_INIT;

	u->run = NULL;
	if (read_answer(u, result, &e) < 0) {
		end(all, false, e.text.ptr);
	} else if (++u->at < 2) {
		try_next(all);
	} else {
		ask_keeper(all);
	}
	err_release(&e);
}

static void own_env(struct env *env)
{
	for (char **entry = environ; *entry; entry++) {
		size_t len = strcspn(*entry, "=");
		char *name = mem_strndup(*entry, len);

		if ((*entry)[len] == '=' && strcmp(name, KEEPER_MARK) != 0)
			env_put(env, name, *entry + len + 1);
		mem_free(name);
	}
}

static void try_next(struct upgrades *all)
{
	struct upgrade *u = all->now;
	char check[] = "--check";
	char *argv[] = { u->paths[u->at], check, NULL };
	const struct command command = { .text = u->paths[u->at], .argv = argv };
	struct env env = { .items = NULL };
	const struct run_request wish = {
		.name = u->at ? "upgrade brain" : "upgrade keeper",
		.command = &command,
		.folder = "/",
		.env = &env,
		.umask = 077,
		.timeout_ms = UPGRADE_CHECK_MS,
	};

	own_env(&env);
	u->run = run_start(all->options.runner, &wish, on_tried, all);
	env_release(&env);
}

int upgrade_begin(struct upgrades *all, const struct upgrade_wish *wish, upgrade_done done, void *context,
	struct err *e)
{
	struct upgrade *u = NULL;

	if (all->now)
		return err_set(e, "an upgrade is under way already");
	if (!all->options.may_begin(all->options.context, e))
		return -1;
	if (*wish->keeper != '/' || *wish->brain != '/')
		return err_set(e, "the paths of the programs are to be absolute");
	/* What it is tried on is what is on the disk. */
	saver_save_soon(all->options.saver);
	if (saver_save_now(all->options.saver, e) < 0)
		return -1;
	u = mem_zalloc(1, sizeof(*u));
	u->paths[0] = mem_strdup(wish->keeper);
	u->paths[1] = mem_strdup(wish->brain);
	u->done = done;
	u->context = context;
	all->now = u;
	try_next(all);
	return 0;
}

static void take_verdict(struct upgrades *all, const struct keeper_msg *m)
{
	mem_free(all->verdict);
	all->verdict = mem_strdup(m->words);
	all->has_upgraded = !m->number;
	if (!all->now || all->now->at < 2)
		return;
	if (m->number) {
		end(all, false, m->words);
		return;
	}
	end(all, true, all->now->versions[0]);
	log_info("upgrade: this brain leaves its place to the next one");
	all->options.leave(all->options.context);
}

bool upgrade_takes(struct upgrades *all, const struct keeper_msg *m)
{
	if (m->kind == KEEPER_UPGRADED) {
		take_verdict(all, m);
		return true;
	}
	if (m->kind != KEEPER_ERROR || m->about != UPGRADE_SERIAL)
		return false;
	if (all->now)
		end(all, false, m->words);
	return true;
}

struct json *upgrade_verdict(const struct upgrades *all)
{
	struct json *object = NULL;

	if (!all->verdict)
		return NULL;
	object = json_new_object();
	json_set_bool(object, "ok", all->has_upgraded);
	json_set_string(object, "words", all->verdict);
	return object;
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
		end(all, false, "the brain ended meanwhile");
	mem_free(all->verdict);
	mem_free(all);
}

/* --- the other side: what the new one is asked ----------------------------------------------------------------------- */

int brain_check_state(const char *folder, struct err *e)
{
	static const struct herd_effects none;
	const struct herd_options options = { .effects = &none, .seed = 1, .cpus = 1 };
	char *path = path_join(folder, "state");
	struct json *state = NULL;
	struct herd *h = NULL;
	int rc = store_peek(path, &state, e);

	if (rc == 0 && json_get(state, "herd")) {
		h = herd_from_json(json_get(state, "herd"), &options, 0, e);
		rc = h ? 0 : err_prefix(e, "'%s'", path);
	}
	herd_free(h);
	json_free(state);
	mem_free(path);
	return rc;
}
