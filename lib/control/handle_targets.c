/*
 * What a call is about: the targets that it names, and where it names oxfiles, only the apps that came from them.
 */
#include <errno.h>

#include "base/err.h"
#include "base/str.h"
#include "control/handle.h"
#include "engine/brain.h"

static bool is_from(const struct spec *s, const struct param_strings *oxfiles)
{
	for (size_t i = 0; i < oxfiles->count; i++)
		if (s->oxfile && str_eq(s->oxfile, oxfiles->items[i]))
			return true;
	return false;
}

/* The names of those that are meant and come from the oxfiles.  That some of a namespace come from elsewhere is no mistake. */
static int find_own(
	struct handle *h, const struct param_strings *oxfiles, struct handle_targets *t, struct err *e)
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
			oxfiles->count ? oxfiles->items[0] : "that oxfile");
		e->number = ENOENT;
	}
	return rc;
}

int handle_targets_find(struct handle *h, const struct param_strings *targets,
	const struct param_strings *oxfiles, struct handle_targets *t, struct err *e)
{
	int rc = 0;

	*t = (struct handle_targets){ .items = targets->items, .count = targets->count };
	if (!oxfiles || !oxfiles->is_given)
		return 0;
	rc = find_own(h, oxfiles, t, e);
	t->items = (const char *const *)t->own.items;
	t->count = t->own.len;
	/* No target would be everything. */
	t->is_nothing = !t->count;
	return rc;
}

void handle_answer_no_apps(struct call *c)
{
	call_answer_text(c, "{\"apps\":[]}");
}

void handle_targets_release(struct handle_targets *t)
{
	strings_release(&t->own);
}
