#include "wire/methods.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/mdoc.h"
#include "wire/params.h"

static const struct {
	const char *name;
	enum method_rights rights;
	const char *doc;
} methods[] = {
#define METHOD(id, tag, name, rights, doc) [METHOD_##id] = { name, METHOD_##rights, doc },
#include "wire/methods.def"
};

enum method method_find(const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };

	for (enum method m = 0; m < METHOD_COUNT; m++) {
		if (str_eq(methods[m].name, name))
			return m;
		str_guess_offer(&guess, methods[m].name);
	}
	if (guess.best)
		err_set(e, "unknown method '%.80s' (did you mean '%s'?)", name, guess.best);
	else
		err_set(e, "unknown method '%.80s'; oxherd-protocol(7) lists them", name);
	return METHOD_COUNT;
}

const char *method_name(enum method method)
{
	return methods[method].name;
}

const char *method_command(enum method method)
{
	static const char *const others[METHOD_COUNT] = {
		[METHOD_APPLY] = "start",
		[METHOD_DAEMON_SHUTDOWN] = "daemon stop",
		[METHOD_DAEMON_UPGRADE] = "daemon upgrade",
	};

	return others[method] ? others[method] : methods[method].name;
}

const char *method_doc(enum method method)
{
	return methods[method].doc;
}

enum method_rights method_rights(enum method method)
{
	return methods[method].rights;
}

bool method_changes(enum method method)
{
	return methods[method].rights == METHOD_CONTROL || methods[method].rights == METHOD_OWNER;
}

bool method_is_owners(enum method method)
{
	return methods[method].rights == METHOD_OWNER || methods[method].rights == METHOD_SECRET;
}

static int allow(const char *name, bool *may, struct err *e)
{
	enum method method = METHOD_COUNT;
	bool is_control = str_eq(name, "control");
	bool is_read = is_control || str_eq(name, "read");

	if (!is_read)
		method = method_find(name, e);
	if (!is_read && method == METHOD_COUNT)
		return -1;
	if (!is_read && method_is_owners(method))
		return err_set(e, "'%s' is for the owner of the daemon alone; leave it out", name);
	for (enum method m = 0; m < METHOD_COUNT; m++)
		may[m] = may[m] || m == method || (is_read && methods[m].rights == METHOD_READ) ||
			(is_control && methods[m].rights == METHOD_CONTROL);
	return 0;
}

int method_list(const char *text, bool *may, struct err *e)
{
	int rc = 0;

	while (*text && rc == 0) {
		size_t len = strcspn(text, ",");
		char *name = mem_strndup(text, len);

		rc = allow(name, may, e);
		mem_free(name);
		text += len + (text[len] == ',');
	}
	return rc;
}

void methods_print_mdoc(struct buf *out)
{
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (enum method m = 0; m < METHOD_COUNT; m++) {
		buf_addf(out, ".It Ic %s Pq %s\n", methods[m].name,
			method_is_owners(m)                           ? "owner"
				: methods[m].rights == METHOD_CONTROL ? "control"
								      : "read");
		mdoc_text(out, methods[m].doc);
		params_print_mdoc(out, m);
	}
	buf_adds(out, ".El\n");
}
