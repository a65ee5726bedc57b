/*
 * Which apps of an oxfile a request is about: what it names, and what that depends on.  The herd starts the same ones.
 */
#ifndef OX_CONTROL_MEANT_H
#define OX_CONTROL_MEANT_H

#include <stdbool.h>
#include <stddef.h>

struct vec;

/*
 * For each of `specs` (of struct spec *), by its place: is it meant?  `only` has names of apps and namespaces; none of them: all
 * are.  Names that nobody has are passed over.  The caller frees it with mem_free().
 */
bool *who_is_meant(const struct vec *specs, const char *const *only, size_t count);

#endif
