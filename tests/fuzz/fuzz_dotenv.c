/*
 * Any bytes as a .env file: every name that is found is a name, every place is in the text, and a failure has a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct bounds {
	int lines;
	int last_line;
};

static void found(void *context, const char *name, const char *value, struct place at)
{
	struct bounds *b = context;

	if (!*name || strchr(name, '=') || !value || at.line <= b->last_line || at.line > b->lines ||
		at.column < 1)
		abort();
	b->last_line = at.line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct diags d = DIAGS_INIT;
	struct bounds b = { .lines = 1 };
	const struct diag *complaint = NULL;
	size_t i = 0;
	int rc = 0;

	for (size_t k = 0; k < len; k++)
		b.lines += bytes[k] == '\n';
	diags_about(&d, ".env", (const char *)bytes, len);
	rc = dotenv_parse((const char *)bytes, len, &d, found, &b);
	if ((rc == 0) != (d.errors == 0))
		abort();
	VEC_EACH (&d.list, i, complaint)
		if (complaint->at.line > b.lines || !*complaint->text)
			abort();
	diags_release(&d);
	return 0;
}
