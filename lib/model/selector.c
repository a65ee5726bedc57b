#include "model/selector.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "model/spec.h"

bool selector_is_all(const char *text)
{
	return str_eq(text, "all");
}

bool selector_instance(const char *text, size_t *app_len, int *number)
{
	const char *colon = strrchr(text, ':');
	int64_t value = 0;

	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9' || !str_to_int(colon + 1, &value) ||
		value >= APP_INSTANCES_MAX)
		return false;
	*app_len = (size_t)(colon - text);
	*number = (int)value;
	return true;
}

int selector_check_whole(const char *text, struct err *e)
{
	size_t len = 0;
	int number = 0;

	if (!selector_instance(text, &len, &number))
		return 0;
	return err_usage(
		e, "'%s' is one instance; this command takes whole apps: '%.*s'", text, (int)len, text);
}

bool selector_means(const char *text, bool is_app, const char *app, const char *namespace)
{
	if (selector_is_all(text) || str_eq(text, app))
		return true;
	return !is_app && namespace && str_eq(text, namespace);
}

bool selector_means_instance(
	const char *text, bool is_app, const char *app, int instance, const char *namespace)
{
	size_t len = 0;
	int number = 0;

	if (selector_instance(text, &len, &number))
		return number == instance && strlen(app) == len && !memcmp(text, app, len);
	return selector_means(text, is_app, app, namespace);
}

static bool is_app(const char *text, const struct vec *specs)
{
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		if (str_eq(s->name, text))
			return true;
	}
	return false;
}

size_t selector_mark(const char *text, const struct vec *specs, bool *marks)
{
	bool is_one = is_app(text, specs);
	const struct spec *s = NULL;
	size_t found = 0;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		if (!selector_means(text, is_one, s->name, s->namespace))
			continue;
		marks[i] = true;
		found++;
	}
	return found;
}

static const struct spec *find_named(const struct vec *specs, const char *name)
{
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		if (str_eq(s->name, name))
			return s;
	}
	return NULL;
}

void selector_add_with_needs(const struct vec *specs, const struct spec *s, struct vec *chosen)
{
	if (vec_has(chosen, s))
		return;
	vec_push(chosen, (void *)s);
	for (size_t k = 0; k < s->depends_on.len; k++) {
		const struct spec *need = find_named(specs, s->depends_on.items[k]);

		if (need)
			selector_add_with_needs(specs, need, chosen);
	}
}

bool *selector_mark_with_needs(const struct vec *specs, const char *const *only, size_t count)
{
	bool *meant = mem_zalloc(specs->len, sizeof(*meant));
	struct vec chosen = VEC_INIT;
	size_t i = 0;
	const struct spec *s = NULL;

	for (i = 0; i < count; i++)
		(void)selector_mark(only[i], specs, meant);
	VEC_EACH (specs, i, s) {
		if (meant[i])
			selector_add_with_needs(specs, s, &chosen);
	}
	VEC_EACH (specs, i, s)
		meant[i] = !count || vec_has(&chosen, s);
	vec_release(&chosen);
	return meant;
}

void selector_guess(struct str_guess *guess, const struct vec *specs)
{
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		str_guess_offer(guess, s->name);
		if (s->namespace)
			str_guess_offer(guess, s->namespace);
	}
}

int selector_check_name(const char *kind, const char *name, struct err *e)
{
	size_t app_len = 0;
	int number = 0;

	if (selector_is_all(name))
		return err_set(e, "%s cannot be called 'all': every command takes that for all apps", kind);
	if (selector_instance(name, &app_len, &number))
		return err_set(e, "%s cannot be called '%s': that is what instances are called", kind, name);
	return 0;
}

const char *selector_clash(const struct spec *a, const struct spec *b)
{
	if (a->namespace && str_eq(a->namespace, b->name))
		return b->name;
	return b->namespace && str_eq(b->namespace, a->name) ? a->name : NULL;
}
