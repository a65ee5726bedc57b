/*
 * oxctl: finds the command's row, reads its options, checks the count of its arguments, and runs it.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"

static int fail_unknown_command(const char *name)
{
	struct str_guess guess = { .typed = name };

	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		str_guess_offer(&guess, cmd->name);
	/* Nor is the next best offered then: it is even further from what was meant. */
	if (guess.best && !cmd_find(guess.best)->is_harsh)
		return daemon_call_fail(
			EXIT_USAGE, "there is no command '%s' (did you mean '%s'?)", name, guess.best);
	return daemon_call_fail(EXIT_USAGE, "there is no command '%s'; see 'oxctl help'", name);
}

static int print_command_help(const struct cmd *cmd)
{
	struct buf out = BUF_INIT;

	cmd_print_help(cmd, &out);
	out_write(&out);
	buf_release(&out);
	return out_finish(EXIT_DONE);
}

/* --help wins wherever it stands, but not behind "--". */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run_row(const struct cmd *cmd, int argc, char **argv)
{
	static const struct opt no_options[] = { { .name = NULL } };
	struct opt_rest rest = { .items = argv };
	struct err e = ERR_INIT;
	int code = EXIT_USAGE;

	if (asks_for_help(argc, argv))
		return print_command_help(cmd);
	if (opt_parse(cmd->options ? cmd->options : no_options, argc, argv, &rest, &e) < 0)
		daemon_call_fail(code, "%s: %s; see 'oxctl help %s'", cmd->name, e.text.ptr, cmd->name);
	else if (rest.count < cmd->least)
		daemon_call_fail(
			code, "%s needs %s; see 'oxctl help %s'", cmd->name, cmd->arguments, cmd->name);
	else if (cmd->most >= 0 && rest.count > cmd->most)
		daemon_call_fail(code, "%s: '%s' is one argument too many; see 'oxctl help %s'", cmd->name,
			rest.items[cmd->most], cmd->name);
	else
		code = cmd->run(&rest);
	err_release(&e);
	return code;
}

int main(int argc, char **argv)
{
	const struct opt_rest nothing = { .items = NULL };
	const struct cmd *cmd = NULL;

	if (argc < 2) {
		cmd_help(&nothing);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(&nothing);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return cmd_version(&nothing);
	cmd = cmd_find(argv[1]);
	return cmd ? run_row(cmd, argc - 2, argv + 2) : fail_unknown_command(argv[1]);
}
