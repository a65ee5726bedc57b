/*
 * The brain's side of the logs: which instances have one, and how the herd learns that a disk is full.  Between the files of the brain.
 */
#ifndef OX_ENGINE_BRAIN_LOGS_H
#define OX_ENGINE_BRAIN_LOGS_H

#include "logs/location.h"
#include "logs/streams.h"

struct brain;
struct buf;
struct err;
struct instance;

int brain_open_log_streams(struct brain *b, struct err *e);
/* Where a stream of an instance is logged, and with whose rights; to be released. */
struct log_location brain_log_location(
	const struct brain *b, const struct instance *i, enum log_stream which);
/* The pipes of instances that are gone are closed, the others' [logs] looked at again. */
void brain_sweep_log_streams(struct brain *b);
/* herd_effects.last_lines: kept as they pass by; those of a life that began under an earlier brain are read back from its log. */
void brain_last_lines(void *context, const char *name, struct buf *out);

#endif
