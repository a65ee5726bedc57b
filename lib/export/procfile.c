/*
 * A Procfile, as foreman, Heroku and others read it: a line an app, run by a shell in the folder of the file.  How many of each, its port and its
 * variables (.env) are what that program says itself.
 */
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "export/export.h"
#include "model/spec.h"

static const char NAME_LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/* In an array $PORT is replaced by the daemon; quoted for a shell it would stay as it is. */
static bool has_one_line(const struct command *c)
{
	if (c->text)
		return !strchr(c->text, '\n');
	for (char **word = c->argv; word && *word; word++)
		if (strchr(*word, '\n'))
			return false;
	return !command_wants_port(c);
}

static int check_app(const struct spec *s, struct err *e)
{
	if (s->name[strspn(s->name, NAME_LETTERS)])
		return err_set(
			e, "'%s' cannot stand in a Procfile: use letters, digits, '_' and '-'", s->name);
	if (!has_one_line(&s->command))
		return err_set(e,
			"the command of '%s' cannot stand in a Procfile: write it as a string of one line",
			s->name);
	if (s->working_dir && strchr(s->working_dir, '\n'))
		return err_set(e,
			"the working_dir of '%s' cannot stand in a Procfile: its name has a line break",
			s->name);
	return 0;
}

static void add_command_line(struct buf *out, const struct command *c)
{
	if (c->text)
		buf_adds(out, c->text);
	else if (c->argv)
		argv_quote(out, c->argv);
}

static void add_process(struct buf *out, const struct spec *s)
{
	char *folder[] = { s->working_dir, NULL };

	buf_addf(out, "%s: ", s->name);
	if (s->working_dir) {
		buf_adds(out, "cd ");
		argv_quote(out, folder);
		buf_adds(out, " && ");
	}
	add_command_line(out, &s->command);
	buf_addc(out, '\n');
}

int procfile_render(struct buf *out, const struct export_app *apps, size_t count,
	const struct export_options *options, struct err *e)
{
	(void)options;
	for (size_t i = 0; i < count; i++)
		if (check_app(apps[i].spec, e) < 0)
			return -1;
	for (size_t i = 0; i < count; i++)
		add_process(out, apps[i].spec);
	return 0;
}
