#include "spawn/launch_env.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "os/limits.h"
#include "os/preload_call.h"

enum { DEFAULT_UMASK = 022 };

/* What concerns the daemon, or another supervisor above the caller, and would mislead a service. */
static bool is_inner(const char *name)
{
	static const char *const inner[] = {
		KEEPER_MARK,
		PRELOAD_VARIABLE,
		"OXHERD_HOME",
		"OXHERD_GROUP",
		"OXHERD_SYSTEM",
		"NOTIFY_SOCKET",
		"NOTIFY_FD",
		"NODE_CHANNEL_FD",
		"NODE_CHANNEL_SERIALIZATION_MODE",
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
	struct launch_env *caller = item;

	if (caller)
		env_release(&caller->env), mem_free(caller->profile);
	mem_free(caller);
}

void launch_envs_release(struct launch_envs *c)
{
	map_release_with(&c->known, caller_free);
}

static void set_env_limits(struct launch_env *caller, const struct env *limits)
{
	caller->limit_count = 0;
	for (size_t i = 0; i < limits->len; i++) {
		int resource = limit_find(limits->items[i].name);
		struct rlimit limit;

		if (resource < 0 || !limit_read(limits->items[i].value, &limit) ||
			caller->limit_count == KEEPER_RLIMITS_MAX)
			continue;
		caller->limits[caller->limit_count++] = (struct keeper_rlimit){
			.resource = resource,
			.soft = limit.rlim_cur,
			.hard = limit.rlim_max,
		};
	}
}

static struct json *limits_to_json(const struct launch_env *caller)
{
	struct json *object = json_new_object();
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < caller->limit_count; i++) {
		const struct keeper_rlimit *l = &caller->limits[i];
		const struct rlimit limit = { .rlim_cur = l->soft, .rlim_max = l->hard };

		for (size_t k = 0; k < limit_kind_count; k++) {
			if (limit_kinds[k].resource != (int)l->resource)
				continue;
			buf_clear(&text);
			limit_write(&text, &limit);
			json_set_string(object, limit_kinds[k].name, text.ptr);
		}
	}
	buf_release(&text);
	return object;
}

static struct launch_env *add_launch_env(
	struct launch_envs *c, const char *key, const struct env *env, int mask, const char *profile)
{
	struct launch_env *caller = mem_zalloc(1, sizeof(*caller));

	caller->profile = mem_strdup(profile);
	caller->mask = mask >= 0 ? mask & 0777 : DEFAULT_UMASK;
	for (size_t i = 0; i < env->len; i++) {
		const char *name = env->items[i].name;

		if (*name && !strchr(name, '=') && !is_inner(name) && caller->env.len < LIST_ITEMS_MAX)
			env_put(&caller->env, name, env->items[i].value);
	}
	caller_free(map_put(&c->known, key, caller));
	return caller;
}

static void key_of(int64_t number, char key[24])
{
	snprintf(key, 24, "#%lld", (long long)number);
}

int64_t launch_envs_add(struct launch_envs *c, const struct env *env, int mask, const char *profile)
{
	char key[24];

	key_of(++c->last, key);
	(void)add_launch_env(c, key, env, mask, profile);
	return c->last;
}

void launch_envs_limit(struct launch_envs *c, int64_t number, const struct env *limits)
{
	char key[24];
	struct launch_env *caller = NULL;

	key_of(number, key);
	caller = map_get(&c->known, key);
	if (caller)
		set_env_limits(caller, limits);
}

const struct launch_env *launch_envs_get(const struct launch_envs *c, int64_t number, const char *app)
{
	char key[24];

	key_of(number, key);
	return map_get(&c->known, number ? key : app);
}

static int64_t number_of_key(const char *key)
{
	int64_t number = 0;

	return *key == '#' && str_to_int(key + 1, &number) && number > 0 ? number : 0;
}

void launch_envs_sweep(
	struct launch_envs *c, bool (*is_used)(const void *context, int64_t number), const void *context)
{
	struct vec unused = VEC_INIT;
	const struct map_entry *entry = NULL;
	char *key = NULL;
	size_t i = 0;

	MAP_EACH (&c->known, entry) {
		int64_t number = number_of_key(entry->key);

		if (number && !is_used(context, number))
			vec_push(&unused, mem_strdup(entry->key));
	}
	VEC_EACH (&unused, i, key) {
		caller_free(map_remove(&c->known, key));
	}
	vec_release_with(&unused, mem_free);
}

struct json *launch_envs_to_json(const struct launch_envs *c)
{
	struct json *root = json_new_object();
	const struct map_entry *entry = NULL;

	MAP_EACH (&c->known, entry) {
		const struct launch_env *caller = entry->value;
		struct json *object = json_set(root, entry->key, json_new_object());

		json_set(object, "env", env_to_json(&caller->env));
		json_set_int(object, "umask", caller->mask);
		json_set(object, "rlimits", limits_to_json(caller));
		if (caller->profile)
			json_set_string(object, "profile", caller->profile);
	}
	return root;
}

/* Those of an object that are strings; a later one of the same name wins. */
static struct env read_values(const struct json *j)
{
	struct env env = { .items = mem_zalloc(json_count(j) + 1, sizeof(*env.items)) };
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		if (json_string(member, NULL))
			env.items[env.len++] = (struct env_var){
				.name = mem_strdup(json_key(member)),
				.value = mem_strdup(json_string(member, NULL)),
			};
	}
	return env;
}

void launch_envs_from_json(struct launch_envs *c, const struct json *j)
{
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		struct env env = read_values(json_get(member, "env"));
		struct env limits = read_values(json_get(member, "rlimits"));
		int64_t mask = -1;

		(void)json_int(json_get(member, "umask"), &mask);
		set_env_limits(add_launch_env(c, json_key(member), &env, (int)mask,
				       json_string(json_get(member, "profile"), NULL)),
			&limits);
		if (number_of_key(json_key(member)) > c->last)
			c->last = number_of_key(json_key(member));
		env_release(&env);
		env_release(&limits);
	}
}

char **environ_from_env(const struct env *env)
{
	char **list = mem_zalloc((env ? env->len : 0) + 1, sizeof(*list));

	for (size_t i = 0; env && i < env->len; i++) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "%s=%s", env->items[i].name, env->items[i].value);
		list[i] = buf_detach(&text);
	}
	return list;
}
