/*
 * What the next keeper has to know of the processes of this one, should it be killed: a file in the run folder with a record of fixed size for
 * each slot that has or had a process.  A record is written by one pwrite inside one page, which no SIGKILL tears; nothing is fsynced,
 * as processes do not outlive the machine.  A ledger of an earlier start of the machine is empty.
 *
 * A disk that is full makes it incomplete: that is logged once, and what it lacks is found by its mark (keeper/adopt.h).
 */
#ifndef OX_KEEPER_LEDGER_H
#define OX_KEEPER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/keeper_msg.h"

struct err;
struct slot;
struct slots;

enum { LEDGER_RECORD = 256, LEDGER_BOOT_MAX = 64 };

/* What stays of a slot.  No pointers, fixed places: the next keeper may be of another build. */
struct ledger_record {
	int64_t slot;        /* 0: nothing stands here */
	uint64_t generation; /* as the ticket */
	int64_t pid;
	uint64_t start_time;
	int64_t state, is_taken, is_gone;
	int64_t status, at_ms, wall_ms, cpu_us, peak_kb;
	int64_t stage, number;
	char name[KEEPER_NAME_MAX + 1];
	uint8_t stop_signal; /* of GRACE; 0 in records of earlier builds */
	uint8_t spare[2];
	uint32_t grace_ms;
	int64_t is_stopping; /* bit 0; above it enum signalled */
};

struct ledger {
	int fd; /* -1: there is none, and nothing is remembered */
	bool is_failing;
	uint32_t next;                            /* where to look for room */
	unsigned char used[KEEPER_SLOTS_MAX / 8]; /* a bit a record */
};

void ledger_init(struct ledger *l);
/* Makes it, or with `goes_on` keeps what is there.  -1 with words; then it stays without a file, and everything below does nothing. */
int ledger_open(struct ledger *l, const char *folder, bool goes_on, struct err *e);
void ledger_close(struct ledger *l);
/* The next record at or after *index, which becomes its index; false after the last.  What makes no sense is passed over and taken out. */
bool ledger_next(struct ledger *l, int *index, struct ledger_record *r);
/* Writes what is known of the slot now; its first time gives it a place.  One without a pid is about to be started: no process, for the next keeper. */
void ledger_note(struct ledger *l, struct slot *s);
/* The pid and the start of a slot alone, by that process itself: what its keeper writes there meanwhile stays. */
void ledger_note_pid(const struct ledger *l, const struct slot *s);
void ledger_erase(struct ledger *l, struct slot *s);

/* Between a slot and its record; also for what travels through an exec. */
void ledger_fill(struct ledger_record *r, const struct slot *s);
void ledger_take(struct slot *s, const struct ledger_record *r);
bool ledger_makes_sense(const struct ledger_record *r);
/* For a keeper that was another before its exec: what stands there of these slots stays, the rest is put right. */
void ledger_resume(struct ledger *l, struct slots *all);
/* Can this build read what is there?  Nothing is touched; no ledger is fine.  -1 with words. */
int ledger_check(const char *folder, struct err *e);

#endif
