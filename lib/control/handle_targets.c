/*
 * What a request is about: the targets that it names, and where it names oxfiles, only the apps that came from them.
 */
#include <errno.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/handle.h"
#include "engine/brain.h"

const char **handle_strings(const struct request *r, const char *name, size_t *count)
{
	const struct json *array = json_get(request_params(r), name);
	const struct json *member = NULL;
	const char **list = NULL;

	*count = 0;
	if (!array)
		return NULL;
	list = mem_zalloc(json_count(array) + 1, sizeof(*list));
	JSON_EACH (array, member) {
		list[(*count)++] = json_string(member, "");
	}
	return list;
}

void handle_oxfiles(struct handle *h, struct strings *paths)
{
	for (size_t i = 0; i < herd_app_count(brain_herd(h->brain)); i++) {
		struct app_status app;
		bool is_known = false;

		herd_app_status(brain_herd(h->brain), i, &app);
		for (size_t k = 0; k < paths->len; k++)
			is_known |= str_eq(paths->items[k], app.oxfile);
		if (app.oxfile && !is_known)
			strings_add(paths, app.oxfile);
	}
}

static bool is_from(const struct spec *s, const struct json *oxfiles)
{
	const struct json *member = NULL;

	JSON_EACH (oxfiles, member) {
		if (s->oxfile && str_eq(s->oxfile, json_string(member, NULL)))
			return true;
	}
	return false;
}

/* The names of those that are meant and come from the oxfiles.  That some of a namespace come from elsewhere is no mistake. */
static int find_own(struct handle *h, const struct json *oxfiles, struct handle_targets *t, struct err *e)
{
	struct vec specs = VEC_INIT;
	const struct spec *s = NULL;
	size_t i = 0;
	int rc = herd_target_specs(brain_herd(h->brain), t->items, t->count, &specs, e);

	VEC_EACH (&specs, i, s) {
		if (rc == 0 && is_from(s, oxfiles))
			strings_add(&t->own, s->name);
	}
	vec_release(&specs);
	if (rc == 0 && t->count && !t->own.len) {
		rc = err_set(e, "'%s' does not come from %s", t->items[0],
			json_string(json_first(oxfiles), "that oxfile"));
		e->number = ENOENT;
	}
	return rc;
}

int handle_targets_find(struct handle *h, const struct request *r, struct handle_targets *t, struct err *e)
{
	const struct json *oxfiles = json_get(request_params(r), "oxfiles");
	int rc = 0;

	*t = (struct handle_targets){ .items = NULL };
	t->items = handle_strings(r, "targets", &t->count);
	if (!oxfiles)
		return 0;
	rc = find_own(h, oxfiles, t, e);
	mem_free(t->items);
	t->items = mem_zalloc(t->own.len + 1, sizeof(*t->items));
	for (t->count = 0; t->count < t->own.len; t->count++)
		t->items[t->count] = t->own.items[t->count];
	/* No target would be everything. */
	t->is_nothing = !t->count;
	return rc;
}

struct json *handle_no_apps(void)
{
	struct json *result = json_new_object();

	json_set(result, "apps", json_new_array());
	return result;
}

void handle_targets_release(struct handle_targets *t)
{
	strings_release(&t->own);
	mem_free(t->items);
}
