/*
 * Methods to the herd: what each request of a client means for the brain, and how it is answered.
 */
#ifndef OX_CONTROL_HANDLE_H
#define OX_CONTROL_HANDLE_H

#include "control/server.h"

struct brain;
struct buf;
struct err;

/* Everything that a handler needs; lives as long as the server. */
struct handle {
	struct brain *brain;
	struct server *server;
};

/* One for each method; NULL where there is none yet. */
extern const server_handler handle_table[METHOD_COUNT];

/* handle_apply.c: oxfiles and new apps. */
int handle_apply(void *context, struct request *r);
int handle_start(void *context, struct request *r);
int handle_plan(void *context, struct request *r);
/* handle_save.c: the way back. */
int handle_save(void *context, struct request *r);
/* handle_logs.c: what instances say. */
int handle_logs(void *context, struct request *r);

/* --- shared by the two ------------------------------------------------------------------------------------------ */

/* The strings of an array parameter, borrowed; freed with mem_free().  NULL and 0 where it is left out. */
const char **handle_strings(const struct request *r, const char *name, size_t *count);
/* Appends "uid 1000, pid 812 'oxctl stop api'". */
void handle_who(const struct request *r, struct buf *out);

#endif
