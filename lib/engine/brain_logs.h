/*
 * The brain's side of the logs: which instances have one, and how the herd learns that a disk is full.  Between the files of the brain.
 */
#ifndef OX_ENGINE_BRAIN_LOGS_H
#define OX_ENGINE_BRAIN_LOGS_H

#include <stddef.h>
#include <stdint.h>

struct brain;
struct buf;
struct err;
struct logs;

int brain_open_log_streams(struct brain *b, struct err *e);
/* followers.find: also of spares of deploys that are gone. */
int brain_find_logs(
	void *context, const char *const *targets, size_t count, struct logs *into, struct err *e);
/* The pipes of instances that are gone are closed, the others' [logs] looked at again. */
void brain_sweep_log_streams(struct brain *b);
/* herd_effects.last_lines: kept as they pass by; those of a life that began under an earlier brain are read back from its log. */
void brain_last_lines(void *context, const char *name, struct buf *out);

#endif
