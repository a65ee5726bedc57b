#include "engine/callers.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "wire/keep.h"

enum { DEFAULT_UMASK = 022 };

/* What concerns the daemon, or another supervisor above the caller, and would mislead a service. */
static bool is_inner(const char *name)
{
	static const char *const inner[] = {
		KEEP_MARK,
		"OXHERD_HOME",
		"NOTIFY_SOCKET",
		"NOTIFY_FD",
		"LISTEN_PID",
		"LISTEN_FDS",
		"LISTEN_FDNAMES",
		"WATCHDOG_PID",
		"WATCHDOG_USEC",
		"MAINPID",
		"INVOCATION_ID",
		"JOURNAL_STREAM",
		"OLDPWD",
		"_",
	};

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (!strcmp(inner[i], name))
			return true;
	return false;
}

static void caller_free(void *item)
{
	struct caller *caller = item;

	if (caller)
		env_release(&caller->env);
	mem_free(caller);
}

void callers_release(struct callers *c)
{
	map_release_with(&c->apps, caller_free);
}

void callers_set(struct callers *c, const char *app, const struct json *env, int mask)
{
	struct caller *caller = mem_zalloc(1, sizeof(*caller));
	const struct json *member = NULL;

	caller->mask = mask >= 0 ? mask & 0777 : DEFAULT_UMASK;
	JSON_EACH (env, member) {
		const char *value = json_string(member, NULL);

		if (value && *json_key(member) && !strchr(json_key(member), '=') &&
			!is_inner(json_key(member)) && caller->env.len < LIST_ITEMS_MAX)
			env_put(&caller->env, json_key(member), value);
	}
	caller_free(map_put(&c->apps, app, caller));
}

const struct caller *callers_get(const struct callers *c, const char *app)
{
	return map_get(&c->apps, app);
}

void callers_forget(struct callers *c, const char *app)
{
	caller_free(map_remove(&c->apps, app));
}

struct json *callers_to_json(const struct callers *c)
{
	struct json *root = json_new_object();
	const struct map_entry *entry = NULL;

	MAP_EACH (&c->apps, entry) {
		const struct caller *caller = entry->value;
		struct json *object = json_set(root, entry->key, json_new_object());
		struct json *env = json_set(object, "env", json_new_object());

		json_set_int(object, "umask", caller->mask);
		for (size_t i = 0; i < caller->env.len; i++)
			json_set_string(env, caller->env.items[i].name, caller->env.items[i].value);
	}
	return root;
}

void callers_from_json(struct callers *c, const struct json *j)
{
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		int64_t mask = -1;

		(void)json_int(json_get(member, "umask"), &mask);
		callers_set(c, json_key(member), json_get(member, "env"), (int)mask);
	}
}

char **environ_from_json(const struct json *env)
{
	char **list = mem_zalloc(json_count(env) + 1, sizeof(*list));
	const struct json *member = NULL;
	size_t len = 0;

	JSON_EACH (env, member) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "%s=%s", json_key(member), json_string(member, ""));
		list[len++] = buf_detach(&text);
	}
	return list;
}
