/*
 * Who needs whom.  model/order judges one oxfile; the herd has many, and apps of one may need those of another, so it looks at all of them.
 */
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

struct walk {
	const struct vec *specs;
	struct map positions; /* of names: index + 1 */
	enum mark *marks;
	struct vec path; /* of const struct spec *, from where the walk began */
};

static size_t index_of(const struct walk *w, const char *name)
{
	return (size_t)(uintptr_t)map_get(&w->positions, name);
}

static void begin(struct walk *w, const struct vec *specs)
{
	w->specs = specs;
	w->marks = mem_zalloc(specs->len, sizeof(*w->marks));
	for (size_t i = 0; i < specs->len; i++) {
		const struct spec *s = specs->items[i];

		map_put(&w->positions, s->name, (void *)(uintptr_t)(i + 1));
	}
}

static void finish(struct walk *w)
{
	map_release(&w->positions);
	vec_release(&w->path);
	mem_free(w->marks);
}

static int tell_cycle(const struct walk *w, const struct spec *again, struct err *e)
{
	struct buf words = BUF_INIT;
	size_t i = 0;

	ASSERT(w->path.len > 0 && w->marks, "'%s' needs itself by nobody", again->name);
	while (w->path.items[i] != again)
		i++;
	for (; i < w->path.len; i++)
		buf_addf(&words, "%s -> ", ((const struct spec *)w->path.items[i])->name);
	err_set(e, "dependencies go round in a circle: %s%s", words.ptr, again->name);
	buf_release(&words);
	return -1;
}

/* The path is as deep as the longest chain; more than this many is taken for a mistake. */
enum { CHAIN_MAX = 1000 };

static int visit(struct walk *w, size_t at, struct err *e)
{
	const struct spec *s = w->specs->items[at];

	ASSERT(at < w->specs->len, "app %zu of %zu is needed", at, w->specs->len);
	if (w->marks[at] == MARK_DONE)
		return 0;
	if (w->marks[at] == MARK_OPEN)
		return tell_cycle(w, s, e);
	if (w->path.len == CHAIN_MAX)
		return err_set(
			e, "'%s' stands behind a chain of more than %d dependencies", s->name, CHAIN_MAX);
	w->marks[at] = MARK_OPEN;
	vec_push(&w->path, (void *)s);
	for (size_t k = 0; k < s->depends_on.len; k++) {
		size_t next = index_of(w, s->depends_on.items[k]);

		if (next && visit(w, next - 1, e) < 0)
			return -1;
	}
	vec_pop(&w->path);
	w->marks[at] = MARK_DONE;
	ASSERT(w->marks[at] == MARK_DONE, "'%s' is looked at twice", s->name);
	return 0;
}

static int check_known(const struct walk *w, const struct spec *s, struct err *e)
{
	for (size_t k = 0; k < s->depends_on.len; k++) {
		struct str_guess guess = { .typed = s->depends_on.items[k] };

		if (index_of(w, guess.typed))
			continue;
		for (size_t i = 0; i < w->specs->len; i++)
			str_guess_offer(&guess, ((const struct spec *)w->specs->items[i])->name);
		err_set(e, "'%s' depends on '%s', which is not defined", s->name, guess.typed);
		if (guess.best && e)
			buf_addf(&e->text, "; did you mean '%s'?", guess.best);
		return -1;
	}
	return 0;
}

int graph_check(const struct vec *specs, const struct vec *changed, struct err *e)
{
	struct walk w = { .positions = MAP_INIT, .path = VEC_INIT };
	int rc = 0;

	begin(&w, specs);
	for (size_t i = 0; i < changed->len && !rc; i++)
		rc = check_known(&w, changed->items[i], e);
	for (size_t i = 0; i < specs->len && !rc; i++)
		rc = visit(&w, i, e);
	finish(&w);
	return rc;
}

static int compare_apps(const void *left, const void *right)
{
	const struct app *a = left;
	const struct app *b = right;

	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->spec->start_order != b->spec->start_order)
		return a->spec->start_order < b->spec->start_order ? -1 : 1;
	return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

static void add_needs(const struct app *a, struct vec *needs)
{
	for (size_t k = 0; k < a->needs.len; k++) {
		struct app *need = a->needs.items[k];

		if (!need->is_deleting && !vec_has(needs, need))
			vec_push(needs, need);
	}
}

void graph_add_needs(const struct vec *apps, struct vec *needs)
{
	for (size_t k = 0; k < apps->len; k++)
		add_needs(apps->items[k], needs);
	/* It grows meanwhile. */
	for (size_t k = 0; k < needs->len; k++)
		add_needs(needs->items[k], needs);
	ASSERT(!apps->len || needs->len <= ((const struct app *)apps->items[0])->herd->apps.len,
		"%zu apps are needed", needs->len);
}

bool app_has_dependents_going_down(const struct app *a)
{
	for (size_t k = 0; k < a->needed_by.len; k++)
		if (((const struct app *)a->needed_by.items[k])->going_down)
			return true;
	return false;
}

static int level_of(struct app *a)
{
	int level = 0;

	if (a->level >= 0)
		return a->level;
	for (size_t k = 0; k < a->needs.len; k++) {
		int below = level_of(a->needs.items[k]);

		if (below >= level)
			level = below + 1;
	}
	a->level = level;
	ASSERT(a->level >= 0 && a->level <= (int)a->herd->apps.len, "%s is at level %d", a->spec->name,
		a->level);
	return level;
}

void graph_link(struct herd *h)
{
	for (size_t i = 0; i < h->apps.len; i++) {
		struct app *a = h->apps.items[i];

		a->needs.len = 0;
		a->needed_by.len = 0;
		a->level = -1;
	}
	for (size_t i = 0; i < h->apps.len; i++) {
		struct app *a = h->apps.items[i];

		for (size_t k = 0; k < a->spec->depends_on.len; k++) {
			struct app *need = app_find(h, a->spec->depends_on.items[k]);

			if (!need)
				continue;
			vec_push(&a->needs, need);
			vec_push(&need->needed_by, a);
		}
	}
	for (size_t i = 0; i < h->apps.len; i++)
		level_of(h->apps.items[i]);
	vec_sort(&h->apps, compare_apps);
	for (size_t i = 0; i < h->apps.len; i++)
		((struct app *)h->apps.items[i])->position = i;
	ASSERT(!h->apps.len || !((struct app *)h->apps.items[0])->level, "every app needs another");
}
