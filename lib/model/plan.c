#include "model/plan.h"

#include <string.h>

#include "base/json_emit.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "model/build.h"
#include "model/fields.h"

/* What differs between an app's two definitions, as text. */
struct difference {
	struct buf replaces; /* needs a new process */
	struct buf in_place; /* is applied to the running one */
	struct buf build;    /* between the builds; in `replaces` too */
};

const char *plan_verb_word(enum plan_verb verb)
{
	static const char *const words[] = {
#define X(name, word) [name] = (word),
		PLAN_VERB_LIST
#undef X
	};

	return words[verb];
}

static struct plan_step *plan_add(struct plan *p, enum plan_verb verb, const char *app, int instance,
	int old_port, int new_port, const char *why)
{
	struct plan_step *step = mem_zalloc(1, sizeof(*step));

	*step = (struct plan_step){
		.verb = verb,
		.app = mem_strdup(app),
		.instance = instance,
		.old_port = old_port,
		.new_port = new_port,
		.why = mem_strdup(why),
	};
	vec_push(&p->steps, step);
	p->counts[verb]++;
	return step;
}

static void add_unique_name(struct buf *out, const char *name)
{
	buf_addf(out, "%s%s", out->len ? ", " : "", name);
}

/* Names whose value is not the same on both sides: never the values. */
static void env_difference(const char *key, const struct env *from, const struct env *to, struct buf *out)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < to->len; i++)
		if (!str_eq(env_get(from, to->items[i].name), to->items[i].value))
			add_unique_name(&names, to->items[i].name);
	for (size_t i = 0; i < from->len; i++)
		if (!env_get(to, from->items[i].name))
			add_unique_name(&names, from->items[i].name);
	if (names.len)
		buf_addf(out, "%s%s (%s)", out->len ? ", " : "", key, names.ptr);
	buf_release(&names);
}

/* How many and on which ports is said instance by instance. */
static bool is_told_elsewhere(const struct field *f)
{
	return !strcmp(f->key, "instances") || !strcmp(f->key, "port") || !strcmp(f->key, "port_step");
}

/* A delay that is written counts after a good long run too, also where its value is that of the default. */
static bool is_same_field(const struct field *f, const struct spec *from, const struct spec *to)
{
	if (f->offset == offsetof(struct spec, restart_delay_ms) &&
		from->is_delay_written != to->is_delay_written)
		return false;
	return field_equal(f, from, to);
}

static char *working_folder(const struct plan_app *app)
{
	const struct spec *s = app->spec;

	if (app->build && app->build->folder)
		return mem_strdup(app->build->folder);
	return s->working_dir ? path_join(s->folder, s->working_dir) : mem_strdup(s->folder);
}

/* One folder may have two names. */
static bool has_moved_port(const struct plan_app *from, const struct plan_app *to)
{
	char *was = working_folder(from);
	char *is = working_folder(to);
	bool differs = !str_eq(from->spec->folder, to->spec->folder) && !str_eq(was, is);

	mem_free(was);
	mem_free(is);
	return differs && !(from->spec->working_dir && from->spec->working_dir[0] == '/');
}

static void compare_specs(const struct spec *from, const struct spec *to, struct difference *difference)
{
	for (size_t i = 0; i < fields_count; i++) {
		const struct field *f = &fields[i];
		bool replaces = f->flags & FIELD_REPLACES;

		if (is_told_elsewhere(f) || is_same_field(f, from, to))
			continue;
		if (f->kind == FIELD_ENV)
			env_difference(f->key, field_member_const(f, from), field_member_const(f, to),
				&difference->replaces);
		else
			add_unique_name(replaces ? &difference->replaces : &difference->in_place, f->key);
	}
	env_difference("env_file", &from->file_env, &to->file_env, &difference->replaces);
}

static void compare_definitions(
	const struct plan_app *from, const struct plan_app *to, struct difference *difference)
{
	if (has_moved_port(from, to))
		add_unique_name(&difference->replaces, "working_dir");
	compare_specs(from->spec, to->spec, difference);
	if (difference->replaces.len)
		buf_adds(&difference->replaces, " changed");
	if (difference->in_place.len)
		buf_adds(&difference->in_place, " changed, applied in place");
	if (build_differs(from->build, to->build, &difference->build))
		buf_addf(&difference->replaces, "%sthe build changed: %s",
			difference->replaces.len ? ", " : "", difference->build.ptr);
}

/* "port 3000 -> 3001", "no port -> 3001". */
static void add_port_move(struct buf *out, int from, int to)
{
	if (from)
		buf_addf(out, "port %d -> ", from);
	else
		buf_adds(out, "no port -> ");
	if (to)
		buf_addf(out, "%d", to);
	else
		buf_adds(out, "none");
}

static void plan_instance(struct plan *p, const struct plan_app *from, const struct plan_app *to,
	int instance, const struct difference *difference)
{
	int old_port = from->ports[instance];
	int new_port = to->ports[instance];
	struct buf why = BUF_INIT;
	struct plan_step *step = NULL;

	if (old_port != new_port) {
		add_port_move(&why, old_port, new_port);
		buf_addf(&why, "%s%s", difference->replaces.len ? ", " : "", difference->replaces.ptr);
		step = plan_add(p, PLAN_MOVE, to->spec->name, instance, old_port, new_port, why.ptr);
	} else if (difference->replaces.len) {
		step = plan_add(p, PLAN_REPLACE, to->spec->name, instance, old_port, new_port,
			difference->replaces.ptr);
	} else {
		step = plan_add(
			p, PLAN_KEEP, to->spec->name, instance, old_port, new_port, difference->in_place.ptr);
	}
	if (difference->build.len)
		step->build = mem_strdup(difference->build.ptr);
	buf_release(&why);
}

static void plan_both(struct plan *p, const struct plan_app *from, const struct plan_app *to)
{
	struct difference difference = { .replaces = BUF_INIT, .in_place = BUF_INIT, .build = BUF_INIT };
	int kept = from->instances < to->instances ? from->instances : to->instances;
	struct buf why = BUF_INIT;

	compare_definitions(from, to, &difference);
	buf_addf(&why, "instances %d -> %d", from->instances, to->instances);
	for (int i = 0; i < kept; i++)
		plan_instance(p, from, to, i, &difference);
	for (int i = kept; i < to->instances; i++)
		(void)plan_add(p, PLAN_START, to->spec->name, i, 0, to->ports[i], why.ptr);
	for (int i = kept; i < from->instances; i++)
		(void)plan_add(p, PLAN_REMOVE, from->spec->name, i, from->ports[i], 0, why.ptr);
	buf_release(&why);
	buf_release(&difference.replaces);
	buf_release(&difference.in_place);
	buf_release(&difference.build);
}

static const char *gone_reason(const struct vec *to, const char *name)
{
	size_t i = 0;
	const struct plan_app *app = NULL;

	VEC_EACH (to, i, app) {
		if (!strcmp(app->spec->name, name))
			return "the app is disabled now";
	}
	return "the app is no longer in the oxfile";
}

static void map_apps(const struct vec *apps, struct map *names)
{
	size_t i = 0;
	struct plan_app *app = NULL;

	VEC_EACH (apps, i, app) {
		if (!app->spec->disabled)
			map_put(names, app->spec->name, app);
	}
}

void plan_make(struct plan *p, const struct vec *from, const struct vec *to)
{
	struct map before = MAP_INIT;
	struct map after = MAP_INIT;
	const struct map_entry *entry = NULL;

	map_apps(from, &before);
	map_apps(to, &after);
	MAP_EACH (&after, entry) {
		const struct plan_app *app = entry->value;
		const struct plan_app *old = map_get(&before, entry->key);

		if (old) {
			plan_both(p, old, app);
			continue;
		}
		for (int i = 0; i < app->instances; i++)
			(void)plan_add(p, PLAN_START, entry->key, i, 0, app->ports[i], "the app is new");
	}
	MAP_EACH (&before, entry) {
		const struct plan_app *app = entry->value;

		for (int i = 0; !map_get(&after, entry->key) && i < app->instances; i++)
			(void)plan_add(
				p, PLAN_REMOVE, entry->key, i, app->ports[i], 0, gone_reason(to, entry->key));
	}
	map_release(&before);
	map_release(&after);
}

static void free_step(void *item)
{
	struct plan_step *step = item;

	mem_free(step->app);
	mem_free(step->why);
	mem_free(step->build);
	mem_free(step);
}

void plan_release(struct plan *p)
{
	vec_release_with(&p->steps, free_step);
	*p = (struct plan)PLAN_INIT;
}

void plan_take(struct plan *into, struct plan *from)
{
	size_t i = 0;
	struct plan_step *step = NULL;

	VEC_EACH (&from->steps, i, step) {
		vec_push(&into->steps, step);
		into->counts[step->verb]++;
	}
	vec_release(&from->steps);
	plan_release(from);
}

bool plan_is_empty(const struct plan *p)
{
	return p->steps.len == p->counts[PLAN_KEEP];
}

void plan_write(const struct plan *p, struct buf *out)
{
	size_t i = 0;
	const struct plan_step *step = NULL;
	struct buf id = BUF_INIT;

	emit_int(out, "version", 1);
	emit_open(out, "steps", '[');
	VEC_EACH (&p->steps, i, step) {
		buf_clear(&id);
		buf_addf(&id, "%s:%d", step->app, step->instance);
		emit_open(out, NULL, '{');
		emit_string(out, "id", id.ptr);
		emit_string(out, "name", step->app);
		emit_int(out, "instance", step->instance);
		emit_string(out, "verb", plan_verb_word(step->verb));
		emit_int_or_null(out, "old_port", step->old_port > 0, step->old_port);
		emit_int_or_null(out, "new_port", step->new_port > 0, step->new_port);
		emit_string(out, "why", step->why);
		if (step->build)
			emit_string(out, "build", step->build);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	buf_release(&id);
}
