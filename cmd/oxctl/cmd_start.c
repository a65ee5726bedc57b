/*
 * oxctl start: brings apps up.  Those of an oxfile, those that the daemon knows, or one that is described on the command line.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "lookup.h"
#include "model/selector.h"
#include "options.h"
#include "os/dirs.h"
#include "os/file.h"
#include "request.h"
#include "result_text.h"
#include "rules/placement.h"
#include "wire/rpc.h"

static const char *config;
static const char *profile;
static const char *only;
static const char *timeout;
static const char *instances;
static int64_t port;
static bool dry_run;
static bool all;
static bool waits;
static bool as_json;

const struct opt start_options[] = {
	OPTION_CONFIG(&config, "the oxfile to read"),
	OPTION_PROFILE(&profile),
	{ .name = "only",
		.kind = OPT_STRING,
		.at = &only,
		.value = "APP,APP",
		.help = "these apps of the oxfile" },
	SCOPE_ALL_ROW(&all),
	{ .name = "dry-run", .kind = OPT_FLAG, .at = &dry_run, .help = "only say what would be started" },
	OPTION_WAIT(&waits),
	OPTION_TIMEOUT(&timeout, ""),
	{ .name = "instances",
		.letter = 'i',
		.kind = OPT_STRING,
		.at = &instances,
		.value = "N",
		.help = "with a COMMAND: how many, or max" },
	{ .name = "port",
		.kind = OPT_INT,
		.at = &port,
		.value = "PORT",
		.help = "with a COMMAND: the first instance's port" },
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

static void print_started(const struct daemon_call *t)
{
	if (as_json)
		out_json(t->result);
	else if (dry_run)
		result_text_would_start(t->result);
	else if (!result_text_started(t->result, waits))
		daemon_call_fail(EXIT_DONE, "there is nothing to start");
}

/* What every way to start says of its caller. */
static void add_caller(struct json *params)
{
	request_add_env(params);
	request_add_umask(params);
	request_add_limits(params);
	if (waits)
		json_set_bool(params, "wait", true);
}

/* --- a command --- */

static int check_command(const struct opt_rest *rest)
{
	if (rest->after_dashes != 1 || rest->count < 2)
		return daemon_call_fail(EXIT_USAGE,
			"one name and a command: oxctl start NAME -- COMMAND ARG...; see 'oxctl help start'");
	if (config || profile || only || dry_run)
		return daemon_call_fail(EXIT_USAGE,
			"--config, --env, --only and --dry-run are about an oxfile, not about a command");
	return EXIT_DONE;
}

static int look_up_program(const struct opt_rest *rest)
{
	struct buf options = BUF_INIT;
	char **argv = mem_zalloc((size_t)rest->count, sizeof(*argv));
	struct lookup_ask ask = { .name = rest->items[0], .argv = argv };
	int code = EXIT_DONE;

	for (int i = 1; i < rest->count; i++)
		argv[i - 1] = rest->items[i];
	if (instances)
		buf_addf(&options, "-i %s ", instances);
	if (port)
		buf_addf(&options, "--port %lld ", (long long)port);
	ask.options = options.ptr;
	code = lookup_program(&ask);
	mem_free(argv);
	buf_release(&options);
	return code;
}

static int start_command(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "start", .timeout = timeout, .is_long = true, .may_launch = true };
	int64_t count = 0;
	int code = check_command(rest);

	if (code == EXIT_DONE)
		code = look_up_program(rest);
	if (code != EXIT_DONE)
		return code;
	t.e = (struct err)ERR_INIT;
	t.params = json_new_object();
	json_set_string(t.params, "name", rest->items[0]);
	daemon_call_set_strings(t.params, "argv", rest->items + 1, rest->count - 1);
	if (instances && str_to_int(instances, &count))
		json_set_int(t.params, "instances", count);
	else if (instances)
		json_set_string(t.params, "instances", instances);
	if (port)
		json_set_int(t.params, "port", port);
	add_caller(t.params);
	code = request_add_cwd(t.params);
	if (code == EXIT_DONE)
		code = daemon_call_ask(&t);
	if (code == EXIT_DONE)
		print_started(&t);
	daemon_call_release(&t);
	return code;
}

/* --- what the daemon knows --- */

/* Something may be known: a daemon runs, or one has run. */
static bool has_past(void)
{
	struct dirs dirs = { .run = NULL };
	struct client *client = NULL;
	struct err e = ERR_INIT;
	bool answers = daemon_try_connect(&client, &e) != EXIT_NO_DAEMON;

	if (!answers && dirs_find(&dirs, &e) == 0)
		answers = file_exists(dirs.state);
	client_free(client);
	dirs_release(&dirs);
	err_release(&e);
	return answers;
}

static void fill_known(struct daemon_call *t, const struct opt_rest *rest)
{
	*t = (struct daemon_call){
		.method = "start",
		.timeout = timeout,
		.is_long = true,
		.may_launch = true,
		.e = ERR_INIT,
	};
	t->params = daemon_call_targets(rest, 0);
	if (waits)
		json_set_bool(t->params, "wait", true);
}

/* `missing` says that there is no oxfile. */
static int start_known(const struct opt_rest *rest, const char *missing)
{
	struct daemon_call t;
	int code = EXIT_DONE;

	if (profile || only || dry_run || !has_past())
		return daemon_call_fail(EXIT_USAGE, "%s", missing);
	fill_known(&t, rest);
	code = daemon_call_ask(&t);
	if (code == EXIT_DONE && !rest->count && !json_count(json_get(t.result, "apps")))
		code = daemon_call_fail(EXIT_USAGE, "%s", missing);
	else if (code == EXIT_DONE)
		print_started(&t);
	daemon_call_release(&t);
	return code;
}

/* --- an oxfile --- */

static void add_only(struct json *params, const struct opt_rest *rest)
{
	struct json *list = json_new_array();

	for (int i = 0; i < rest->count; i++)
		json_push(list, json_new_string(rest->items[i]));
	for (const char *at = only; at && *at; at += strspn(at, ",")) {
		size_t len = strcspn(at, ",");
		char *name = mem_strndup(at, len);

		if (len)
			json_push(list, json_new_string(name));
		mem_free(name);
		at += len;
	}
	if (json_count(list))
		json_set(params, "only", list);
	else
		json_free(list);
}

static int check_only(const struct loaded *l, const struct json *list)
{
	bool *marks = mem_zalloc(l->oxfile->specs.len, sizeof(*marks));
	const struct json *name = NULL;
	int code = EXIT_DONE;

	JSON_EACH (list, name) {
		if (code == EXIT_DONE && !selector_mark(json_string(name, ""), &l->oxfile->specs, marks))
			code = daemon_call_fail(EXIT_NO_TARGET, "there is no app or namespace '%s' in %s",
				json_string(name, ""), l->oxfile->path);
	}
	mem_free(marks);
	return code;
}

/* It is one of them. */
static size_t index_of_spec(const struct vec *specs, const struct spec *spec)
{
	size_t place = 0;

	while (specs->items[place] != spec)
		place++;
	return place;
}

/* What the daemon would say if there were one: nothing runs, so everything would be started. */
static void dry_run_here(const struct loaded *l, struct daemon_call *t)
{
	const struct json *asked = json_get(t->params, "only");
	const char **names = mem_zalloc(json_count(asked), sizeof(*names));
	const struct json *name = NULL;
	struct json *list = NULL;
	const struct placement *p = NULL;
	bool *meant = NULL;
	size_t count = 0;
	size_t i = 0;

	JSON_EACH (asked, name)
		names[count++] = json_string(name, "");
	meant = selector_mark_with_needs(&l->oxfile->specs, names, count);
	t->result = json_new_object();
	list = json_set(t->result, "would_start", json_new_array());
	VEC_EACH (&l->placements, i, p) {
		struct json *app = NULL;

		if (!meant[index_of_spec(&l->oxfile->specs, p->spec)])
			continue;
		app = json_push(list, json_new_object());
		json_set_string(app, "name", p->spec->name);
		json_set_int(app, "instances", p->instances);
	}
	mem_free(meant);
	mem_free(names);
}

/* Without a daemon: an oxfile with mistakes is no reason to start one, and a dry run neither. */
static int check_here(const char *path, struct daemon_call *t)
{
	struct loaded l;
	int code = load_oxfile(&l, path, profile);

	if (code != EXIT_DONE)
		daemon_call_complaints(&l.diags);
	else
		code = check_only(&l, json_get(t->params, "only"));
	if (code == EXIT_DONE && dry_run)
		dry_run_here(&l, t);
	load_release(&l);
	return code;
}

/* A name that this oxfile does not have may be an instance, or an app of another one that the daemon knows. */
static bool may_be_known(const struct daemon_call *t, const struct opt_rest *rest)
{
	return (t->code == RPC_NO_TARGET || t->code == RPC_PARAMS) && rest->count && !config && !profile &&
		!only && !dry_run;
}

static int call_apply(struct client *client, struct daemon_call *t, const struct opt_rest *rest)
{
	struct daemon_call known = { .e = ERR_INIT };
	int code = daemon_call_try_call(client, t);

	if (code == EXIT_DONE || !may_be_known(t, rest))
		return daemon_call_tell(t, code);
	fill_known(&known, rest);
	code = daemon_call_try_call(client, &known);
	if (code == EXIT_NO_TARGET) {
		daemon_call_tell(t, code);
		daemon_call_release(&known);
		return code;
	}
	daemon_call_release(t);
	*t = known;
	return daemon_call_tell(t, code);
}

static int ask_apply(const char *path, struct daemon_call *t, const struct opt_rest *rest)
{
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = daemon_try_connect(&client, &e);

	if (code == EXIT_NO_DAEMON) {
		code = check_here(path, t);
		if (code != EXIT_DONE || dry_run)
			goto out;
		code = daemon_launch(&client);
	} else if (code != EXIT_DONE) {
		daemon_call_fail(code, "%s", e.text.ptr);
	}
	if (code == EXIT_DONE)
		code = call_apply(client, t, rest);
	daemon_call_notes(t);
out:
	client_free(client);
	err_release(&e);
	return code;
}

static int start_oxfile(const char *path, const struct opt_rest *rest, bool is_quiet)
{
	struct daemon_call t = {
		.method = "apply",
		.path = path,
		.timeout = timeout,
		.is_long = true,
		.e = ERR_INIT,
	};
	int code = EXIT_DONE;

	t.params = json_new_object();
	code = daemon_call_check(&t);
	if (code == EXIT_DONE)
		code = request_add_oxfile(t.params, path);
	add_only(t.params, rest);
	add_caller(t.params);
	if (profile)
		json_set_string(t.params, "profile", profile);
	if (dry_run)
		json_set_bool(t.params, "dry_run", true);
	if (code == EXIT_DONE)
		code = ask_apply(path, &t, rest);
	if (code == EXIT_DONE && !is_quiet)
		print_started(&t);
	daemon_call_release(&t);
	return code;
}

/* Those of the oxfile here, where there is one, and then whatever else is known. */
static int start_everything(const char *path, const char *missing)
{
	const struct opt_rest none = { .items = NULL, .after_dashes = -1 };
	int code = EXIT_DONE;

	if (config || only)
		return daemon_call_fail(EXIT_USAGE,
			"start: --all is for every app, and --config and --only are for some of one oxfile; say either");
	if (path)
		code = start_oxfile(path, &none, !dry_run && !profile);
	if (code == EXIT_DONE && !(path && (dry_run || profile)))
		code = start_known(&none, missing);
	return code;
}

int cmd_start(const struct opt_rest *rest)
{
	struct err e = ERR_INIT;
	char *path = NULL;
	int code = EXIT_USAGE;

	if (rest->after_dashes >= 0)
		return out_finish(start_command(rest));
	if (instances || port)
		return daemon_call_fail(code,
			"--instances and --port go with a command: oxctl start NAME -i 2 -- COMMAND; "
			"in an oxfile they are keys");
	if (targets_check_all("start", all, rest) != EXIT_DONE)
		return code;
	path = load_find(config, &e);
	if (!path)
		buf_adds(&e.text, ", or run a command directly: oxctl start NAME -- COMMAND");
	if (all || targets_name_all(rest))
		code = start_everything(path, e.text.ptr);
	else
		code = path ? start_oxfile(path, rest, false) : start_known(rest, e.text.ptr);
	err_release(&e);
	mem_free(path);
	return out_finish(code);
}
