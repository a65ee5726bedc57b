/*
 * After an exit: start again, when, or not at all?  Values in, values out; the clock is an argument
 * (monotonic ms).
 */
#ifndef OX_RULES_RESTART_H
#define OX_RULES_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/reason.h"
#include "model/spec.h"

/* How a process ended, or why it never began. */
enum end_kind {
	END_EXITED,       /* `code` is the exit code */
	END_SIGNALED,     /* `code` is the signal's number */
	END_NEVER_READY,  /* alive, but not ready in time: a failed start */
	END_UNHEALTHY,    /* a failed liveness check */
	END_UNSEEN,       /* while no daemon was there: nobody knows how */
	END_SPAWN_FAILED, /* fork, chdir, exec …: `code` is errno */
	END_OVER_LIMIT,   /* stopped because it used more than its limits allow; no crash */
};

struct end {
	enum end_kind kind;
	int code;
};

/*
 * CRASH_LIMIT_WINDOW_MS belongs to crash_restart_limit: automatic restarts in five minutes.  That many are
 * remembered, so a larger limit counts as RESTART_HISTORY_MAX.  The other three keep an app without delays from
 * running hot.
 */
enum {
	RESTART_HISTORY_MAX = 64,
	CRASH_LIMIT_WINDOW_MS = 300000,
	RESTART_FAST_MAX = 5,
	RESTART_FAST_WINDOW_MS = 1000,
	RESTART_FAST_DELAY_MS = 100,
};

/* What is remembered of one instance; zeroed is "nothing happened yet". */
struct restart_history {
	int64_t crashes;                     /* consecutive */
	int64_t limits;                      /* consecutive restarts for a limit */
	int64_t ready_since;                 /* when this run became ready; 0: it did not */
	int64_t recent[RESTART_HISTORY_MAX]; /* when the last automatic restarts began or will, a ring */
	size_t recent_len, recent_at;
};

enum restart_verdict {
	RESTART_AFTER,    /* start again after `delay_ms` (0: now) */
	RESTART_FINISHED, /* ended as it should, stays down */
	RESTART_STOPPED,  /* the policy says never, and it did not end well: stays down */
	RESTART_GIVE_UP,  /* crashed too often */
};

struct restart_decision {
	enum restart_verdict verdict;
	int64_t delay_ms;
	bool is_crash; /* the policy does not accept it, or it failed to start or to stay healthy */
	/* How it ended and which rule decided: "exit code 1, crash 3 of 5, delay doubled to 412 ms".  Borrows only what stays. */
	struct reason why;
};

/*
 * Decides and remembers.
 *
 * Which ends are accepted: an exit code in stop_exit_codes, under every policy; exit code 0 under on-failure
 * and never.  Under always none other is: an exit with 0 waits and counts like any crash, or a program that
 * ends at once would run hot.  Everything else is a crash, a failed start and a failed liveness check
 * included; never leaves those STOPPED.  An accepted end forgets earlier crashes.
 *
 * Unseen: no crash is counted and nothing is forgotten; never leaves it down, the others start it again at once.
 *
 * When: the k-th consecutive crash waits restart_delay_ms * 2^(k-1).  `jitter` is a number in [0,1) that the
 * caller drew: up to 10 % is added to a delay, and the sum never passes restart_delay_max_ms.  The first
 * crash after restart_window_ms of being ready forgets earlier ones and counts as 1 (with a window of 0: after
 * any time of being ready); it is restarted at once, unless restart_delay_ms was written.  Where there would be no
 * delay, it is RESTART_FAST_DELAY_MS after RESTART_FAST_MAX automatic restarts within RESTART_FAST_WINDOW_MS.
 *
 * Too often: the crash that makes max_restarts in a row gives up, so 5 means five runs, four of them
 * restarts; the (n+1)-th automatic restart within CRASH_LIMIT_WINDOW_MS gives up for crash_restart_limit =
 * n.  0 or less is no limit.
 */
struct restart_decision restart_after(
	const struct spec *s, struct restart_history *h, struct end end, int64_t now, double jitter);
/* The run that has just become ready; the window counts from here, never from the spawn. */
void restart_ready(struct restart_history *h, int64_t now);
/* A start that somebody asked for (start, restart, deploy, reset): earlier crashes are forgotten. */
void restart_forget(struct restart_history *h);

#endif
