/*
 * oxctl daemon: the daemon itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "install.h"
#include "launch.h"
#include "model/snapshot.h"
#include "options.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "view/human.h"
#include "view/table.h"

enum { GONE_MS = 10000, UPGRADE_MS = 60000, NAP_MS = 20 };

static bool as_json;
static const char *from;
static struct install_options install;

const struct opt daemon_options[] = {
	OPTION_JSON(&as_json, "status: print JSON"),
	{ .name = "from",
		.kind = OPT_STRING,
		.at = &from,
		.value = "FOLDER",
		.help = "upgrade: where the new oxherd and oxherd-brain are" },
	{ .name = "user",
		.kind = OPT_FLAG,
		.at = &install.for_user,
		.help = "install: for your own systemd" },
	{ .name = "strict",
		.kind = OPT_FLAG,
		.at = &install.is_strict,
		.help = "install: forbid also what plain network programs do not need" },
	{ .name = "print",
		.kind = OPT_FLAG,
		.at = &install.only_print,
		.help = "install: only print the unit" },
	{ .name = "group",
		.kind = OPT_STRING,
		.at = &install.group,
		.value = "NAME[:METHOD,...]",
		.help = "install: who may control the daemon too; see oxherd(8)" },
	{ .name = NULL },
};

static void print_running(const char *words, int64_t pid)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, words);
	if (pid)
		buf_addf(&out, " (pid %lld)", (long long)pid);
	buf_addc(&out, '\n');
	out_write(&out);
	buf_release(&out);
}

/* Its texts are borrowed from the call; nothing is known where it fails. */
static int ask_info(struct client *client, struct daemon_call *t, struct daemon_status *info)
{
	int code = EXIT_DONE;

	*t = (struct daemon_call){ .method = "daemon.info", .is_question = true, .e = ERR_INIT };
	code = daemon_call_call(client, t);
	daemon_status_from_json(t->result, info);
	return code;
}

static int say_running(struct client *client, const char *words)
{
	struct daemon_call t;
	struct daemon_status info;
	int code = ask_info(client, &t, &info);

	if (code == EXIT_DONE)
		print_running(words, info.pid);
	daemon_call_release(&t);
	return code;
}

/* --- start --- */

static int daemon_start(void)
{
	const char *words = "the daemon is already running";
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = daemon_try_connect(&client, &e);

	if (code != EXIT_DONE) {
		words = "the daemon is running";
		code = daemon_launch(&client);
	}
	if (code == EXIT_DONE)
		code = say_running(client, words);
	client_free(client);
	err_release(&e);
	return code;
}

/* --- stop, restart --- */

/* Who it was, before it is gone. */
struct ending {
	int64_t pid, brain_pid;
};

static int ask_who(struct client *client, struct ending *who)
{
	struct daemon_call t;
	struct daemon_status info;
	int code = ask_info(client, &t, &info);

	*who = (struct ending){ info.pid, info.brain_pid };
	daemon_call_release(&t);
	return code;
}

/* Asks it to end, and waits until it closes: with its services that takes as long as they may take to stop. */
static int end_daemon(bool keeps_services, struct ending *who)
{
	struct client *client = NULL;
	struct daemon_call t = {
		.method = "daemon.shutdown", .is_long = true, .is_question = true, .e = ERR_INIT
	};
	int code = daemon_connect(&client);

	*who = (struct ending){ 0 };
	if (code == EXIT_DONE)
		code = ask_who(client, who);
	t.params = json_new_object();
	json_set_bool(t.params, "keep_services", keeps_services);
	if (code == EXIT_DONE)
		code = daemon_call_call(client, &t);
	if (code == EXIT_DONE)
		code = client_wait(client, keeps_services ? GONE_MS : CLIENT_FOREVER, &t.e);
	client_free(client);
	daemon_call_release(&t);
	return code == EXIT_NO_DAEMON && who->pid ? EXIT_DONE : code;
}

static int still_there(const struct ending *who)
{
	return daemon_call_fail(EXIT_TIMED_OUT, "the daemon (pid %lld) said that it ends, and is still there",
		(long long)who->pid);
}

static int daemon_stop(void)
{
	struct ending who;
	int code = end_daemon(false, &who);

	if (code != EXIT_DONE)
		return code == EXIT_TIMED_OUT ? still_there(&who) : code;
	/* Only then is its place free for the next one. */
	if (!launch_is_gone(who.pid, GONE_MS))
		return still_there(&who);
	print_running("the daemon and its services have stopped", 0);
	return code;
}

/* Does another brain answer than the one that was asked to end? */
static bool is_back(const struct ending *who)
{
	struct daemon_call t = { .method = "daemon.info", .e = ERR_INIT };
	struct daemon_status info;
	struct client *client = NULL;
	bool has_answered = daemon_try_connect(&client, &t.e) == EXIT_DONE &&
		daemon_call_try_call(client, &t) == EXIT_DONE;

	daemon_status_from_json(t.result, &info);
	client_free(client);
	daemon_call_release(&t);
	return has_answered && info.brain_pid != who->brain_pid;
}

/* The keeper may stay and start a new brain, or end too: then we start another. */
static int daemon_restart(void)
{
	struct ending who;
	struct client *client = NULL;
	int code = end_daemon(true, &who);
	int64_t deadline = clock_ms() + GONE_MS;

	if (code != EXIT_DONE)
		return code == EXIT_TIMED_OUT ? still_there(&who) : code;
	while (!is_back(&who) && !launch_is_gone(who.pid, NAP_MS))
		if (clock_ms() > deadline)
			return still_there(&who);
	code = daemon_launch(&client);
	if (code == EXIT_DONE)
		code = say_running(client, "the daemon was restarted; its apps kept running");
	client_free(client);
	return code;
}

/* --- status --- */

static void add_text_row(struct table *t, const char *name, const char *value)
{
	if (!value)
		return;
	table_cell(t, TINT_DIM, "%s", name);
	table_cell(t, TINT_NONE, "%s", value);
}

static void add_uptime_row(struct table *t, const struct daemon_status *info)
{
	struct buf text = BUF_INIT;

	human_duration(&text, info->uptime_secs * 1000);
	buf_adds(&text, ", the brain restarted ");
	human_count(&text, (size_t)info->brain_restarts, "time", "times");
	add_text_row(t, "up", text.ptr);
	buf_release(&text);
}

static void print_info(const struct json *answer)
{
	static const struct table_column columns[] = { { .title = NULL }, { .title = NULL } };
	struct daemon_status info;
	struct buf out = BUF_INIT;
	struct table t;

	daemon_status_from_json(answer, &info);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	add_text_row(&t, "version", info.version);
	table_cell(&t, TINT_DIM, "pid");
	table_cell(&t, TINT_NONE, "%lld, its brain %lld", (long long)info.pid, (long long)info.brain_pid);
	add_uptime_row(&t, &info);
	add_text_row(&t, "run", info.run);
	add_text_row(&t, "state", info.state);
	add_text_row(&t, "log", info.log);
	add_text_row(&t, "trouble", info.trouble);
	table_render(&t, &out, out_width(), out_has_colour());
	out_write(&out);
	table_release(&t);
	buf_release(&out);
}

static int daemon_status(void)
{
	struct daemon_call t = { .method = "daemon.info", .is_question = true, .e = ERR_INIT };
	int code = daemon_call_ask(&t);

	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		print_info(t.result);
	daemon_call_release(&t);
	return code;
}

/* --- upgrade --- */

/* Beside this very oxctl, or in the folder that was named; freed by the caller. */
static char *find_program(const char *name, struct err *e)
{
	char *folder = from ? realpath(from, NULL) : NULL;
	char *path = NULL;

	if (!from)
		return dirs_program(name, e);
	if (!folder) {
		err_sys(e, errno, "cannot find the folder '%s'", from);
		return NULL;
	}
	path = path_join(folder, name);
	mem_free(folder);
	if (access(path, X_OK) == 0)
		return path;
	err_sys(e, errno, "cannot execute '%s'", path);
	mem_free(path);
	return NULL;
}

/* The daemon tries both and says what is wrong; when it answers well, its brain ends. */
static int ask_upgrade(struct ending *who)
{
	struct client *client = NULL;
	struct daemon_call t = { .method = "daemon.upgrade", .is_long = true, .e = ERR_INIT };
	char *keeper = find_program("oxherd", &t.e);
	char *brain = keeper ? find_program("oxherd-brain", &t.e) : NULL;
	int code = brain ? daemon_connect(&client) : daemon_call_fail(EXIT_FAILED, "%s", t.e.text.ptr);

	*who = (struct ending){ 0 };
	if (code == EXIT_DONE)
		code = ask_who(client, who);
	t.params = json_new_object();
	json_set_string(t.params, "oxherd", keeper);
	json_set_string(t.params, "brain", brain);
	if (code == EXIT_DONE)
		code = daemon_call_call(client, &t);
	/* It has said that it goes; without that its end is no upgrade. */
	if (code == EXIT_DONE && client_wait(client, GONE_MS, &t.e) == EXIT_TIMED_OUT)
		code = EXIT_TIMED_OUT;
	client_free(client);
	daemon_call_release(&t);
	mem_free(keeper);
	mem_free(brain);
	return code;
}

static int say_upgraded(const struct daemon_status *info)
{
	const char *words = info->upgrade.words ? info->upgrade.words : "its keeper was lost on the way";
	struct buf line = BUF_INIT;

	if (!info->upgrade.is_ok)
		return daemon_call_fail(
			EXIT_FAILED, "the upgrade failed and the old daemon keeps running: %s", words);
	buf_addf(&line, "the daemon is oxherd %s now; its apps kept running",
		info->version ? info->version : words);
	print_running(line.ptr, info->pid);
	buf_release(&line);
	return EXIT_DONE;
}

static int daemon_upgrade(void)
{
	struct ending who;
	struct client *client = NULL;
	struct daemon_call t = { .e = ERR_INIT };
	struct daemon_status info;
	int code = ask_upgrade(&who);
	int64_t deadline = clock_ms() + UPGRADE_MS;

	if (code != EXIT_DONE)
		return code == EXIT_TIMED_OUT ? still_there(&who) : code;
	while (!is_back(&who) && !launch_is_gone(who.pid, NAP_MS))
		if (clock_ms() > deadline)
			return still_there(&who);
	/* One that was killed on the way is started again, as by any command; one that was stopped by a request is not. */
	code = daemon_connect(&client);
	if (code == EXIT_DONE)
		code = ask_info(client, &t, &info);
	if (code == EXIT_DONE)
		code = say_upgraded(&info);
	daemon_call_release(&t);
	client_free(client);
	return code;
}

static int daemon_install(void)
{
	return install_unit(&install);
}

int cmd_daemon(const struct opt_rest *rest)
{
	static const struct {
		const char *verb;
		int (*run)(void);
	} verbs[] = {
		{ "start", daemon_start },
		{ "stop", daemon_stop },
		{ "restart", daemon_restart },
		{ "status", daemon_status },
		{ "upgrade", daemon_upgrade },
		{ "install", daemon_install },
	};
	struct str_guess guess = { .typed = rest->items[0] };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (str_eq(verbs[i].verb, rest->items[0]))
			return out_finish(verbs[i].run());
		str_guess_offer(&guess, verbs[i].verb);
	}
	if (guess.best)
		return daemon_call_fail(EXIT_USAGE, "the daemon cannot '%s' (did you mean '%s'?)",
			rest->items[0], guess.best);
	return daemon_call_fail(
		EXIT_USAGE, "the daemon cannot '%s'; see 'oxctl help daemon'", rest->items[0]);
}
