/*
 * oxctl completion: a shell's completions, from the table of commands.
 */
#include <string.h>

#include "cmd.h"
#include "view/topics.h"

static void each_option(struct buf *out, const struct cmd *cmd, const char *before)
{
	for (const struct opt *opt = cmd->options; opt && opt->name; opt++)
		buf_addf(out, "%s--%s", before, opt->name);
	buf_addf(out, "%s--help", before);
}

/* Without the blanks that a table may leave at the end. */
static void first_words(struct buf *out, const char *words)
{
	size_t len = strlen(words);

	while (len && words[len - 1] == ' ')
		len--;
	buf_add(out, words, len);
}

static void command_names(struct buf *out)
{
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_adds(out, cmd == commands ? "" : " ");
		cmd_names(cmd, " ", out);
	}
}

/* What `oxctl help` explains. */
static void help_words(struct buf *out)
{
	command_names(out);
	buf_adds(out, " topics oxfile");
	topics_names(out, " ");
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
		buf_adds(out, "\t\t");
		cmd_names(cmd, "|", out);
		buf_adds(out, ") words=\"");
		if (!strcmp(cmd->name, "help"))
			help_words(out);
		if (cmd->words)
			first_words(out, cmd->words);
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

/* Text within single quotes, for a shell. */
static void add_quoted(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	}
}

static void print_zsh(struct buf *out)
{
	buf_adds(out,
		"#compdef oxctl\n"
		"# zsh completion for oxctl; made by 'oxctl completion zsh'\n"
		"local -a commands\n"
		"commands=(\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "\t'%s:", cmd->name);
		add_quoted(out, cmd->about);
		buf_adds(out, "'\n");
	}
	buf_adds(out,
		")\n"
		"if (( CURRENT == 2 )); then\n"
		"\t_describe 'command' commands\n"
		"\treturn\n"
		"fi\n"
		"case $words[2] in\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		cmd_names(cmd, "|", out);
		buf_adds(out, ")\n\t_arguments");
		for (const struct opt *opt = cmd->options; opt && opt->name; opt++) {
			buf_addf(out, " '--%s[", opt->name);
			add_quoted(out, opt->help);
			buf_addf(out, "]%s'", opt->value ? ":value:_files" : "");
		}
		if (!strcmp(cmd->name, "help")) {
			buf_adds(out, " '*:topic:(");
			help_words(out);
			buf_adds(out, ")'\n\t;;\n");
		} else {
			buf_adds(out, " '*:file:_files'\n\t;;\n");
		}
	}
	buf_adds(out, "esac\n");
}

static void print_fish(struct buf *out)
{
	buf_adds(out, "# fish completion for oxctl; made by 'oxctl completion fish'\n");
	for (const struct cmd *cmd = commands; cmd->name; cmd++) {
		buf_addf(out, "complete -c oxctl -n __fish_use_subcommand -a %s -d '", cmd->name);
		add_quoted(out, cmd->about);
		buf_adds(out, "'\n");
	}
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		for (const struct opt *opt = cmd->options; opt && opt->name; opt++) {
			buf_adds(out, "complete -c oxctl -n '__fish_seen_subcommand_from ");
			cmd_names(cmd, " ", out);
			buf_addf(out, "' -l %s%s -d '", opt->name, opt->value ? " -r" : "");
			add_quoted(out, opt->help);
			buf_adds(out, "'\n");
		}
	buf_adds(out, "complete -c oxctl -f -n '__fish_seen_subcommand_from help' -a '");
	help_words(out);
	buf_adds(out, "'\n");
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
	return daemon_call_fail(
		EXIT_USAGE, "there are completions for bash, zsh and fish, not for '%s'", rest->items[0]);
}
