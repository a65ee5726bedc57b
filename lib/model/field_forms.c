#include "model/field_forms.h"

#include <stddef.h>

#include "base/dotenv.h"
#include "base/mem.h"
#include "model/fields.h"

static char *read_variable(const char *text)
{
	return dotenv_is_name(text) ? mem_strdup(text) : NULL;
}

const struct field_form form_signal = {
	.wants = "the name of a signal, such as \"SIGTERM\"",
	.refusal = "there is no signal",
	.read = signal_parse,
};

const struct field_form form_variable = {
	.wants = "the name of an environment variable",
	.pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
	.read = read_variable,
};
