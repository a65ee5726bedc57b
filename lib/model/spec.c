#include "model/spec.h"

#include <string.h>

#include "base/argv.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/fields.h"

struct spec *spec_new(const char *name)
{
	struct spec *s = spec_clone(fields_defaults());

	s->name = mem_strdup(name);
	return s;
}

void spec_free(struct spec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < fields_count; i++)
		field_release(&fields[i], s);
	env_release(&s->file_env);
	mem_free(s->name);
	mem_free(s->oxfile);
	mem_free(s->folder);
	mem_free(s->places);
	mem_free(s);
}

struct spec *spec_clone(const struct spec *s)
{
	struct spec *copy = mem_dup(s, sizeof(*s));

	copy->name = mem_strdup(s->name);
	copy->oxfile = mem_strdup(s->oxfile);
	copy->folder = mem_strdup(s->folder);
	copy->places = NULL;
	copy->places_len = 0;
	for (size_t i = 0; i < fields_count; i++)
		field_own(&fields[i], copy);
	copy->file_env = (struct env){ .items = NULL };
	env_copy(&copy->file_env, &s->file_env);
	return copy;
}

void command_copy(struct command *to, const struct command *from)
{
	*to = (struct command){
		.text = mem_strdup(from->text),
		.argv = from->argv ? argv_dup(from->argv) : NULL,
	};
}

void env_copy(struct env *to, const struct env *from)
{
	struct env copy = { .items = NULL };

	for (size_t i = 0; i < from->len; i++)
		env_put(&copy, from->items[i].name, from->items[i].value);
	*to = copy;
}

bool env_equal(const struct env *a, const struct env *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (!str_eq(env_get(b, a->items[i].name), a->items[i].value))
			return false;
	return true;
}

bool spec_equal(const struct spec *a, const struct spec *b)
{
	return str_eq(a->folder, b->folder) && spec_equal_elsewhere(a, b);
}

bool spec_equal_elsewhere(const struct spec *a, const struct spec *b)
{
	if (!str_eq(a->name, b->name) || a->is_delay_written != b->is_delay_written ||
		!env_equal(&a->file_env, &b->file_env))
		return false;
	for (size_t i = 0; i < fields_count; i++)
		if (!field_equal(&fields[i], a, b))
			return false;
	return true;
}

bool spec_has_limits(const struct spec *s)
{
	return s->limits.memory_bytes > 0 || s->limits.cpu_percent > 0;
}

bool spec_has_health(const struct spec *s)
{
	return s->health.endpoint || s->health.tcp || s->health.command.argv;
}

bool spec_has_gate(const struct spec *s)
{
	return s->port_mode == PORT_SHARED && s->gate != GATE_OFF;
}

enum ready_kind spec_ready(const struct spec *s)
{
	if (s->ready != READY_AUTO)
		return (enum ready_kind)s->ready;
	if (spec_has_health(s))
		return READY_HEALTH;
	return s->port || s->port_mode == PORT_SHARED ? READY_LISTEN : READY_ALIVE;
}

int spec_env_port(const struct spec *s)
{
	const char *text = spec_env(s, "PORT");
	int64_t port = 0;

	return text && str_to_int(text, &port) && port > 0 && port <= APP_PORT_MAX ? (int)port : 0;
}

const char *spec_env(const struct spec *s, const char *name)
{
	const char *value = env_get(&s->env, name);

	return value ? value : env_get(&s->file_env, name);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		c == '_' || c == '.';
}

int spec_check_name(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (!len)
		return err_set(e, "an app needs a name");
	if (len > APP_NAME_MAX)
		return err_set(e, "the name '%.20s…' is longer than %d characters", name, APP_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return err_set(
				e, "the name '%s' may hold letters, digits, '-', '_' and '.' only", name);
	if (name[0] == '-' || name[0] == '.' || name[0] == '_')
		return err_set(e, "the name '%s' must start with a letter or a digit", name);
	return 0;
}

static struct env_var *env_find(const struct env *env, const char *name)
{
	for (size_t i = 0; i < env->len; i++)
		if (!strcmp(env->items[i].name, name))
			return &env->items[i];
	return NULL;
}

void env_put(struct env *env, const char *name, const char *value)
{
	struct env_var *var = env_find(env, name);

	if (var) {
		char *old = var->value;

		var->value = mem_strdup(value);
		mem_free(old);
		return;
	}
	env->items = mem_resize(env->items, env->len + 1, sizeof(*env->items));
	env->items[env->len++] = (struct env_var){
		.name = mem_strdup(name),
		.value = mem_strdup(value),
	};
}

const char *env_get(const struct env *env, const char *name)
{
	const struct env_var *var = env_find(env, name);

	return var ? var->value : NULL;
}

void env_release(struct env *env)
{
	for (size_t i = 0; i < env->len; i++) {
		mem_free(env->items[i].name);
		mem_free(env->items[i].value);
	}
	mem_free(env->items);
	*env = (struct env){ .items = NULL };
}

void command_release(struct command *c)
{
	mem_free(c->text);
	argv_free(c->argv);
	*c = (struct command){ .text = NULL };
}

static char **shell_command(const char *line)
{
	char **argv = mem_zalloc(4, sizeof(*argv));

	argv[0] = mem_strdup("/bin/sh");
	argv[1] = mem_strdup("-c");
	argv[2] = mem_strdup(line);
	return argv;
}

static bool is_for_shell(const struct command *c)
{
	return c->text && argv_needs_shell(c->text);
}

char **command_words(const struct command *c, const char *port)
{
	char **words = NULL;

	if (port && is_for_shell(c))
		words = argv_fill(c->text, "PORT", port);
	if (words || !c->argv)
		return words;
	words = argv_dup(c->argv);
	for (size_t i = 0; port && !c->text && words[i]; i++) {
		mem_free(words[i]);
		words[i] = argv_fill_word(c->argv[i], "PORT", port);
	}
	return words;
}

bool command_wants_port(const struct command *c)
{
	char **with = command_words(c, "1");
	bool wants = !argv_equal(with, c->argv);

	argv_free(with);
	return wants;
}

int command_from_line(struct command *c, const char *line, struct err *e)
{
	char **argv = argv_needs_shell(line) ? shell_command(line) : argv_split(line, e);

	if (!argv)
		return -1;
	command_release(c);
	c->argv = argv;
	c->text = mem_strdup(line);
	return 0;
}

const char *spec_stop_signal(const struct spec *s)
{
	return s->stop_signal ? s->stop_signal : "SIGTERM";
}

/* --- how many instances a count means --- */

static int clamp_count(int64_t wanted)
{
	if (wanted < 1)
		return 1;
	return wanted < APP_INSTANCES_MAX ? (int)wanted : APP_INSTANCES_MAX;
}

/* Rounded up: half of three processors is two instances, and one percent of any machine is one. */
static int64_t percent_of_cpus(int64_t cpus, int64_t percent)
{
	ASSERT(cpus > 0 && percent > 0, "%lld percent of %lld processors", (long long)percent,
		(long long)cpus);
	/* Beyond this one processor would be enough for all instances there may be, and the product stays small. */
	if (percent > 100LL * APP_INSTANCES_MAX)
		return APP_INSTANCES_MAX;
	return (cpus * percent + 99) / 100;
}

int count_resolve(struct count count, int cpus)
{
	int64_t there = cpus > 1 ? cpus : 1;

	switch (count.kind) {
	case COUNT_NUMBER:
		return count.value ? clamp_count(count.value) : 0;
	case COUNT_MAX:
		/* `max` never means more than there is. */
		return clamp_count(count.value < 0 ? there + count.value : there);
	case COUNT_PERCENT:
		return count.value > 0 ? clamp_count(percent_of_cpus(there, count.value)) : 1;
	}
	return 1;
}
