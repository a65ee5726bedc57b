#include "herd/names.h"

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "model/oxfile.h"
#include "model/selector.h"

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
		rc = err_set(e, "%s; a name can be one of them only, so rename one", words.ptr);
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
