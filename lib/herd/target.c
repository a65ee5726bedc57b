/*
 * Which apps and instances targets mean: the rule is model/selector's, and here it meets the herd.
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"
#include "model/refusal.h"
#include "model/selector.h"

struct search {
	const struct herd *h;
	struct vec apps;    /* of struct app *: those that are not being deleted */
	struct vec specs;   /* their specs */
	bool *marks;        /* by place in both: meant as a whole */
	struct vec singles; /* instances that were named one by one */
};

static void search_begin(struct search *s, const struct herd *h)
{
	*s = (struct search){ .h = h, .apps = VEC_INIT, .specs = VEC_INIT, .singles = VEC_INIT };
	for (size_t k = 0; k < h->apps.len; k++) {
		struct app *a = h->apps.items[k];

		if (a->is_deleting)
			continue;
		vec_push(&s->apps, a);
		vec_push(&s->specs, (void *)a->spec);
	}
	s->marks = mem_zalloc(s->apps.len + 1, sizeof(*s->marks));
}

static void search_finish(struct search *s)
{
	vec_release(&s->apps);
	vec_release(&s->specs);
	vec_release(&s->singles);
	mem_free(s->marks);
}

static int search_complain(const struct search *s, const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };

	selector_guess(&guess, &s->specs);
	if (guess.best)
		return refusal_set(e, REFUSAL_OF(NO_TARGET, .target = name, .guess = guess.best),
			"there is no app, instance or namespace '%s'; did you mean '%s'?", name, guess.best);
	return refusal_set(e, REFUSAL_OF(NO_TARGET, .target = name),
		"there is no app, instance or namespace '%s'", name);
}

static int no_instance(const struct app *a, const char *name, struct err *e)
{
	const char *app = a->spec->name;
	const struct refusal *why = REFUSAL_OF(NO_TARGET, .target = name, .app = app, .count = a->count);

	if (a->count > 0)
		return refusal_set(
			e, why, "'%s' has instances 0 to %d; there is no '%s'", app, a->count - 1, name);
	return refusal_set(e, why, "'%s' has no instances; there is no '%s'", app, name);
}

/* "api:2"; -1 with words when it means none. */
static int find_instance(struct search *s, const char *name, struct err *e)
{
	size_t len = 0;
	int number = 0;
	char *app = selector_instance(name, &len, &number) ? mem_strndup(name, len) : NULL;
	const struct app *a = app ? app_find(s->h, app) : NULL;
	struct instance *i = a && !a->is_deleting ? app_instance(a, number) : NULL;
	int rc = 0;

	ASSERT(!i || i->app == a, "'%s' is an instance of another app", name);
	if (i && !instance_is_retired(i)) {
		vec_push(&s->singles, i);
	} else if (a && !a->is_deleting) {
		rc = no_instance(a, name, e);
	} else {
		rc = search_complain(s, name, e);
	}
	mem_free(app);
	return rc;
}

/* "all" of nothing is nothing, and no mistake. */
static int find_one(struct search *s, const char *name, struct err *e)
{
	if (selector_mark(name, &s->specs, s->marks) || selector_is_all(name))
		return 0;
	return find_instance(s, name, e);
}

static bool is_single(const struct search *s, const struct instance *i)
{
	for (size_t k = 0; k < s->singles.len; k++)
		if (s->singles.items[k] == i)
			return true;
	return false;
}

static void collect(const struct search *s, struct vec *instances, struct vec *apps)
{
	const struct app *a = NULL;
	size_t k = 0;

	VEC_EACH (&s->apps, k, a) {
		size_t n = 0;
		struct instance *i = NULL;

		if (s->marks[k] && apps)
			vec_push(apps, (void *)a);
		VEC_EACH (&a->instances, n, i) {
			if (!instance_is_retired(i) && (s->marks[k] || is_single(s, i)))
				vec_push(instances, i);
		}
	}
}

int targets_find(const struct herd *h, const char *const *targets, size_t count, struct vec *instances,
	struct vec *apps, struct err *e)
{
	struct search s;
	int rc = 0;

	search_begin(&s, h);
	for (size_t k = 0; k < s.apps.len && !count; k++)
		s.marks[k] = true;
	for (size_t k = 0; k < count && !rc; k++)
		rc = find_one(&s, targets[k], e);
	ASSERT(s.apps.len == s.specs.len, "%zu apps have %zu definitions", s.apps.len, s.specs.len);
	if (!rc)
		collect(&s, instances, apps);
	search_finish(&s);
	return rc;
}

int herd_targets(
	const struct herd *h, const char *const *targets, size_t count, struct vec *instances, struct err *e)
{
	return targets_find(h, targets, count, instances, NULL, e);
}

int herd_target_specs(
	const struct herd *h, const char *const *targets, size_t count, struct vec *specs, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct vec apps = VEC_INIT;
	const struct app *a = NULL;
	size_t i = 0;
	int rc = targets_find(h, targets, count, &instances, &apps, e);

	for (size_t k = 0; k < count && rc == 0; k++)
		rc = selector_check_whole(targets[k], e);
	VEC_EACH (&apps, i, a) {
		if (rc == 0)
			vec_push(specs, (void *)a->spec);
	}
	vec_release(&instances);
	vec_release(&apps);
	return rc;
}
