/*
 * What a keeper takes along when it execs another build of itself: a file in memory with a head, a record of fixed size for each slot, for each
 * held descriptor and for each socket of the gate, and the run folder.  Descriptors stay open over the exec, and stand here by number.  No pointers and
 * fixed places: who reads it is of another build.  Nothing else survives, and nothing else has to: signals that are pending stay so, children stay
 * children.
 *
 * There are two formats.  The second one is written where something is behind the gate: earlier builds, which would lose that, do not read it.
 */
#ifndef OX_KEEPER_HANDOVER_H
#define OX_KEEPER_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "keeper/ledger.h"
#include "os/reuseport.h"
#include "wire/keeper_msg.h"

struct err;
struct keeper;

enum { HANDOVER_TOKEN = 24, HANDOVER_RECORD = 512, HANDOVER_HEAD = 512 };

struct handover_head {
	char magic[32];
	int64_t size; /* of the whole file */
	int64_t slots, held;
	int64_t run_lock, state_lock; /* descriptors, as all below that are called so; -1: none */
	char token[HANDOVER_TOKEN];
	int64_t brain_pid;
	uint64_t brain_start_time;
	int64_t brain_sock, brain_report; /* descriptors */
	int64_t brain_started_at, brain_has_served, brain_is_synced;
	uint64_t signals;  /* to be sent to a brain */
	int64_t old_brain; /* descriptor of the brain's program, as it is before the upgrade */
	int64_t sockets;   /* of the gate; 0 in the first format, as all below */
	uint64_t gate_serial, gate_frees;
	char spare[320];
};

struct handover_slot {
	struct ledger_record record;
	int64_t is_child, was_adopted, is_killing, has_failure;
	int64_t pidfd, report; /* descriptors */
	uint64_t ended_ticks;
	int64_t pending;
	int64_t is_ending, rest_signal, tree_signal;
	int64_t is_self_ended, stopping_at, kill_at;
	int64_t gate; /* 0: it is behind none, and the rest is 0 */
	int64_t place, unheld;
	int64_t hook; /* descriptor */
	int64_t port_count;
	uint16_t ports[KEEPER_PORTS_MAX];
	int64_t hook_kind;
	int64_t connection; /* descriptor, of a process that has not been answered yet */
	int64_t caller;     /* its pid */
	char spare[64];
};

struct handover_held {
	char name[136];
	int64_t fd;
	char spare[368];
};

/* List after list; of each first what does not listen, then the others by index. */
struct handover_socket {
	int64_t number, fd, index, place, gate;
	int64_t owner_slot;
	uint64_t owner_generation;
	int64_t pid;
	uint64_t start_time, inode, freed_at;
	int64_t is_chosen, is_spare, is_announced, is_pending;
	struct tcp_address address;
	char spare[364];
};

/* Unpacked: all of it in one piece of memory. */
struct handover {
	struct buf bytes;
	struct handover_head head;
};

/* A descriptor of the packed file, close-on-exec; -1 with words. */
int handover_pack(const struct keeper *k, struct err *e);
/* Whatever does not fit together is an error with words; nothing was changed then. */
int handover_unpack(struct handover *l, int fd, struct err *e);
/* The same from bytes, which are copied. */
int handover_read(struct handover *l, const char *bytes, size_t len, struct err *e);
void handover_release(struct handover *l);

void handover_slot(const struct handover *l, size_t index, struct handover_slot *s);
void handover_held(const struct handover *l, size_t index, struct handover_held *h);
void handover_socket(const struct handover *l, size_t index, struct handover_socket *s);
const char *handover_run(const struct handover *l);
/* Calls for every descriptor that travels. */
void handover_each_fd(const struct handover *l, void (*visit)(int fd, int flags), int flags);

#endif
