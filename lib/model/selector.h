/*
 * What people call what they mean: "api" is an app or a namespace, "api:2" one instance, "all" every app.  Every command and every handler asks here.
 *
 * A name is an app or a namespace, never both: selector_clash() finds the two that would make it so.  A state of version 0.1.0 may hold such a
 * name; there the app is meant.
 */
#ifndef OX_MODEL_SELECTOR_H
#define OX_MODEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct spec;
struct str_guess;
struct vec;

bool selector_is_all(const char *text);
/* "api:2": the app's name is the first *app_len bytes.  False, and nothing set, when it is not an instance. */
bool selector_instance(const char *text, size_t *app_len, int *number);
/* For what is about whole apps: -1 with words, and EINVAL, when `text` is one instance. */
int selector_check_whole(const char *text, struct err *e);
/*
 * Does `text` mean the app of that name and namespace (or NULL) as a whole?  `is_app`: there is an app that is called `text`.
 */
bool selector_means(const char *text, bool is_app, const char *app, const char *namespace);
/* The same, or is `text` that very instance of it? */
bool selector_means_instance(
	const char *text, bool is_app, const char *app, int instance, const char *namespace);
/* The same for many: marks those of `specs` (of struct spec *) that `text` means, by their place.  How many it means. */
size_t selector_mark(const char *text, const struct vec *specs, bool *marks);
/*
 * Those of `specs` that the names mean (none: all of them), and what they depend on: a mark for each, freed with mem_free().
 */
bool *selector_mark_with_needs(const struct vec *specs, const char *const *only, size_t count);
/* Appends `s` and what it depends on among `specs`, as deep as that goes; nothing twice. */
void selector_add_with_needs(const struct vec *specs, const struct spec *s, struct vec *chosen);
/* Offers every name that could have been meant. */
void selector_guess(struct str_guess *guess, const struct vec *specs);

/* A name for an app or a namespace that no command could mistake; -1 with words.  `kind`: "an app", "a namespace". */
int selector_check_name(const char *kind, const char *name, struct err *e);
/* The name that is an app of the one and the namespace of the other; NULL if there is none.  `a` and `b` may be the same. */
const char *selector_clash(const struct spec *a, const struct spec *b);

#endif
