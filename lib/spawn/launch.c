#include "spawn/launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/build.h"
#include "os/affinity.h"
#include "os/limits.h"
#include "os/user.h"
#include "spawn/launch_gate.h"

static void put_all(struct env *to, const struct env *from)
{
	for (size_t i = 0; i < from->len; i++)
		env_put(to, from->items[i].name, from->items[i].value);
}

static void put_env_number(struct env *env, const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	env_put(env, name, text);
}

/*
 * What the caller has; for an app of another user only what its programs are found by, its language and its time zone: the rest is
 * somebody else's, secrets among it.
 */
static void put_callers(struct env *env, const struct spec *s, const struct launch_env *caller)
{
	static const char *const kept[] = { "PATH", "LANG", "TZ" };

	if (!s->user || s->inherit_env) {
		if (caller)
			put_all(env, &caller->env);
		return;
	}
	env_put(env, "PATH", KEEPER_PATH_DEFAULT);
	for (size_t i = 0; caller && i < sizeof(kept) / sizeof(kept[0]); i++)
		if (env_get(&caller->env, kept[i]))
			env_put(env, kept[i], env_get(&caller->env, kept[i]));
}

/* What we add stands below what the app says itself; the port is the one thing that is ours to say. */
void launch_hook_env(const struct spec *s, int revision, const struct launch_env *caller, struct env *env)
{
	put_callers(env, s, caller);
	env_put(env, "OXHERD_APP", s->name);
	put_env_number(env, "OXHERD_REVISION", revision);
	put_all(env, &s->file_env);
	put_all(env, &s->env);
}

void launch_env(const struct spawn_effect *effect, const struct launch_env *caller, struct env *env)
{
	const struct spec *s = effect->spec;

	put_callers(env, s, caller);
	/* So that oxctl reaches this daemon from within. */
	if (getenv("OXHERD_HOME"))
		env_put(env, "OXHERD_HOME", getenv("OXHERD_HOME"));
	env_put(env, "OXHERD_APP", s->name);
	put_env_number(env, "OXHERD_INSTANCE", effect->instance);
	put_env_number(env, "NODE_APP_INSTANCE", effect->instance);
	put_env_number(env, "OXHERD_REVISION", effect->revision);
	if (s->instance_var)
		put_env_number(env, s->instance_var, effect->instance);
	put_all(env, &s->file_env);
	put_all(env, &s->env);
	if (effect->port)
		put_env_number(env, "PORT", effect->port);
}

static void fill_launch_env(struct launch *l, const struct env *env)
{
	struct buf pair = BUF_INIT;

	for (size_t i = 0; i < env->len; i++) {
		buf_clear(&pair);
		buf_addf(&pair, "%s=%s", env->items[i].name, env->items[i].value);
		keeper_list_add(&l->env, pair.ptr);
	}
	buf_release(&pair);
	l->message.spawn.env = keeper_list_of(&l->env);
}

void launch_words(struct launch *l, const struct command *command, const struct env *env, const char *folder)
{
	for (char **word = command->argv; *word; word++)
		keeper_list_add(&l->argv, *word);
	l->message.spawn.argv = keeper_list_of(&l->argv);
	keeper_programs(&l->programs, command->argv[0], env_get(env, "PATH"));
	l->message.spawn.programs = keeper_list_of(&l->programs);
	l->folder = mem_strdup(folder);
	l->message.spawn.folder = l->folder;
	fill_launch_env(l, env);
}

void launch_said(const struct spec *s, struct env *said)
{
	put_all(said, &s->file_env);
	put_all(said, &s->env);
}

static void put_unless_said(struct env *env, const struct env *said, const char *name, const char *value)
{
	if (value && !(said && env_get(said, name)))
		env_put(env, name, value);
}

int launch_user(struct launch *l, const char *name, const char *group, const struct env *said,
	struct env *env, struct err *e)
{
	struct keeper_spawn *spawn = &l->message.spawn;
	struct user *user = NULL;
	int rc = 0;

	if (!name && !group)
		return 0;
	user = mem_zalloc(1, sizeof(*user));
	rc = user_find(user, name, group, e);
	if (rc == 0 && user->group_count > KEEPER_GROUPS_MAX)
		rc = err_set(e, "user '%s' has too many groups", name);
	if (rc == 0) {
		spawn->flags |= KEEPER_SPAWN_USER;
		spawn->uid = user->uid;
		spawn->gid = user->gid;
		for (size_t i = 0; i < user->group_count; i++)
			spawn->groups[spawn->group_count++] = user->groups[i];
		put_unless_said(env, said, "HOME", user->home);
		put_unless_said(env, said, "USER", user->name);
		put_unless_said(env, said, "LOGNAME", user->name);
		put_unless_said(env, said, "SHELL", user->shell);
	}
	user_release(user);
	mem_free(user);
	return rc;
}

/* Those of the caller, as far as the daemon itself may go. */
static void add_callers_limits(struct keeper_spawn *spawn, const struct launch_env *caller)
{
	for (size_t i = 0; i < caller->limit_count; i++) {
		const struct keeper_rlimit *l = &caller->limits[i];
		struct rlimit limit = { .rlim_cur = l->soft, .rlim_max = l->hard };

		limit_clamp((int)l->resource, &limit);
		spawn->rlimits[spawn->rlimit_count++] = (struct keeper_rlimit){
			.resource = l->resource,
			.soft = limit.rlim_cur,
			.hard = limit.rlim_max,
		};
	}
}

/* What the app says itself stands above what its caller has. */
static void add_limit(struct keeper_spawn *spawn, int resource, int64_t value)
{
	size_t at = 0;

	if (value <= 0)
		return;
	while (at < spawn->rlimit_count && spawn->rlimits[at].resource != resource)
		at++;
	if (at == KEEPER_RLIMITS_MAX)
		return;
	spawn->rlimits[at] = (struct keeper_rlimit){
		.resource = resource,
		.soft = (uint64_t)value,
		.hard = (uint64_t)value,
	};
	if (at == spawn->rlimit_count)
		spawn->rlimit_count++;
}

static void add_priority(struct keeper_spawn *spawn, const struct spec *s)
{
	if (s->nice) {
		spawn->flags |= KEEPER_SPAWN_NICE;
		spawn->nice = s->nice;
	}
	if (s->oom_score_adj) {
		spawn->flags |= KEEPER_SPAWN_OOM;
		spawn->oom_score_adj = s->oom_score_adj;
	}
}

/* What a list names and is not there the kernel leaves out. */
static void add_cpus(struct keeper_spawn *spawn, const struct spec *s, int instance)
{
	struct cpu_list own;

	if (!s->cpus)
		return;
	if (strcmp(s->cpus, CPUS_ONE_EACH) != 0) {
		if (cpu_list_parse(s->cpus, &spawn->cpus, NULL) < 0)
			return;
	} else if (affinity_get(&own) == 0) {
		cpu_list_add(&spawn->cpus, cpu_list_nth(&own, instance));
	} else {
		return;
	}
	spawn->flags |= KEEPER_SPAWN_CPUS;
}

static int preload_library(struct env *env, struct err *e)
{
	char *library = launch_gate_library();

	if (!library) {
		err_set(e, "gate = \"preload\": liboxgate.so is not installed beside oxherd-brain");
		if (e)
			e->number = ENOENT;
		return -1;
	}
	launch_gate_preload(env, library);
	mem_free(library);
	return 0;
}

static int add_gate(struct keeper_msg *m, const struct spawn_effect *effect, enum gate_hook hook,
	struct env *env, struct err *e)
{
	if (hook == GATE_OFF)
		return 0;
	m->spawn.flags |= KEEPER_SPAWN_GATE;
	m->spawn.hook = launch_gate_keeper_hook(hook);
	m->spawn.ports[m->spawn.port_count++] = effect->port;
	m->gate = effect->gate;
	m->place = effect->place;
	return hook == GATE_PRELOAD ? preload_library(env, e) : 0;
}

static void add_descriptor(struct keeper_spawn *spawn, int target, enum keeper_fd_from from, const char *name)
{
	spawn->descriptors[spawn->descriptor_count++] = (struct keeper_descriptor){
		.target = target,
		.from = from,
		.name = name,
	};
}

/* The lowest number that nothing else has, for shells know no descriptor above 9; the first ones are those of the sockets that it is given. */
static int next_target(const struct keeper_spawn *spawn)
{
	int target = STDERR_FILENO + 1;

	if ((spawn->flags & KEEPER_SPAWN_GATE) && spawn->hook == KEEPER_HOOK_FDS)
		target += (int)spawn->port_count;

	for (size_t i = 0; i < spawn->descriptor_count; i++)
		if (spawn->descriptors[i].target >= target)
			target = (int)spawn->descriptors[i].target + 1;
	return target;
}

/* How it may speak to us.  Whatever the app says of these names itself would lead nowhere. */
static void add_ways(
	struct keeper_spawn *spawn, const struct spec *s, const struct launch_ends *ends, struct env *env)
{
	char usec[32];

	if (ends->notify_socket)
		env_put(env, "NOTIFY_SOCKET", ends->notify_socket);
	if (ends->notify_socket && s->watchdog_ms) {
		snprintf(usec, sizeof(usec), "%lld", (long long)s->watchdog_ms * 1000);
		env_put(env, "WATCHDOG_USEC", usec);
	}
	if (ends->notify_pipe) {
		put_env_number(env, "NOTIFY_FD", next_target(spawn));
		add_descriptor(spawn, next_target(spawn), KEEPER_FROM_HELD, ends->notify_pipe);
	}
	if (ends->channel) {
		put_env_number(env, "NODE_CHANNEL_FD", next_target(spawn));
		env_put(env, "NODE_CHANNEL_SERIALIZATION_MODE", "json");
		add_descriptor(spawn, next_target(spawn), KEEPER_FROM_HELD, ends->channel);
	}
}

char *launch_folder(const struct spec *s)
{
	return s->working_dir ? path_join(s->folder, s->working_dir) : mem_strdup(s->folder);
}

bool launch_has_folder(const struct build *own)
{
	struct stat st;

	return stat(own->folder, &st) == 0 && S_ISDIR(st.st_mode);
}

char *launch_folder_of(const struct spec *s, const struct build *own)
{
	return own && launch_has_folder(own) ? mem_strdup(own->folder) : launch_folder(s);
}

/* A word that leads through a link leads to where that link led, while that is there. */
static void follow_command_links(char **argv, const struct build *own)
{
	for (size_t i = 0; own && argv && argv[i]; i++) {
		const char *place = build_place(own, argv[i]);

		if (!place || access(place, F_OK) < 0)
			continue;
		mem_free(argv[i]);
		argv[i] = mem_strdup(place);
	}
}

void launch_init(struct launch *l)
{
	memset(l, 0, sizeof(*l));
	keeper_msg_init(&l->message, KEEPER_SPAWN);
	buf_init(&l->programs);
	buf_init(&l->argv);
	buf_init(&l->env);
}

int launch_fill(struct launch *l, const struct spawn_effect *effect, const struct launch_env *caller,
	const struct launch_ends *ends, struct err *e)
{
	const struct spec *s = effect->spec;
	struct env env = { .items = NULL };
	struct env said = { .items = NULL };
	struct command filled = { .argv = NULL };
	char *folder = launch_folder_of(s, effect->own);
	int rc = 0;

	launch_init(l);
	l->message.serial = effect->ticket.generation;
	l->message.ticket = (struct keeper_ticket){ .slot = effect->ticket.slot,
		.generation = effect->ticket.generation };
	l->message.name = effect->name;
	l->message.spawn.umask = s->umask ? strtol(s->umask, NULL, 8) : caller ? caller->mask : 022;
	launch_env(effect, caller, &env);
	launch_said(s, &said);
	rc = launch_user(l, s->user, s->group, &said, &env, e);
	env_release(&said);
	if (rc == 0) {
		add_descriptor(&l->message.spawn, STDOUT_FILENO, KEEPER_FROM_FIFO, ends->out);
		add_descriptor(&l->message.spawn, STDERR_FILENO, KEEPER_FROM_FIFO, ends->err);
		filled.argv = command_words(&s->command, env_get(&env, "PORT"));
		follow_command_links(filled.argv, effect->own);
		if (effect->gate && effect->port)
			rc = add_gate(&l->message, effect,
				launch_gate_hook(effect, filled.argv[0], &env, folder), &env, e);
	}
	if (rc == 0) {
		add_ways(&l->message.spawn, s, ends, &env);
		launch_words(l, &filled, &env, folder);
		if (caller)
			add_callers_limits(&l->message.spawn, caller);
		add_priority(&l->message.spawn, s);
		add_cpus(&l->message.spawn, s, effect->instance);
		add_limit(&l->message.spawn, RLIMIT_NOFILE, s->limits.nofile);
		add_limit(&l->message.spawn, RLIMIT_NPROC, s->limits.nproc);
		rc = launch_check_size(l, e);
	}
	env_release(&env);
	command_release(&filled);
	mem_free(folder);
	return rc;
}

void launch_release(struct launch *l)
{
	buf_release(&l->programs);
	buf_release(&l->argv);
	buf_release(&l->env);
	mem_free(l->folder);
}

void launch_own_environment(struct env *env)
{
	struct buf path = BUF_INIT;

	for (char **pair = environ; *pair; pair++) {
		const char *equals = strchr(*pair, '=');
		char *name = equals ? mem_strndup(*pair, (size_t)(equals - *pair)) : NULL;

		if (name)
			env_put(env, name, equals + 1);
		mem_free(name);
	}
	buf_addf(&path, "%s:/usr/local/sbin:/usr/sbin:/sbin",
		env_get(env, "PATH") ? env_get(env, "PATH") : KEEPER_PATH_DEFAULT);
	env_put(env, "PATH", path.ptr);
	buf_release(&path);
}

/* --- its size: the kernel says only "argument list too long", and the message should name which --- */

/* As in the kernel's fs/exec.c. */
enum {
	STRING_MAX = 32 * 4096, /* one string, its end counted */
	TOTAL_LEAST = 128 * 1024,
	TOTAL_MOST = 6 << 20,
	STACK_PART = 4,
};

static double kilobytes(size_t bytes)
{
	return (double)bytes / 1024;
}

static int too_long(struct err *e, const char *what, size_t len)
{
	err_set(e, "%s is %.0f KB long, and the kernel takes %d KB", what, kilobytes(len), STRING_MAX / 1024);
	e->number = E2BIG;
	return -1;
}

static int check_words(const struct keeper_list *argv, struct err *e)
{
	const char *word = NULL;
	char what[64];
	int at = 0;

	while ((word = keeper_list_next(argv, word))) {
		at++;
		snprintf(what, sizeof(what), "word %d of the command", at);
		if (strlen(word) >= STRING_MAX)
			return too_long(e, what, strlen(word));
	}
	return 0;
}

static int check_variables(const struct keeper_list *env, struct err *e)
{
	const char *entry = NULL;
	char what[96];

	while ((entry = keeper_list_next(env, entry))) {
		snprintf(what, sizeof(what), "the variable '%.*s'", (int)strcspn(entry, "="), entry);
		if (strlen(entry) >= STRING_MAX)
			return too_long(e, what, strlen(entry));
	}
	return 0;
}

static size_t total_max(const struct keeper_spawn *spawn)
{
	struct rlimit stack = { .rlim_cur = RLIM_INFINITY };
	size_t most = 0;

	(void)getrlimit(RLIMIT_STACK, &stack);
	for (size_t i = 0; i < spawn->rlimit_count; i++)
		if (spawn->rlimits[i].resource == RLIMIT_STACK)
			stack.rlim_cur = spawn->rlimits[i].soft;
	most = stack.rlim_cur / STACK_PART < TOTAL_MOST ? stack.rlim_cur / STACK_PART : TOTAL_MOST;
	return most > TOTAL_LEAST ? most : TOTAL_LEAST;
}

int launch_check_size(const struct launch *l, struct err *e)
{
	const struct keeper_spawn *spawn = &l->message.spawn;
	size_t total =
		spawn->argv.len + spawn->env.len + (spawn->argv.count + spawn->env.count) * sizeof(char *);

	if (check_words(&spawn->argv, e) < 0 || check_variables(&spawn->env, e) < 0)
		return -1;
	if (spawn->argv.count > KEEPER_LIST_MAX || spawn->env.count > KEEPER_LIST_MAX)
		return err_set(e, "%zu words and %zu variables are more than %d each", spawn->argv.count,
			spawn->env.count, KEEPER_LIST_MAX);
	if (total <= total_max(spawn))
		return 0;
	err_set(e,
		"its command and environment take %.0f KB, and the kernel takes %.0f KB (a quarter of the stack limit)",
		kilobytes(total), kilobytes(total_max(spawn)));
	e->number = E2BIG;
	return -1;
}
