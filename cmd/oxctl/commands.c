/*
 * The commands: one row each, and what is printed from the rows.
 */
#include <string.h>

#include "base/str.h"
#include "cmd.h"

const struct cmd commands[] = {
	{ .name = "validate",
		.arguments = "[FILE...]",
		.about = "check oxfiles and say what they define",
		.least = 0,
		.most = -1,
		.options = validate_options,
		.run = cmd_validate,
		.example = "oxctl validate oxfile.toml",
		.details =
			"Every mistake is shown at once, with its file, line and column. Nothing is started or changed. "
			"A missing env_file is only a warning here." },
	{ .name = "nginx",
		.arguments = "[APP...]",
		.about = "print the nginx upstream of apps",
		.least = 0,
		.most = -1,
		.options = nginx_options,
		.run = cmd_nginx,
		.example = "oxctl nginx api --server api.example.com --output /etc/nginx/conf.d/api.conf",
		.details =
			"Without a name every app that has a port is printed, one server line for each instance." },
	{ .name = "plan",
		.also = "diff",
		.arguments = "--from OLD [--to NEW]",
		.about = "show what changes between two oxfiles, instance by instance",
		.least = 0,
		.most = 0,
		.options = plan_options,
		.run = cmd_plan,
		.example = "oxctl plan --from old/oxfile.toml --to oxfile.toml",
		.details =
			"Each instance is kept, started, replaced, moved to another port or removed, with the reason. "
			"Values of environment variables are never shown." },
	{ .name = "schema",
		.arguments = "",
		.about = "print the JSON schema of the oxfile, for editors",
		.least = 0,
		.most = 0,
		.run = cmd_schema,
		.example = "oxctl schema > oxfile.schema.json" },
	{ .name = "completion",
		.arguments = "bash|zsh|fish",
		.about = "print completions for a shell",
		.least = 1,
		.most = 1,
		.run = cmd_completion,
		.example = "oxctl completion bash > /etc/bash_completion.d/oxctl" },
	{ .name = "version",
		.arguments = "",
		.about = "print the version",
		.least = 0,
		.most = 0,
		.options = version_options,
		.run = cmd_version,
		.example = "oxctl version --json" },
	{ .name = "help",
		.arguments = "[COMMAND]",
		.about = "show the commands, or one of them",
		.least = 0,
		.most = 1,
		.options = help_options,
		.run = cmd_help,
		.example = "oxctl help nginx" },
	{ .name = NULL },
};

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name) || (cmd->also && !strcmp(cmd->also, name)))
			return cmd;
	return NULL;
}

void cmd_print_help(const struct cmd *cmd, struct buf *out)
{
	buf_addf(out, "usage: oxctl %s%s%s%s\n", cmd->name, cmd->options ? " [OPTION...]" : "",
		*cmd->arguments ? " " : "", cmd->arguments);
	buf_addf(out, "\n  %s\n", cmd->about);
	if (cmd->details)
		buf_addf(out, "\n%s\n", cmd->details);
	if (cmd->also)
		buf_addf(out, "\nalso: oxctl %s\n", cmd->also);
	if (cmd->options) {
		buf_adds(out, "\noptions:\n");
		opt_help(out, cmd->options);
	}
	buf_addf(out, "\nexample:\n  %s\n", cmd->example);
}
