#include "model/field_forms.h"

#include <string.h>

#include "base/cpu_list.h"
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

static char *read_cpus(const char *text, struct err *e)
{
	struct buf kept = BUF_INIT;
	struct cpu_list list;
	bool is_word = *text && (*text < '0' || *text > '9');

	if (!strcmp(text, CPUS_ONE_EACH))
		return mem_strdup(text);
	if (is_word || cpu_list_parse(text, &list, e) < 0)
		return NULL;
	cpu_list_print(&list, &kept);
	return buf_detach(&kept);
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

const struct field_form form_cpus = {
	.wants = "a list of processors such as \"0-3,5\" or [0, 1], a number, or \"" CPUS_ONE_EACH "\"",
	.pattern = "^([0-9]+( *[-,] *[0-9]+)*|" CPUS_ONE_EACH ")$",
	.takes_lists = true,
	.read = read_cpus,
};
