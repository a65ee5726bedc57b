#include "stale_oxfile_note.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "request.h"

static bool is_about(const struct json *note, const struct json *apps)
{
	const char *name = json_string(json_get(note, "app"), NULL);
	const struct json *app = NULL;

	JSON_EACH (apps, app)
		if (name && str_eq(json_string(json_get(app, "name"), NULL), name))
			return true;
	return false;
}

/* A daemon of an earlier version does not say whose its notes are: all of them are shown. */
static void tell_notes(const struct json *answer, const struct json *apps)
{
	const struct json *noted = json_get(answer, "noted");
	const struct json *note = NULL;

	JSON_EACH (noted, note)
		if (is_about(note, apps))
			daemon_call_fail(EXIT_DONE, "%s", json_string(json_get(note, "text"), ""));
	if (noted)
		return;
	JSON_EACH (json_get(answer, "notes"), note)
		daemon_call_fail(EXIT_DONE, "%s", json_string(note, ""));
}

/* What a start would note, were it asked now; nothing is said of what keeps it from being asked. */
static void ask_dry_run(struct daemon_call *t)
{
	struct client *client = NULL;

	json_set_bool(t->params, "dry_run", true);
	request_add_env(t->params);
	if (daemon_try_connect(&client, &t->e) == EXIT_DONE)
		(void)daemon_call_try_call(client, t);
	client_free(client);
}

void stale_oxfile_note(const struct json *apps)
{
	struct daemon_call t = { .method = "apply", .is_question = true, .e = ERR_INIT };
	char *path = load_find(NULL, &t.e);

	t.params = json_new_object();
	if (path && json_count(apps) && request_add_oxfile(t.params, path) == EXIT_DONE)
		ask_dry_run(&t);
	tell_notes(t.result, apps);
	mem_free(path);
	daemon_call_release(&t);
}
