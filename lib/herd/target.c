/*
 * What people call things: "api", "api:2", a namespace, "all".
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/inside.h"

static int no_such(struct err *e)
{
	if (e)
		e->number = ENOENT;
	return -1;
}

static bool is_meant(const struct app *a, const char *name)
{
	return str_eq(a->spec->name, name) || str_eq(a->spec->namespace, name);
}

/* Marks the apps that it means; how many. */
static size_t mark_apps(const struct herd *h, const char *name, bool *marks)
{
	const struct app *exact = app_find(h, name);
	size_t found = 0;

	for (size_t k = 0; k < h->apps.len; k++) {
		const struct app *a = h->apps.items[k];
		bool is_it =
			exact && !exact->is_leaving ? a == exact : is_meant(a, name) || str_eq(name, "all");

		if (!is_it || a->is_leaving)
			continue;
		marks[k] = true;
		found++;
	}
	return found;
}

static int complain(const struct herd *h, const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };

	for (size_t k = 0; k < h->apps.len; k++) {
		const struct app *a = h->apps.items[k];

		if (a->is_leaving)
			continue;
		str_guess_offer(&guess, a->spec->name);
		if (a->spec->namespace)
			str_guess_offer(&guess, a->spec->namespace);
	}
	if (guess.best)
		err_set(e, "there is no app, instance or namespace '%s'; did you mean '%s'?", name,
			guess.best);
	else
		err_set(e, "there is no app, instance or namespace '%s'", name);
	return no_such(e);
}

/* "api:2"; NULL with words when it means none. */
static struct instance *find_instance(const struct herd *h, const char *name, struct err *e)
{
	const char *colon = strrchr(name, ':');
	char *app = colon ? mem_strndup(name, (size_t)(colon - name)) : NULL;
	const struct app *a = app ? app_find(h, app) : NULL;
	struct instance *i = NULL;
	int64_t number = 0;

	if (a && !a->is_leaving && str_to_int(colon + 1, &number) && number >= 0 &&
		number < APP_INSTANCES_MAX)
		i = app_instance(a, (int)number);
	if (i && i->is_retired)
		i = NULL;
	if (!i && a && !a->is_leaving) {
		if (a->count > 0)
			err_set(e, "'%s' has instances 0 to %d; there is no '%s'", app, a->count - 1, name);
		else
			err_set(e, "'%s' has no instances; there is no '%s'", app, name);
		no_such(e);
	} else if (!i) {
		complain(h, name, e);
	}
	mem_free(app);
	return i;
}

struct found {
	bool *apps;        /* by place in h->apps */
	struct vec single; /* instances that were named one by one */
};

static int find_one(const struct herd *h, const char *name, struct found *found, struct err *e)
{
	struct instance *i = NULL;

	/* "all" of nothing is nothing, and no mistake. */
	if (mark_apps(h, name, found->apps) || str_eq(name, "all"))
		return 0;
	i = find_instance(h, name, e);
	if (!i)
		return -1;
	vec_push(&found->single, i);
	return 0;
}

static bool is_named(const struct found *found, const struct instance *i)
{
	for (size_t k = 0; k < found->single.len; k++)
		if (found->single.items[k] == i)
			return true;
	return false;
}

static void collect(const struct herd *h, const struct found *found, struct vec *instances, struct vec *apps)
{
	for (size_t k = 0; k < h->apps.len; k++) {
		struct app *a = h->apps.items[k];
		size_t n = 0;
		struct instance *i = NULL;

		if (found->apps[k] && apps)
			vec_push(apps, a);
		VEC_EACH (&a->instances, n, i) {
			if (!i->is_retired && (found->apps[k] || is_named(found, i)))
				vec_push(instances, i);
		}
	}
}

int targets_find(const struct herd *h, const char *const *targets, size_t count, struct vec *instances,
	struct vec *apps, struct err *e)
{
	struct found found = { .apps = mem_zalloc(h->apps.len, sizeof(bool)), .single = VEC_INIT };
	int rc = 0;

	for (size_t k = 0; k < h->apps.len && !count; k++)
		found.apps[k] = !((const struct app *)h->apps.items[k])->is_leaving;
	for (size_t k = 0; k < count && !rc; k++)
		rc = find_one(h, targets[k], &found, e);
	if (!rc)
		collect(h, &found, instances, apps);
	vec_release(&found.single);
	mem_free(found.apps);
	return rc;
}

int herd_targets(
	const struct herd *h, const char *const *targets, size_t count, struct vec *instances, struct err *e)
{
	return targets_find(h, targets, count, instances, NULL, e);
}

const char *instance_app(const struct instance *i)
{
	return i->app->spec->name;
}

int instance_number(const struct instance *i)
{
	return i->number;
}
