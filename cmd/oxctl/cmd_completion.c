/*
 * oxctl completion: a shell's completions, from the table of commands.
 */
#include <string.h>

#include "cmd.h"

static void each_option(struct buf *out, const struct cmd *cmd, const char *before)
{
	for (const struct opt *opt = cmd->options; opt && opt->name; opt++)
		buf_addf(out, "%s--%s", before, opt->name);
	buf_addf(out, "%s--help", before);
}

static void command_names(struct buf *out)
{
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "%s%s", cmd == commands ? "" : " ", cmd->name);
		if (cmd->also)
			buf_addf(out, " %s", cmd->also);
	}
}

static void print_bash(struct buf *out)
{
	buf_adds(out,
		"# bash completion for oxctl; made by 'oxctl completion bash'\n"
		"_oxctl()\n"
		"{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		"\t\twords=\"");
	command_names(out);
	buf_adds(out, "\"\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "\t\t%s%s%s) words=\"", cmd->name, cmd->also ? "|" : "",
			cmd->also ? cmd->also : "");
		if (!strcmp(cmd->name, "help"))
			command_names(out);
		if (!strcmp(cmd->name, "completion"))
			buf_adds(out, "bash zsh fish");
		each_option(out, cmd, " ");
		buf_adds(out, "\" ;;\n");
	}
	buf_adds(out,
		"\t\tesac\n"
		"\tfi\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
		"}\n"
		"complete -o default -F _oxctl oxctl\n");
}

static void print_zsh(struct buf *out)
{
	buf_adds(out,
		"#compdef oxctl\n"
		"# zsh completion for oxctl; made by 'oxctl completion zsh'\n"
		"local -a commands\n"
		"commands=(\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		buf_addf(out, "\t'%s:%s'\n", cmd->name, cmd->about);
	buf_adds(out,
		")\n"
		"if (( CURRENT == 2 )); then\n"
		"\t_describe 'command' commands\n"
		"\treturn\n"
		"fi\n"
		"case $words[2] in\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "%s%s%s)\n\t_arguments", cmd->name, cmd->also ? "|" : "",
			cmd->also ? cmd->also : "");
		for (const struct opt *opt = cmd->options; opt && opt->name; opt++)
			buf_addf(out, " '--%s[%s]%s'", opt->name, opt->help,
				opt->value ? ":value:_files" : "");
		buf_adds(out, " '*:file:_files'\n\t;;\n");
	}
	buf_adds(out, "esac\n");
}

static void print_fish(struct buf *out)
{
	buf_adds(out, "# fish completion for oxctl; made by 'oxctl completion fish'\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		buf_addf(out, "complete -c oxctl -n __fish_use_subcommand -a %s -d '%s'\n", cmd->name,
			cmd->about);
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		for (const struct opt *opt = cmd->options; opt && opt->name; opt++)
			buf_addf(out,
				"complete -c oxctl -n '__fish_seen_subcommand_from %s' -l %s%s -d '%s'\n",
				cmd->name, opt->name, opt->value ? " -r" : "", opt->help);
}

static const struct {
	const char *shell;
	void (*print)(struct buf *out);
} shells[] = {
	{ "bash", print_bash },
	{ "zsh", print_zsh },
	{ "fish", print_fish },
};

int cmd_completion(const struct opt_rest *rest)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].shell, rest->items[0]) != 0)
			continue;
		shells[i].print(&out);
		out_write(&out);
		buf_release(&out);
		return out_finish(EXIT_DONE);
	}
	return talk_fail(
		EXIT_USAGE, "there are completions for bash, zsh and fish, not for '%s'", rest->items[0]);
}
