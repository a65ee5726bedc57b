/*
 * Checks of health on the real machine: an HTTP request, a TCP connection, or a command through the keeper.  Nothing waits: each is a few turns of
 * the loop, bounded in time and bytes whatever the other side does.
 *
 * An answer on a loopback address counts only if the socket that gave it belongs to the instance's own process tree.  The socket is known by
 * its inode, so that question is answered by one look at the kernel's table once it was answered thoroughly.  Behind a gate, where several listen at
 * one address, a mark leads to the socket that is meant.
 */
#ifndef OX_SENSE_PROBE_H
#define OX_SENSE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "model/effect.h"
#include "model/reason.h"
#include "os/reuseport.h"

struct launch_env;
struct ev_loop;
struct probes;
struct runner;

enum {
	PROBE_LATE_MS = 1000,     /* a timeout that is noticed so late is ours, not the instance's */
	PROBE_STRANGER_MS = 1000, /* a socket that was judged a stranger's is judged again after this */
	PROBE_HELD_MAX = 8,       /* sockets of one instance that are tried */
	PROBE_WORDS_MAX = 160,    /* bytes of a command's last line in the result */
};

/* `why` is what it came to; NULL: there is nothing to say. */
typedef void (*probe_done)(
	void *context, struct ticket ticket, enum probe_answer answer, const struct reason *why);

/* All are borrowed. */
struct probes *probes_new(struct ev_loop *loop, struct runner *runner, probe_done done, void *context);
/* Before the runner; without a callback. */
void probes_free(struct probes *all);

/* A socket that the gate holds for an instance.  Others listen at the same address: a check reaches this one by the mark of its index (rules/gate_program.h). */
struct probe_held {
	struct tcp_address address;
	int index;
	uint32_t inode;
};

/* Those of an instance; without one, one that is behind a gate does not listen on its port yet. */
struct probe_helds {
	struct probe_held items[PROBE_HELD_MAX];
	size_t len;
};

/*
 * `done` is called once, never from inside this call, unless it is stopped before.  `caller` is whose environment a command gets, or NULL; `held` is
 * NULL for what is behind no gate.
 */
void probes_start(struct probes *all, const struct spawn_effect *effect, int64_t pid,
	const struct launch_env *caller, const struct probe_helds *held);
/* What is under way for it ends, and what was known of its sockets is forgotten. */
void probes_stop(struct probes *all, struct ticket ticket);

#endif
