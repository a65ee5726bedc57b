/*
 * What the next keeper has to know of the processes behind the gate, should this one be killed: a file beside the ledger (keeper/ledger.h), with a record of
 * fixed size for each slot that is behind one.  It is written before its process is there, so that one that is forked in the moment of the kill is known too.
 */
#ifndef OX_KEEPER_GATE_LEDGER_H
#define OX_KEEPER_GATE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/keeper_msg.h"

struct slot;
struct slots;

enum { GATE_RECORD = 128 };

/* No pointers, fixed places: the next keeper may be of another build. */
struct gate_record {
	int64_t slot;        /* 0: nothing stands here */
	uint64_t generation; /* as the ticket */
	int64_t gate, place, hook_kind, port_count;
	uint16_t ports[KEEPER_PORTS_MAX];
	int64_t is_chosen; /* its sockets get new connections */
	uint64_t
		call; /* id of the last one of its process that was received: nobody else can see it any more */
	int64_t caller, target;
	uint64_t address, size; /* in the memory of the caller */
	int32_t backlog;
	uint8_t is_listen;
	char spare[11];
};

struct gate_ledger {
	int fd; /* -1: there is none, and nothing is remembered */
	bool is_failing;
	unsigned char used[KEEPER_SLOTS_MAX / 8]; /* a bit a record */
};

/* Makes it, or with `goes_on` keeps what is there; where that fails it is logged, and there is none. */
void gate_ledger_open(struct gate_ledger *l, const char *folder, bool goes_on);
void gate_ledger_close(struct gate_ledger *l);
/* Writes what is known of the slot now; its first time gives it a place. */
void gate_ledger_note(struct gate_ledger *l, struct slot *s);
struct bind_call;
/* Before anything is done about it. */
void gate_ledger_note_call(struct gate_ledger *l, const struct slot *s, const struct bind_call *call);
/* The one that stands there; false: none. */
bool gate_ledger_call(const struct gate_ledger *l, const struct slot *s, struct bind_call *call);
void gate_ledger_erase(struct gate_ledger *l, struct slot *s);
/* Slots that are behind no gate get what stands there of them; of others it is their place.  What is nobody's is taken out. */
void gate_ledger_resume(struct gate_ledger *l, struct slots *all);

#endif
