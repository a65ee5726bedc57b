/*
 * oxctl help, version and schema: what this program says about itself, from its tables.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/version.h"
#include "cmd.h"
#include "options.h"
#include "rules/fsm.h"
#include "view/manual.h"
#include "view/overview.h"
#include "view/schema.h"
#include "view/topics.h"
#include "wire/methods.h"
#include "wire/rpc.h"

static const char *mdoc;
static bool version_as_json;

enum { COMMANDS_MAX = 64 };

const struct opt help_options[] = {
	{ .name = "mdoc",
		.kind = OPT_STRING,
		.at = &mdoc,
		.value = "commands|keys|states|events|steps|methods|kinds|errors",
		.help = "print a section of the manual's source" },
	{ .name = NULL },
};

const struct opt version_options[] = {
	OPTION_JSON(&version_as_json, "print JSON"),
	{ .name = NULL },
};

static void print_overview(struct buf *out)
{
	static const char *const groups[] = {
		[GROUP_EVERYDAY] = "everyday",
		[GROUP_DEPLOYING] = "deploying",
		[GROUP_LOOKING] = "looking",
		[GROUP_FILES] = "files",
		[GROUP_DAEMON] = "daemon",
		NULL,
	};
	struct overview_row rows[COMMANDS_MAX];
	size_t count = 0;

	for (const struct cmd *cmd = commands; cmd->name && count < COMMANDS_MAX; cmd++)
		rows[count++] = (struct overview_row){ cmd->group, cmd->name, cmd->brief };
	buf_adds(out, "usage: oxctl COMMAND [ARGUMENT...]\n\n");
	overview_print(out, groups, rows, count, out_width());
	buf_adds(out,
		"\n'oxctl help COMMAND' explains a command, 'oxctl help TOPIC' keys of the oxfile\n"
		"('oxctl help topics' lists them). The manual: man oxctl, man oxfile\n");
}

static void mdoc_options(struct buf *out, const struct opt *options)
{
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (const struct opt *opt = options; opt->name; opt++) {
		buf_adds(out, ".It ");
		if (opt->letter)
			buf_addf(out, "Fl %c , ", opt->letter);
		buf_addf(out, "Fl Fl %s", opt->name);
		if (opt->value)
			buf_addf(out, " Ar %s", opt->value);
		buf_addc(out, '\n');
		manual_text(out, opt->help);
		buf_adds(out, ".\n");
	}
	buf_adds(out, ".El\n");
}

/* The other names, as words to type. */
static void mdoc_also(struct buf *out, const struct cmd *cmd)
{
	static const char between[] = " ,\n.Ic oxctl ";
	struct buf names = BUF_INIT;

	cmd_names(cmd, between, &names);
	buf_addf(out, "Also%s .\n", names.ptr + strlen(cmd->name) + strlen(" ,"));
	buf_release(&names);
}

/* Arguments are shown as they are typed: mdoc would take brackets and bars for punctuation. */
static void mdoc_command(struct buf *out, const struct cmd *cmd)
{
	buf_addf(out, ".Ss %s", cmd->name);
	if (*cmd->arguments) {
		buf_addc(out, ' ');
		manual_text(out, cmd->arguments);
	}
	buf_addc(out, '\n');
	buf_addc(out, (char)(cmd->about[0] - 'a' + 'A'));
	manual_text(out, cmd->about + 1);
	buf_adds(out, ".\n");
	if (cmd->details) {
		manual_text(out, cmd->details);
		buf_addc(out, '\n');
	}
	if (cmd->also)
		mdoc_also(out, cmd);
	if (cmd->options)
		mdoc_options(out, cmd->options);
	buf_adds(out, ".Pp\nExample:\n.Dl $ ");
	manual_text(out, cmd->example);
	buf_addc(out, '\n');
}

static void mdoc_commands(struct buf *out)
{
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		mdoc_command(out, cmd);
}

/* Words of a closed set, each with its sentence. */
static void mdoc_word(struct buf *out, const char *word, const char *doc)
{
	buf_addf(out, ".It Li %s\n", word);
	manual_text(out, doc);
	buf_adds(out, ".\n");
}

static void mdoc_states(struct buf *out)
{
	for (int state = 0; state < STATE_COUNT; state++)
		mdoc_word(out, state_word((enum state)state), state_doc((enum state)state));
}

static void mdoc_events(struct buf *out)
{
	for (int event = 0; event < EVENT_COUNT; event++)
		mdoc_word(out, event_word((enum event)event), event_doc((enum event)event));
}

static void mdoc_kinds(struct buf *out)
{
#define X(name, word, doc) mdoc_word(out, word, doc);
#include "model/events.def"
#undef X
}

static int print_mdoc(struct buf *out)
{
	static const struct {
		const char *section;
		void (*print)(struct buf *out);
	} sections[] = {
		{ "commands", mdoc_commands },
		{ "keys", manual_keys },
		{ "states", mdoc_states },
		{ "events", mdoc_events },
		{ "steps", fsm_print_mdoc },
		{ "methods", methods_print_mdoc },
		{ "kinds", mdoc_kinds },
		{ "errors", rpc_codes_print_mdoc },
		{ "reasons", manual_reasons },
		{ "reason-fields", manual_reason_fields },
		{ "refusals", manual_refusals },
		{ "refusal-fields", manual_refusal_fields },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strcmp(sections[i].section, mdoc) != 0)
			continue;
		sections[i].print(out);
		return EXIT_DONE;
	}
	return daemon_call_fail(
		EXIT_USAGE, "the manual has no section '%s' to print; see 'oxctl help help'", mdoc);
}

static int fail_unknown_topic(const char *word)
{
	struct str_guess guess = { .typed = word };

	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		str_guess_offer(&guess, cmd->name);
	topics_offer(&guess);
	if (guess.best)
		return daemon_call_fail(EXIT_USAGE, "there is no command or topic '%s' (did you mean '%s'?)",
			word, guess.best);
	return daemon_call_fail(EXIT_USAGE,
		"there is no command or topic '%s'; see 'oxctl help' and 'oxctl help topics'", word);
}

/* One word, or two of which the first is "oxfile": then the second is no command. */
static int print_keys(const struct opt_rest *rest, struct buf *out)
{
	bool is_key = rest->count == 2;
	const char *word = rest->items[rest->count - 1];
	const struct cmd *cmd = is_key ? NULL : cmd_find(word);

	if (is_key && !str_eq(rest->items[0], "oxfile"))
		return daemon_call_fail(
			EXIT_USAGE, "help: '%s' is one argument too many; see 'oxctl help help'", word);
	if (cmd) {
		cmd_print_help(cmd, out);
		if (topics_know(word))
			buf_addf(
				out, "\nthe keys of the oxfile with this name: oxctl help oxfile %s\n", word);
	} else if (!is_key && (str_eq(word, "topics") || str_eq(word, "oxfile"))) {
		topics_list(out, out_width());
	} else if (topics_know(word)) {
		topics_print(out, word, out_width());
	} else {
		return fail_unknown_topic(word);
	}
	return EXIT_DONE;
}

int cmd_help(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;
	int code = EXIT_DONE;

	if (mdoc)
		code = print_mdoc(&out);
	else if (rest->count)
		code = print_keys(rest, &out);
	else
		print_overview(&out);
	out_write(&out);
	buf_release(&out);
	return code == EXIT_DONE ? out_finish(code) : code;
}

int cmd_version(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;
	struct json *root = NULL;

	(void)rest;
	if (version_as_json) {
		root = json_new_object();
		json_set_string(root, "version", ox_version);
		json_write_pretty(&out, root);
		json_free(root);
	} else {
		buf_addf(&out, "oxctl %s\n", ox_version);
	}
	out_write(&out);
	buf_release(&out);
	return out_finish(EXIT_DONE);
}

int cmd_schema(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;
	struct json *root = schema_make();

	(void)rest;
	json_write_pretty(&out, root);
	out_write(&out);
	json_free(root);
	buf_release(&out);
	return out_finish(EXIT_DONE);
}
