#include "model/oxfile.h"

#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/order.h"
#include "model/oxfile_private.h"
#include "model/selector.h"

static const char *const top_keys[] = { "version", "defaults", "logging", "processes", "apps", "deploy" };

static void complain_top(struct oxfile_reading *r, const char *key, struct place at)
{
	struct str_guess guess = { .typed = key };
	struct diag *complaint = diags_error(r->d, at, "unknown key '%s' at the top of the file", key);

	for (size_t i = 0; i < sizeof(top_keys) / sizeof(top_keys[0]); i++)
		str_guess_offer(&guess, top_keys[i]);
	if (field_find(key) || field_alias_find(key) || field_is_section(key))
		diag_hint(complaint,
			"it belongs to an app: put it below [processes.NAME], or below [defaults] for all of them");
	else if (guess.best)
		diag_hint(complaint, "did you mean '%s'?", guess.best);
	else
		diag_hint(complaint, "apps stand in [processes.NAME] tables");
}

static bool want_table(struct oxfile_reading *r, const char *key, const struct toml_value *value)
{
	if (toml_type(value) == TOML_TABLE)
		return true;
	diags_error(
		r->d, toml_place(value), "'%s' wants a table, not %s", key, toml_type_name(toml_type(value)));
	return false;
}

static void check_version(struct oxfile_reading *r, const struct toml_value *value)
{
	if (toml_type(value) != TOML_INTEGER || toml_integer(value) != 1)
		diags_error(r->d, toml_place(value), "'version' is 1: this is the only one there is so far");
}

/* version, defaults and logging: what the apps are laid upon. */
static void read_top(struct oxfile_reading *r, const struct toml_value *root)
{
	const struct toml_value *logging = toml_get(root, "logging");
	const struct toml_value *defaults = toml_get(root, "defaults");

	for (size_t i = 0; i < toml_count(root); i++) {
		const char *key = toml_key(root, i, NULL);
		bool is_known = false;

		for (size_t k = 0; k < sizeof(top_keys) / sizeof(top_keys[0]); k++)
			is_known |= !strcmp(top_keys[k], key);
		if (!is_known)
			complain_top(r, key, toml_key_place(root, i));
		else if (!strcmp(key, "deploy"))
			diags_error(r->d, toml_key_place(root, i),
				"'deploy' at the top of the file is not supported yet");
		else if (!strcmp(key, "version"))
			check_version(r, toml_at(root, i));
	}
	if (logging && want_table(r, "logging", logging))
		layer_apply(r, r->base, "logs.", logging);
	if (defaults && want_table(r, "defaults", defaults))
		layer_apply(r, r->base, "", defaults);
}

/* Names that a '\0' cuts short would pass for others. */
static void check_app_names(struct oxfile_reading *r, const struct toml_value *value)
{
	bool is_table = toml_type(value) == TOML_TABLE;

	for (size_t i = 0; (is_table || toml_type(value) == TOML_ARRAY) && i < toml_count(value); i++) {
		size_t len = 0;
		const char *name = is_table ? toml_key(value, i, &len) : "";

		if (strlen(name) != len)
			diags_error(r->d, toml_key_place(value, i), "a name cannot hold a NUL character");
		check_app_names(r, toml_at(value, i));
	}
}

static bool profile_is_wanted(const struct oxfile_reading *r, const char *name)
{
	return r->options->profile && !strcmp(r->options->profile, name);
}

/* Lays the wanted profile over the spec, and checks the others on a copy. */
static void read_profiles(struct oxfile_reading *r, struct spec *s, const struct toml_value *profiles)
{
	if (!profiles || !want_table(r, "profiles", profiles))
		return;
	for (size_t i = 0; i < toml_count(profiles); i++) {
		const char *name = toml_key(profiles, i, NULL);
		const struct toml_value *profile = toml_at(profiles, i);

		if (!want_table(r, name, profile))
			continue;
		if (profile_is_wanted(r, name)) {
			r->profile_was_found = true;
			layer_apply(r, s, "", profile);
		} else {
			struct spec *copy = layer_clone(s, s->name);

			layer_apply(r, copy, "", profile);
			spec_free(copy);
		}
	}
}

static void read_app(struct oxfile_reading *r, struct oxfile *o, struct map *names, const char *name,
	struct place at, const struct toml_value *table)
{
	struct spec *s = NULL;
	const struct spec *same = map_get(names, name);
	struct err e = ERR_INIT;

	if (spec_check_name(name, &e) < 0 || selector_check_name("an app", name, &e) < 0)
		diags_error(r->d, at, "%s", e.text.ptr);
	if (same)
		diags_error(
			r->d, at, "the app '%s' is defined twice (first at line %d)", name, same->at.line);
	err_release(&e);
	s = layer_clone(r->base, name);
	for (size_t i = 0; i < s->places_len; i++)
		s->places[i].is_inherited = true;
	s->at = at;
	s->oxfile = mem_strdup(r->options->path);
	s->folder = mem_strdup(r->options->folder);
	layer_apply(r, s, "", table);
	read_profiles(r, s, toml_get(table, "profiles"));
	settle_spec(r, s);
	vec_push(&o->specs, s);
	if (!same)
		map_put(names, name, s);
}

static void read_processes(
	struct oxfile_reading *r, struct oxfile *o, struct map *names, const struct toml_value *table)
{
	if (!table || !want_table(r, "processes", table))
		return;
	r->ctx.is_apps_dialect = false;
	for (size_t i = 0; i < toml_count(table) && o->specs.len < OXFILE_APPS_MAX; i++) {
		const char *name = toml_key(table, i, NULL);

		if (want_table(r, name, toml_at(table, i)))
			read_app(r, o, names, name, toml_key_place(table, i), toml_at(table, i));
	}
}

static void read_apps(
	struct oxfile_reading *r, struct oxfile *o, struct map *names, const struct toml_value *list)
{
	if (!list)
		return;
	if (toml_type(list) != TOML_ARRAY) {
		diags_error(r->d, toml_place(list), "'apps' is written as [[apps]], with a name in each");
		return;
	}
	r->ctx.is_apps_dialect = true;
	for (size_t i = 0; i < toml_count(list) && o->specs.len < OXFILE_APPS_MAX; i++) {
		const struct toml_value *app = toml_at(list, i);
		const struct toml_value *name = NULL;
		const char *text = NULL;
		size_t len = 0;

		if (!want_table(r, "apps", app))
			continue;
		name = toml_get(app, "name");
		text = name && toml_type(name) == TOML_STRING ? toml_string(name, &len) : NULL;
		if (!text)
			diags_error(r->d, name ? toml_place(name) : toml_place(app),
				"an app in [[apps]] needs a name = \"…\"");
		else if (strlen(text) != len)
			diags_error(r->d, toml_place(name), "a name cannot hold a NUL character");
		else
			read_app(r, o, names, text, toml_place(name), app);
	}
}

static void check_namespace(struct oxfile_reading *r, const struct spec *s, const struct map *names)
{
	struct place at = oxfile_place(s, "namespace");
	const struct spec *app = s->namespace ? map_get(names, s->namespace) : NULL;
	struct err e = ERR_INIT;

	if (s->namespace && selector_check_name("a namespace", s->namespace, &e) < 0)
		diags_error(r->d, at, "%s", e.text.ptr);
	else if (app)
		diag_hint(diags_error(r->d, at, "'%s' is an app (line %d) and the namespace of '%s'",
				  app->name, app->at.line, s->name),
			"a name can be one of them only: call the namespace something else");
	err_release(&e);
}

static void check_whole(struct oxfile_reading *r, struct oxfile *o, const struct map *names)
{
	struct vec ordered = VEC_INIT;
	const struct place nowhere = { 0, 0 };
	const struct spec *s = NULL;
	size_t i = 0;

	if (!o->specs.len && !r->d->errors)
		diag_hint(diags_error(r->d, nowhere, "no processes are defined"),
			"add a table [processes.NAME] with a command");
	if (o->specs.len >= OXFILE_APPS_MAX)
		diags_error(r->d, nowhere, "there are more than %d apps", OXFILE_APPS_MAX - 1);
	if (r->options->profile && !r->profile_was_found && o->specs.len)
		diags_error(r->d, nowhere, "no app has a profile '%s'", r->options->profile);
	VEC_EACH (&o->specs, i, s) {
		check_namespace(r, s, names);
	}
	order_specs(&o->specs, &ordered, NULL, r->d);
	vec_release(&ordered);
}

static struct oxfile *oxfile_from_tree(
	const char *text, size_t len, const struct toml_value *root, struct oxfile_reading *r)
{
	struct oxfile *o = mem_zalloc(1, sizeof(*o));
	struct map names = MAP_INIT;

	o->path = mem_strdup(r->options->path);
	buf_init(&o->text);
	buf_add(&o->text, text, len);
	read_top(r, root);
	read_processes(r, o, &names, toml_get(root, "processes"));
	read_apps(r, o, &names, toml_get(root, "apps"));
	check_whole(r, o, &names);
	map_release(&names);
	return o;
}

struct oxfile *oxfile_read(
	const char *text, size_t len, const struct oxfile_options *options, struct diags *d)
{
	struct oxfile_reading r = {
		.options = options,
		.ctx = { .d = d, .environment = options->environment },
		.d = d,
	};
	size_t errors_before = d->errors;
	struct toml_value *root = NULL;
	struct oxfile *o = NULL;

	diags_about(d, options->path, text, len);
	root = toml_parse(text, len, d);
	if (!root)
		return NULL;
	check_app_names(&r, root);
	if (d->errors == errors_before) {
		r.base = spec_new("");
		o = oxfile_from_tree(text, len, root, &r);
		spec_free(r.base);
	}
	toml_free(root);
	if (d->errors == errors_before) {
		oxfile_about(o, d);
		return o;
	}
	oxfile_free(o);
	return NULL;
}

static void free_spec(void *spec)
{
	spec_free(spec);
}

void oxfile_free(struct oxfile *o)
{
	if (!o)
		return;
	vec_release_with(&o->specs, free_spec);
	buf_release(&o->text);
	mem_free(o->path);
	mem_free(o);
}

struct spec *oxfile_find(const struct oxfile *o, const char *name)
{
	size_t i = 0;
	struct spec *s = NULL;

	VEC_EACH (&o->specs, i, s) {
		if (!strcmp(s->name, name))
			return s;
	}
	return NULL;
}

void oxfile_about(const struct oxfile *o, struct diags *d)
{
	diags_about(d, o->path, o->text.ptr, o->text.len);
}

struct row_place *oxfile_row_place(const struct spec *s, size_t row)
{
	for (size_t i = 0; i < s->places_len; i++)
		if (s->places[i].row == row)
			return &s->places[i];
	return NULL;
}

struct place oxfile_place(const struct spec *s, const char *key)
{
	const struct field *f = field_find(key);
	const struct row_place *found = f ? oxfile_row_place(s, field_index(f)) : NULL;

	return found ? found->at : s->at;
}

static void check_runs(const struct spec *s, struct diags *d)
{
	const struct spec *plain = fields_defaults();

	for (size_t i = 0; i < fields_count; i++)
		if ((fields[i].flags & FIELD_NOT_RUN) && !field_equal(&fields[i], s, plain))
			diags_error(d, oxfile_place(s, fields[i].key),
				"'%s' is not supported by the daemon yet", fields[i].key);
}

int oxfile_check_runs(const struct oxfile *o, struct diags *d)
{
	size_t errors_before = d->errors;
	size_t i = 0;
	const struct spec *s = NULL;

	VEC_EACH (&o->specs, i, s) {
		if (!s->disabled)
			check_runs(s, d);
	}
	return d->errors == errors_before ? 0 : -1;
}
