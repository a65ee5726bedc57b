/*
 * Rows that depend on each other.  Runs once an app's layers are on top of each other.
 */
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/check_url.h"
#include "model/oxfile_private.h"

static bool was_written(const struct spec *s, const char *key)
{
	const struct field *f = field_find(key);

	return f && oxfile_row_place(s, field_index(f));
}

/* By the app itself, and not for all apps. */
static bool is_own_key(const struct spec *s, const char *key)
{
	const struct field *f = field_find(key);
	const struct row_place *found = f ? oxfile_row_place(s, field_index(f)) : NULL;

	return found && !found->is_inherited;
}

/* What is written for all apps gives way where it does not fit what this one says. */
static void give_way(struct spec *s, const char *key)
{
	if (was_written(s, key) && !is_own_key(s, key))
		field_reset(field_find(key), s);
}

/* What runs a script that names no interpreter. */
static const char *script_interpreter(const char *script)
{
	static const struct {
		const char *ending;
		const char *program;
	} known[] = {
		{ ".js", "node" },
		{ ".mjs", "node" },
		{ ".cjs", "node" },
		{ ".py", "python3" },
		{ ".rb", "ruby" },
		{ ".sh", "sh" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_ends(script, known[i].ending))
			return known[i].program;
	return NULL;
}

/* Words of `args`: one string is a line, as other programs read it; several are words already. */
static void add_args(const struct spec *s, struct strings *words)
{
	char **line = s->args.len == 1 ? argv_split(s->args.items[0], NULL) : NULL;

	if (line)
		for (char **word = line; *word; word++)
			strings_add(words, *word);
	else
		for (size_t i = 0; i < s->args.len; i++)
			strings_add(words, s->args.items[i]);
	argv_free(line);
}

static void take_words(struct spec *s, struct strings *words)
{
	words->items = mem_resize(words->items, words->len + 1, sizeof(*words->items));
	words->items[words->len] = NULL;
	command_release(&s->command);
	s->command.argv = words->items;
	*words = (struct strings){ .items = NULL };
}

static void fold_script(struct spec *s)
{
	const char *program = s->interpreter ? s->interpreter : script_interpreter(s->script);
	struct strings words = { .items = NULL };

	if (program && strcmp(program, "none") != 0)
		strings_add(&words, program);
	strings_add(&words, s->script);
	add_args(s, &words);
	take_words(s, &words);
}

static void fold_args(struct spec *s)
{
	struct strings words = { .items = NULL };
	char **line = command_words(&s->command, "$PORT");

	for (char **word = line; *word; word++)
		strings_add(&words, *word);
	argv_free(line);
	add_args(s, &words);
	take_words(s, &words);
}

/* A port that the instances will have for certain, or may have. */
static bool may_have_port(const struct spec *s)
{
	bool is_alone = s->instances.kind == COUNT_NUMBER && s->instances.value == 1;

	return s->port || !is_alone || env_get(&s->env, "PORT") || s->env_file.len;
}

static bool uses_shell(const struct command *c)
{
	return c->text && argv_needs_shell(c->text) && !command_wants_port(c);
}

/* For the words of an array nobody promises that they mean a port. */
static void settle_port(struct oxfile_reading *r, const struct spec *s)
{
	const char *from_caller = environment_get(r->ctx.environment, "PORT", strlen("PORT"));

	if (s->user && !s->inherit_env)
		from_caller = NULL;
	if (!s->command.text || may_have_port(s) || from_caller || !command_wants_port(&s->command))
		return;
	diag_hint(diags_error(r->d, oxfile_place(s, "command"),
			  "the command uses $PORT, and '%s' has no port", s->name),
		"add port = 3000; write '$PORT' in single quotes to pass on the word itself");
}

static void settle_command(struct oxfile_reading *r, struct spec *s)
{
	if (is_own_key(s, "command"))
		give_way(s, "script");
	else if (is_own_key(s, "script"))
		give_way(s, "command");
	if (s->script && s->command.argv)
		diags_error(r->d, oxfile_place(s, "script"),
			"'script' and 'command' are two ways to say the same; keep one");
	else if (s->script)
		fold_script(s);
	else if (!s->command.argv && !was_written(s, "command"))
		diag_hint(diags_error(r->d, s->at, "the app '%s' has no command", s->name),
			"add command = \"…\"");
	else if (s->args.len && uses_shell(&s->command))
		diags_error(r->d, oxfile_place(s, "args"),
			"'args' cannot be added to a command with shell syntax");
	else if (s->args.len && s->command.argv)
		fold_args(s);
	settle_port(r, s);
	if (s->interpreter && !s->script && is_own_key(s, "interpreter"))
		diags_error(r->d, oxfile_place(s, "interpreter"), "'interpreter' goes with 'script'");
	/* They live on in command; the revision is the same however it was written. */
	field_release(field_find("script"), s);
	field_release(field_find("interpreter"), s);
	field_release(field_find("args"), s);
}

static void settle_restart(struct oxfile_reading *r, struct spec *s)
{
	s->is_delay_written = was_written(s, "restart_delay_ms");
	if (s->restart_delay_max_ms >= s->restart_delay_ms)
		return;
	if (is_own_key(s, "restart_delay_max_ms"))
		diags_error(r->d, oxfile_place(s, "restart_delay_max_ms"),
			"'restart_delay_max_ms' is less than the first delay");
	s->restart_delay_max_ms = s->restart_delay_ms;
}

/* A check of its own stands for the one of all apps; and what has no port is not checked by its port. */
static void inherit_health(struct spec *s)
{
	static const char *const ways[] = { "health_check.endpoint", "health_check.tcp",
		"health_check.command" };
	bool has_own = false;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		has_own |= is_own_key(s, ways[i]);
	for (size_t i = 0; has_own && i < sizeof(ways) / sizeof(ways[0]); i++)
		give_way(s, ways[i]);
	if (!may_have_port(s))
		give_way(s, "health_check.tcp");
}

static void settle_health(struct oxfile_reading *r, struct spec *s)
{
	static const char *const others[] = {
		"health_check.interval_secs",
		"health_check.timeout_secs",
		"health_check.healthy_threshold",
		"health_check.unhealthy_threshold",
		"health_check.initial_delay_secs",
	};
	int ways = 0;
	struct check_url to;
	struct err e = ERR_INIT;

	inherit_health(s);
	ways = (s->health.endpoint != NULL) + s->health.tcp + (s->health.command.argv != NULL);
	if (s->health.endpoint && check_url_parse(s->health.endpoint, &to, &e) < 0)
		diags_error(r->d, oxfile_place(s, "health_check.endpoint"), "'endpoint': %s", e.text.ptr);
	err_release(&e);
	if (ways > 1)
		diags_error(r->d, s->at,
			"the health check of '%s' has more than one of endpoint, tcp and command", s->name);
	for (size_t i = 0; !ways && i < sizeof(others) / sizeof(others[0]); i++) {
		if (!is_own_key(s, others[i]) || was_written(s, "health_check.tcp"))
			continue;
		diag_hint(diags_error(
				  r->d, oxfile_place(s, others[i]), "this health check has nothing to check"),
			"add endpoint = \"http://…\", tcp = true or command = \"…\"");
		return;
	}
}

static void settle_ready(struct oxfile_reading *r, struct spec *s)
{
	/* One that is written and wrong got its complaint already. */
	bool has_health = spec_has_health(s) || is_own_key(s, "health_check.endpoint") ||
		is_own_key(s, "health_check.command");

	if (!has_health)
		give_way(s, "wait_ready");
	if ((s->ready == READY_HEALTH && !has_health) || (s->ready == READY_LISTEN && !may_have_port(s)))
		give_way(s, "ready");
	if (s->wait_ready && !has_health)
		diag_hint(
			diags_error(r->d, oxfile_place(s, "wait_ready"), "'wait_ready' needs a health check"),
			"for Node's process.send('ready') write ready = \"ipc\"");
	if (s->ready == READY_HEALTH && !has_health)
		diags_error(r->d, oxfile_place(s, "ready"), "ready = \"health\" needs a health check");
	if (s->ready == READY_LISTEN && !may_have_port(s))
		diags_error(r->d, oxfile_place(s, "ready"), "ready = \"listen\" needs a port");
	if (s->health.tcp && !may_have_port(s))
		diags_error(r->d, oxfile_place(s, "health_check.tcp"), "a tcp health check needs a port");
	if (s->wait_ready && s->ready == READY_AUTO)
		s->ready = READY_HEALTH;
	s->wait_ready = false;
	if (has_health && spec_ready(s) == READY_HEALTH && s->health.initial_delay_ms >= s->ready_timeout_ms)
		diags_error(r->d, oxfile_place(s, "health_check.initial_delay_secs"),
			"its first check would come after ready_timeout_secs (%.10g s), so it would never be ready",
			(double)s->ready_timeout_ms / 1000);
}

/* One port for all: it must be known which, and that somebody listens there. */
static void settle_shared(struct oxfile_reading *r, struct spec *s)
{
	give_way(s, "port_step");
	if (s->gate == GATE_OFF)
		give_way(s, "gate");
	if (s->port_step != 1)
		diag_hint(
			diags_error(r->d, oxfile_place(s, "port_step"),
				"'port_step' does not go with port_mode = \"shared\": all instances of '%s' have one port",
				s->name),
			"remove 'port_step'");
	if (s->gate == GATE_OFF)
		diag_hint(
			diags_error(r->d, oxfile_place(s, "gate"),
				"gate = \"off\" does not go with port_mode = \"shared\": without the gate only one instance of '%s' could listen on the port",
				s->name),
			"remove 'gate', or write port_mode = \"each\"");
	if (!s->env_file.len)
		oxfile_settle_shared_port(s, r->d);
}

static void settle_port_mode(struct oxfile_reading *r, struct spec *s)
{
	if (s->port_mode == PORT_SHARED) {
		settle_shared(r, s);
		return;
	}
	if (s->gate != GATE_OFF)
		give_way(s, "gate");
	if (s->gate != GATE_OFF && s->gate != GATE_AUTO)
		diag_hint(diags_error(r->d, oxfile_place(s, "gate"),
				  "'gate' is not supported yet where every instance has a port of its own"),
			"remove 'gate', or write port_mode = \"shared\"");
}

static void settle_deploy(struct oxfile_reading *r, struct spec *s)
{
	if (!s->deploy.surge && !s->deploy.max_unavailable)
		diags_error(r->d, oxfile_place(s, "deploy.surge"),
			"with surge = 0 and max_unavailable = 0 no deploy could ever move");
	if (s->instances.kind == COUNT_NUMBER && s->deploy.canary > s->instances.value &&
		!is_own_key(s, "deploy.canary"))
		s->deploy.canary = s->instances.value;
	if (s->instances.kind == COUNT_NUMBER && s->deploy.canary > s->instances.value)
		diags_error(r->d, oxfile_place(s, "deploy.canary"),
			"'canary' is more than the %lld instances", (long long)s->instances.value);
}

static void settle_logs(struct oxfile_reading *r, struct spec *s)
{
	if (is_own_key(s, "logs.stdout") || is_own_key(s, "logs.stderr"))
		give_way(s, "logs.combined");
	if (is_own_key(s, "logs.combined")) {
		give_way(s, "logs.stdout");
		give_way(s, "logs.stderr");
	}
	if (s->logs.combined && (s->logs.out || s->logs.err))
		diags_error(r->d, oxfile_place(s, "logs.combined"),
			"'combined' is one file for both; leave stdout and stderr away");
}

static bool command_holds(const struct command *c, const char *text)
{
	if (c->text)
		return strstr(c->text, text) != NULL;
	for (char **word = c->argv; word && *word; word++)
		if (strstr(*word, text))
			return true;
	return false;
}

/* Commands that watch the logs of another process manager, which nobody writes any more. */
static void doubt_commands(struct oxfile_reading *r, const struct spec *s)
{
	static const char folder[] = "oxmgr/logs";

	for (size_t i = 0; i < fields_count; i++) {
		if (fields[i].kind != FIELD_COMMAND ||
			!command_holds(field_member_const(&fields[i], s), folder))
			continue;
		diag_hint(diags_warn(r->d, oxfile_place(s, fields[i].key),
				  "'%s' uses '%s', and Oxherd writes no logs there", fields[i].key, folder),
			"name the file with logs.stdout = \"FILE\" and use that, or read with 'oxctl logs %s'",
			s->name);
	}
}

void settle_spec(struct oxfile_reading *r, struct spec *s)
{
	settle_command(r, s);
	settle_restart(r, s);
	settle_port_mode(r, s);
	settle_health(r, s);
	settle_ready(r, s);
	settle_deploy(r, s);
	settle_logs(r, s);
	doubt_commands(r, s);
}
