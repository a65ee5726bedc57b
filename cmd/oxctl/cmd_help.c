/*
 * oxctl help, version and schema: what this program says about itself, from its tables.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/version.h"
#include "cmd.h"
#include "view/manual.h"
#include "view/schema.h"

static const char *mdoc;
static bool version_as_json;

const struct opt help_options[] = {
	{ .name = "mdoc",
		.kind = OPT_STRING,
		.at = &mdoc,
		.value = "keys|commands",
		.help = "print a section of the manual's source" },
	{ .name = NULL },
};

const struct opt version_options[] = {
	{ .name = "json", .kind = OPT_FLAG, .at = &version_as_json, .help = "print JSON" },
	{ .name = NULL },
};

static void print_overview(struct buf *out)
{
	size_t widest = 0;

	buf_adds(out, "usage: oxctl COMMAND [ARGUMENT...]\n\ncommands:\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		size_t width = strlen(cmd->name) + strlen(cmd->arguments);

		widest = width > widest ? width : widest;
	}
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "  %s %s", cmd->name, cmd->arguments);
		buf_fill(out, ' ', widest - strlen(cmd->name) - strlen(cmd->arguments) + 2);
		buf_addf(out, "%s\n", cmd->about);
	}
	buf_adds(out, "\n'oxctl help COMMAND' says more about one; the oxfile is described in oxfile(5).\n");
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
		buf_addf(out, "Also\n.Ic oxctl %s .\n", cmd->also);
	if (cmd->options)
		mdoc_options(out, cmd->options);
	buf_adds(out, ".Pp\nExample:\n.Dl $ ");
	manual_text(out, cmd->example);
	buf_addc(out, '\n');
}

static int print_mdoc(struct buf *out)
{
	if (!strcmp(mdoc, "keys")) {
		manual_keys(out);
		return EXIT_DONE;
	}
	if (strcmp(mdoc, "commands") != 0)
		return talk_fail(EXIT_USAGE,
			"the manual has no section '%s' to print: it is 'keys' or 'commands'", mdoc);
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		mdoc_command(out, cmd);
	return EXIT_DONE;
}

int cmd_help(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;
	const struct cmd *cmd = rest->count ? cmd_find(rest->items[0]) : NULL;
	int code = EXIT_DONE;

	if (mdoc)
		code = print_mdoc(&out);
	else if (cmd)
		cmd_print_help(cmd, &out);
	else if (rest->count)
		code = talk_fail(EXIT_USAGE, "there is no command '%s'; see 'oxctl help'", rest->items[0]);
	else
		print_overview(&out);
	out_write(&out);
	buf_release(&out);
	return out_finish(code);
}

int cmd_version(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;
	struct json *root = NULL;

	(void)rest;
	if (version_as_json) {
		root = json_new_object();
		json_set_string(root, "version", OX_VERSION);
		json_write_pretty(&out, root);
		json_free(root);
	} else {
		buf_adds(&out, "oxctl " OX_VERSION "\n");
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
