#include "model/field_forms.h"

#include <string.h>

#include "base/dotenv.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/fields.h"

static char *read_signal(const char *text, struct err *e)
{
	char *name = signal_parse(text);

	if (!name)
		err_set(e, "there is no signal \"%s\"", text);
	return name;
}

static char *read_variable(const char *text, struct err *e)
{
	(void)e;
	return dotenv_is_name(text) ? mem_strdup(text) : NULL;
}

static char *read_umask(const char *text, struct err *e)
{
	size_t len = strlen(text);

	(void)e;
	if (len == 4 && *text == '0')
		text++;
	return strspn(text, "01234567") == 3 && !text[3] ? mem_strdup(text) : NULL;
}

const struct field_form form_signal = {
	.wants = "the name of a signal, such as \"SIGTERM\"",
	.read = read_signal,
};

const struct field_form form_variable = {
	.wants = "the name of an environment variable",
	.pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
	.read = read_variable,
};

const struct field_form form_umask = {
	.wants = "three octal digits, such as \"027\"",
	.pattern = "^0?[0-7]{3}$",
	.read = read_umask,
};
