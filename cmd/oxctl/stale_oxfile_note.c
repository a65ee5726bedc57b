#include "stale_oxfile_note.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "request.h"

/* Notes begin with the name of their app. */
static bool is_note_about(const char *note, const struct json *apps)
{
	const struct json *app = NULL;

	JSON_EACH (apps, app) {
		const char *name = json_string(json_get(app, "name"), "");
		size_t len = strlen(name);

		if (len && !strncmp(note, name, len) && note[len] == ':')
			return true;
	}
	return false;
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
	const struct json *note = NULL;

	t.params = json_new_object();
	if (path && json_count(apps) && request_add_oxfile(t.params, path) == EXIT_DONE)
		ask_dry_run(&t);
	JSON_EACH (json_get(t.result, "notes"), note)
		if (is_note_about(json_string(note, ""), apps))
			daemon_call_fail(EXIT_DONE, "%s", json_string(note, ""));
	mem_free(path);
	daemon_call_release(&t);
}
