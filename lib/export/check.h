/*
 * What the writers refuse alike.  What they print is read by programs that run as root: whatever could end its line or its block is refused, not
 * escaped.  Each gives 0, or -1 with words.
 */
#ifndef OX_EXPORT_CHECK_H
#define OX_EXPORT_CHECK_H

#include <stddef.h>

struct err;
struct export_app;

/* The name and the ports of one; `what`: "an nginx upstream", for the words. */
int check_servers(const struct export_app *u, const char *what, struct err *e);
/* All that a dialect without options of its own asks. */
int check_plain(const struct export_app *upstreams, size_t count, const char *what, struct err *e);
int check_server_name(const char *name, struct err *e);
/* The same where a '*' may stand only in front, for a block that holds one of `count` upstreams. */
int check_one_server_name(const char *name, size_t count, struct err *e);

#endif
