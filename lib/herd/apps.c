/*
 * All apps together, whatever oxfile they come from: a name is an app or a namespace, dependencies lead somewhere, and who is needed stands first.  model/order
 * judges one oxfile; the herd has many, and apps of one may need those of another.
 */
#include "herd/apps.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "herd/herd_private.h"
#include "model/oxfile.h"
#include "model/refusal.h"
#include "model/selector.h"

/* --- names --- */

struct names {
	struct map apps, namespaces; /* of const struct spec *: one of each name */
};

static void names_begin(struct names *n, const struct vec *specs)
{
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		map_put(&n->apps, s->name, (void *)s);
		if (s->namespace)
			map_put(&n->namespaces, s->namespace, (void *)s);
	}
}

static void names_finish(struct names *n)
{
	map_release(&n->apps);
	map_release(&n->namespaces);
}

/* The one with which `s` makes a name ambiguous, or NULL. */
static const struct spec *other_of(const struct names *n, const struct spec *s)
{
	const struct spec *other = s->namespace ? map_get(&n->apps, s->namespace) : NULL;

	return other ? other : map_get(&n->namespaces, s->name);
}

static void add_location(struct buf *out, const struct spec *s, struct place at)
{
	if (s->oxfile && at.line)
		buf_addf(out, "%s:%d", s->oxfile, at.line);
	else
		buf_adds(out, s->oxfile ? s->oxfile : "no oxfile");
}

/* "'web' is an app (/srv/a/oxfile.toml:3) and the namespace of 'api' (/srv/b/oxfile.toml:12)" */
static void tell_clash(const struct spec *s, const struct spec *other, struct buf *out)
{
	const char *name = selector_clash(s, other);
	bool is_app = s->namespace && name == other->name;
	const struct spec *app = is_app ? other : s;
	const struct spec *member = is_app ? s : other;

	buf_addf(out, "'%s' is an app (", name);
	add_location(out, app, app->at);
	buf_addf(out, ") and the namespace of '%s' (", member->name);
	add_location(out, member, oxfile_place(member, "namespace"));
	buf_addc(out, ')');
}

int names_check(const struct vec *specs, const struct vec *changed, struct err *e)
{
	struct names n = { .apps = MAP_INIT, .namespaces = MAP_INIT };
	const struct spec *s = NULL;
	struct buf words = BUF_INIT;
	size_t i = 0;
	int rc = 0;

	names_begin(&n, specs);
	VEC_EACH (changed, i, s) {
		const struct spec *other = rc ? NULL : other_of(&n, s);

		if (!other)
			continue;
		tell_clash(s, other, &words);
		rc = refusal_set(e, REFUSAL_OF(NAME_CLASH, .app = s->name, .other = other->name),
			"%s; a name can be one of them only, so rename one", words.ptr);
	}
	buf_release(&words);
	names_finish(&n);
	return rc;
}

void names_note(const struct vec *specs)
{
	struct names n = { .apps = MAP_INIT, .namespaces = MAP_INIT };
	const struct spec *s = NULL;
	struct buf words = BUF_INIT;
	size_t i = 0;

	names_begin(&n, specs);
	VEC_EACH (specs, i, s) {
		const struct spec *app = s->namespace ? map_get(&n.apps, s->namespace) : NULL;

		if (!app)
			continue;
		buf_clear(&words);
		tell_clash(s, app, &words);
		log_warn("%s; commands take it for the app", words.ptr);
	}
	buf_release(&words);
	names_finish(&n);
}

/* --- dependencies --- */

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

static void walk_begin(struct walk *w, const struct vec *specs)
{
	w->specs = specs;
	w->marks = mem_zalloc(specs->len, sizeof(*w->marks));
	for (size_t i = 0; i < specs->len; i++) {
		const struct spec *s = specs->items[i];

		map_put(&w->positions, s->name, (void *)(uintptr_t)(i + 1));
	}
}

static void walk_finish(struct walk *w)
{
	map_release(&w->positions);
	vec_release(&w->path);
	mem_free(w->marks);
}

static int tell_cycle(const struct walk *w, const struct spec *again, struct err *e)
{
	struct strings apps = { .items = NULL };
	struct buf words = BUF_INIT;
	size_t i = 0;

	ASSERT(w->path.len > 0 && w->marks, "'%s' needs itself by nobody", again->name);
	while (w->path.items[i] != again)
		i++;
	for (; i < w->path.len; i++) {
		strings_add(&apps, ((const struct spec *)w->path.items[i])->name);
		buf_addf(&words, "%s -> ", ((const struct spec *)w->path.items[i])->name);
	}
	strings_add(&apps, again->name);
	refusal_set(e, REFUSAL_OF(CIRCLE, .app = again->name, .apps = &apps),
		"dependencies go round in a circle: %s%s", words.ptr, again->name);
	buf_release(&words);
	strings_release(&apps);
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
		return refusal_set(e, REFUSAL_OF(CHAIN, .app = s->name, .limit = CHAIN_MAX),
			"'%s' stands behind a chain of more than %d dependencies", s->name, CHAIN_MAX);
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
		refusal_set(e, REFUSAL_OF(NO_NEED, .app = s->name, .other = guess.typed, .guess = guess.best),
			"'%s' depends on '%s', which is not defined", s->name, guess.typed);
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

	walk_begin(&w, specs);
	for (size_t i = 0; i < changed->len && !rc; i++)
		rc = check_known(&w, changed->items[i], e);
	for (size_t i = 0; i < specs->len && !rc; i++)
		rc = visit(&w, i, e);
	walk_finish(&w);
	return rc;
}

/* --- the order in which apps stand --- */

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
