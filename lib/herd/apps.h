/*
 * What has to hold of all apps together, over all oxfiles, and apps without one.
 */
#ifndef OX_HERD_APPS_H
#define OX_HERD_APPS_H

struct err;
struct vec;

/* -1 with words, which name both places, when one of `changed` makes a name both an app and a namespace of `specs`. */
int names_check(const struct vec *specs, const struct vec *changed, struct err *e);
/* The log says which names are both, in a state that an earlier version allowed. */
void names_note(const struct vec *specs);
/* -1 with words for an unknown or circular dependency; `specs` is a vec of const struct spec *. */
int graph_check(const struct vec *specs, const struct vec *changed, struct err *e);

#endif
