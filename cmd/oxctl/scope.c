#include "scope.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "daemon_call.h"
#include "model/selector.h"
#include "os/file.h"
#include "request.h"
#include "wire/rpc.h"

bool scope_names_all(const struct opt_rest *rest)
{
	for (int i = 0; i < rest->count; i++)
		if (selector_is_all(rest->items[i]))
			return true;
	return false;
}

int scope_check_all(const char *command, bool all, const struct opt_rest *rest)
{
	if (!all || !rest->count || scope_names_all(rest))
		return EXIT_DONE;
	return daemon_call_fail(EXIT_USAGE, "%s: --all is for every app, and '%s' is one; say either",
		command, rest->items[0]);
}

int scope_read(struct scope *s, const struct opt_rest *rest)
{
	if (scope_check_all(s->command, s->all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	s->all |= scope_names_all(rest);
	if (s->all && s->config)
		return daemon_call_fail(EXIT_USAGE,
			"%s: --all is for every app, and --config for those of one oxfile; say either",
			s->command);
	if (s->config)
		s->oxfile = mem_strdup(s->config);
	else if (!rest->count && !s->all && file_exists("oxfile.toml"))
		s->oxfile = mem_strdup("oxfile.toml");
	if (s->oxfile || rest->count || s->all)
		return EXIT_DONE;
	return daemon_call_fail(EXIT_USAGE,
		"%s: no oxfile.toml here, and no target named; name an app, use --config FILE, or --all for every app",
		s->command);
}

void scope_add(const struct scope *s, const struct opt_rest *rest, struct json *params)
{
	if (rest->count && !s->all)
		daemon_call_set_strings(params, "targets", rest->items, rest->count);
	if (s->oxfile)
		request_add_oxfiles(params, s->oxfile);
}

/* Version 0.1.0 says so in its message alone. */
static bool is_unknown_parameter(const struct daemon_call *t)
{
	if (!t->data)
		return t->code == RPC_PARAMS && strstr(t->e.text.ptr, "unknown parameter 'oxfiles'");
	return str_eq(json_string(json_get(t->data, "code"), NULL), "unknown_parameter") &&
		str_eq(json_string(json_get(t->data, "parameter"), NULL), "oxfiles");
}

void scope_explain(const struct scope *s, const struct daemon_call *t, int code)
{
	if (code == EXIT_USAGE && s->oxfile && is_unknown_parameter(t))
		daemon_call_fail(code,
			"the daemon is older than this oxctl and does not know which oxfile is meant; name apps, or use 'oxctl "
			"daemon upgrade' first");
}

void scope_release(struct scope *s)
{
	mem_free(s->oxfile);
	s->oxfile = NULL;
}
