/*
 * What can be asked of the brain: the table methods.def as values.  Their parameters: wire/params.h.
 */
#ifndef OX_WIRE_METHODS_H
#define OX_WIRE_METHODS_H

#include <stdbool.h>

#include "base/buf.h"

struct err;

enum method {
#define METHOD(id, tag, name, rights, doc) METHOD_##id,
#include "wire/methods.def"
	METHOD_COUNT,
};

enum method_rights {
	METHOD_READ,    /* looks only */
	METHOD_CONTROL, /* changes what runs, as the owner has defined it */
	METHOD_OWNER,   /* for the daemon's user and root alone: it changes what the daemon is */
	METHOD_SECRET,  /* for them too: it looks only, but shows what others may not see */
};

/* METHOD_COUNT, with words and a suggestion in `e`, if there is none of that name. */
enum method method_find(const char *name, struct err *e);
const char *method_name(enum method method);
/* The same as it is typed to oxctl, for messages. */
const char *method_command(enum method method);
const char *method_doc(enum method method);
enum method_rights method_rights(enum method method);
/* Every call is logged with the peer's pid and uid, and answered when it is on disk. */
bool method_changes(enum method method);
/* Only for the daemon's user and root, whatever a list says. */
bool method_is_owners(enum method method);
/*
 * Whom a list lets do what: "status,logs,restart"; "read" stands for every method that only looks, "control" for these and those that change what
 * runs.  Sets the members of `may`, METHOD_COUNT of them.  -1 with words for a name that is none, or of a method that is the owner's.
 */
int method_list(const char *text, bool *may, struct err *e);
/* Every method with its parameters, as lists for oxherd-protocol(7), in mdoc. */
void methods_print_mdoc(struct buf *out);

#endif
