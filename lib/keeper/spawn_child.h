/*
 * What a child does between fork and exec: no memory, no log, no stdio, nothing that takes a lock; it reports and ends when a step fails.
 */
#ifndef OX_KEEPER_SPAWN_CHILD_H
#define OX_KEEPER_SPAWN_CHILD_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "keeper/env_mark.h"
#include "wire/keeper_msg.h"

/* Where the sockets begin that a process is given. */
enum { LISTEN_FD = 3 };

/* All that the child will need, made ready before the fork. */
struct child_plan {
	const struct keeper_spawn *spawn;
	struct rlimit nofile;
	int oom; /* OOM_KEEP: the keeper's own */
	int report_fd;
	int group_fd; /* to be moved into; -1: it was born where it belongs */
	int spare;    /* from here up no target is */
	int sources[KEEPER_DESCRIPTORS_MAX];
	gid_t groups[KEEPER_GROUPS_MAX];
	char *programs[KEEPER_PROGRAMS_MAX + 1];
	char *argv[KEEPER_LIST_MAX + 1];
	char *env[KEEPER_LIST_MAX + 6];
	char mark[ENV_MARK_MAX];
	char *mark_pid; /* where its own pid goes */
	const struct env_mark_secret *secret;
	char listen_pid[32];
	int listen_count; /* sockets that it gets as descriptors from 3 on */
	int listening[KEEPER_PORTS_MAX];
	char listen_fds[32], listen_names[96];
	char gate_variable[160]; /* "": none */
};

/* What comes home through the pipe: shorter than PIPE_BUF, so it comes whole.  Of a child behind the gate it is a packet. */
struct child_failure {
	int32_t stage;
	int32_t number;
};

_Noreturn void child_run(struct child_plan *plan);

#endif
