/*
 * Which names mean one oxfile.  An app knows its oxfile by the path that somebody named, with the links in it; older states have the real path.
 */
#ifndef OX_CONTROL_OXFILE_NAMES_H
#define OX_CONTROL_OXFILE_NAMES_H

#include <stdbool.h>

#include "model/spec.h"

struct handle;
struct vec;

/* The oxfiles of the apps that are there, beside `path`. */
struct oxfile_names {
	struct strings also; /* the same file by other names */
	struct strings gone; /* not there any more */
};

void oxfile_names_find(struct handle *h, const char *path, struct oxfile_names *names);
void oxfile_names_release(struct oxfile_names *names);
/*
 * The files that these specs (of struct spec *; NULL: those of all apps) came from, each file once; of two names for one the one that goes through
 * a link.
 */
void oxfile_names_of(struct handle *h, const struct vec *specs, struct strings *paths);

#endif
