/*
 * A name is an app or a namespace, never both: over all oxfiles, and apps without one.
 */
#ifndef OX_HERD_NAMES_H
#define OX_HERD_NAMES_H

struct err;
struct vec;

/* -1 with words, which name both places, when one of `changed` makes a name both an app and a namespace of `specs`. */
int names_check(const struct vec *specs, const struct vec *changed, struct err *e);
/* The log says which names are both, in a state that an earlier version allowed. */
void names_note(const struct vec *specs);

#endif
