/*
 * The gate: listening sockets that the keeper holds beside the processes that opened them.  The kernel shares connections out among those of one address;
 * the keeper knows their order there, as it does each listen itself, and gives the kernel the program that says who gets any.  When a process has ended its
 * sockets stay, with the connections that wait at them, until the next process of the same place binds: it gets the old socket in place of its own.
 *
 * No socket that somebody has ever changes its index, so that the mark of a probe is always right: what is not needed any more is closed only at the end
 * of a list, and stays for the next bind elsewhere.  A process that shuts its socket down itself moves others; that is found out with the next change.
 *
 * Everything stands in fixed tables, of which only what is used costs memory.
 */
#ifndef OX_KEEPER_GATE_H
#define OX_KEEPER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper/gate_ledger.h"
#include "os/reuseport.h"
#include "wire/keeper_msg.h"

enum {
	GATE_SOCKETS_MAX = 8192,
	GATE_LISTS_MAX = 2048,
	GATE_LIST_MAX = 4096, /* sockets in one list */
	/* Of one place of a gate: more would be a mistake of its program, and a burden for others. */
	GATE_PLACE_MAX = 64,       /* sockets */
	GATE_PLACE_LISTS_MAX = 16, /* lists that these stand in: two addresses a port */
};

struct slot;
struct slots;

/* What a slot has of the gate. */
struct slot_gate {
	int64_t number; /* of the gate; 0: its process has none */
	int64_t place;
	int port_count;
	uint16_t ports[KEEPER_PORTS_MAX];
	int kind;       /* enum keeper_hook */
	int hook;       /* the listener of its process' filter, or what its library connects to; -1 */
	int connection; /* of its library, while its call is not answered; -1 */
	pid_t caller;   /* whose connection it is */
	int record;     /* its place in the gate's ledger, or -1 */
	bool is_chosen; /* its sockets get new connections, as the ledger has it */
	bool is_named;  /* while that is found out */
	int unheld;     /* the errno with which a socket of its could not be held, to be sent to the brain */
};

/* A held socket.  An unused record has the number 0. */
struct gate_socket {
	int64_t number; /* never the same twice; names the record too */
	uint64_t inode;
	int fd;
	int list;
	int next; /* in the list, in no order; of an unused one the next unused one */
	int next_pending;
	int index; /* in the kernel's order; -1: it does not listen */
	int64_t place;
	struct keeper_ticket owner; /* the last one, when it is free */
	pid_t pid; /* of the process in the owner's tree that listened or bound last, with its start */
	uint64_t start_time;
	uint64_t freed_at; /* counts up; 0: a living owner has it */
	bool is_chosen;    /* gets new connections */
	bool is_spare;     /* nobody needs it: for the next one that binds here, of whatever place */
	bool is_announced; /* the brain knows of it, or a message is due */
	bool is_pending;   /* stands in the queue of what is to be sent */
	bool is_selected;  /* during a search or a choice */
};

/* Sockets of one address.  An unused record has no socket. */
struct gate_list {
	struct tcp_address address;
	int64_t gate;
	int first;                    /* of its sockets; -1: none */
	int total;                    /* sockets, those that do not listen included */
	int count;                    /* that listen: the length of the kernel's list */
	uint64_t shut_down, failures; /* that were warned of, or would have been: of sockets, and programs */
};

struct gate {
	int epoll;         /* for the hooks, with their slot as data; -1: there can be none */
	const char *token; /* of the marks; NULL: none is looked at */
	struct gate_socket sockets[GATE_SOCKETS_MAX];
	struct gate_list lists[GATE_LISTS_MAX];
	struct slots *slots; /* whose choice the ledger has; NULL: nobody's */
	struct gate_ledger ledger;
	bool has_lost; /* where sockets that nobody holds may listen, so that a new list may be none */
	int used_sockets, used_lists; /* no record from there up was ever used */
	int free_socket;              /* the first unused one below; -1 */
	int held, hooks;              /* how many there are */
	int first_pending, last_pending;
	uint64_t serial, frees;
};

/* There is one a program, as it is large. */
struct gate *gate_open(void);
void gate_close(struct gate *g);

/* --- what slots are to it --- */

/* What a SPAWN says, before the process is there. */
void gate_enter(struct gate *g, struct slot *s, const struct keeper_msg *m);
/* The listener of its filter has come, and is taken over. */
void gate_hooked(struct gate *g, struct slot *s, int *hook);
/* Its main process has ended: what it had is free. */
void gate_ended(struct gate *g, struct slot *s);
/* The slot is given back. */
void gate_forget(struct gate *g, struct slot *s);

/* --- what processes do: gate_calls.c --- */

/* Handles calls that wait, a bounded number; `before` is called for a slot that has not reported its exec yet. */
void gate_receive(
	struct slots *all, struct gate *g, void (*before)(void *context, struct slot *s), void *context);

/* --- what the brain says --- */

/* These get new connections.  -1 with errno, ESRCH for a socket that the gate does not have. */
int gate_choose(struct gate *g, int64_t gate, const struct keeper_numbers *numbers);
/* -1 with errno: ESRCH, EBUSY when a living process has it. */
int gate_drop(struct gate *g, int64_t number);

/* --- handed over to another build: gate_handover.c --- */

struct handover;
struct handover_slot;
/* List after list; of each first what does not listen, then the others by index. */
void gate_each(const struct gate *g,
	void (*visit)(void *context, const struct gate_list *l, const struct gate_socket *h), void *context);
/* What a slot had; it may have been behind no gate. */
void gate_resume_slot(struct gate *g, struct slot *s, const struct handover_slot *from);
/* All sockets, in a gate that has none yet. */
void gate_resume(struct gate *g, const struct handover *l);

/* --- after a keeper that was killed: gate_adopt.c --- */

struct tree;
/* What its processes have is held again; `tree` tells whose each is. */
void gate_adopt(struct gate *g, struct slots *all, const struct tree *tree);

/* --- messages to the brain --- */

/* The next one of which a message is due, or NULL. */
struct gate_socket *gate_pending(const struct gate *g);
int64_t gate_number(const struct gate *g, const struct gate_socket *h);
/* It was sent. */
void gate_told(struct gate *g);
/* Of all of them, for a new brain. */
void gate_tell_all(struct gate *g);

/* --- shared with gate_calls.c --- */

/* Of that address, whichever gate's; NULL. */
struct gate_list *gate_find_list(struct gate *g, const struct tcp_address *address);
/* Does another gate have sockets there, or where connections to there would arrive? */
bool gate_is_anothers(const struct gate *g, int64_t gate, const struct tcp_address *address);
struct gate_socket *gate_find_inode(struct gate *g, const struct gate_list *l, uint64_t inode);
/* For process `pid` of that slot, which binds there: one that is free, of its place, or a spare one. */
struct gate_socket *gate_find_free(
	struct gate *g, const struct gate_list *l, const struct slot *s, pid_t pid);
bool gate_is_owner(const struct gate_socket *h, const struct slot *s);
/* `pid` of that slot has it from now on. */
void gate_take(struct gate *g, struct gate_socket *h, const struct slot *s, pid_t pid);
enum gate_held {
	GATE_HELD,
	GATE_REFUSED, /* its process gets the errno */
	GATE_UNHELD,  /* it cannot be held, for the reason that errno says; nothing has happened */
};

/* A bound socket that does not listen yet, with what its process asks for. */
struct gate_listen {
	int fd;
	pid_t pid;
	int backlog;
	struct tcp_address address;
};

/* It listens from now on, and is held; then what->fd was taken over. */
enum gate_held gate_hold(struct gate *g, const struct slot *s, struct gate_listen *what);
/* A held one listens again, with another backlog.  An errno of listen(). */
int gate_listen_again(struct gate *g, struct gate_socket *h, int backlog);
void gate_announce(struct gate *g, struct gate_socket *h);

#endif
