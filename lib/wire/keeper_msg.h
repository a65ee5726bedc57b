/*
 * The messages between the brain and the keeper, on buffers only.  They travel over a SOCK_SEQPACKET pair, one message a packet, so
 * that a bad one spoils nothing but itself.  Both ends are one build's or an upgrade's: numbers are little endian, 8 bytes each.
 *
 * The protocol:
 *	The brain finds the keeper at descriptor KEEPER_FD and sends SYNC.  Nothing is sent to it before.  The answer is HELLO, a SLOT for each
 *	process that the keeper has, a HELD for each descriptor, SYNCED.  After the SLOT of one that was asked to end comes ASKED; after that of
 *	one that has ended and was not taken its EXITED or SPAWN_FAILED, and TREE_GONE when that was so already.
 *	SPAWN is answered by SPAWNED or SPAWN_FAILED; a SPAWNED by one EXITED, sooner or later, never before it.
 *	An exit stays with the keeper, and is sent to every next brain, until TAKE_EXIT.  FORGET takes it too and gives the slot back; it
 *	is refused while the main process lives.  The usual walk: EXITED, END_TREE, TREE_GONE, FORGET.
 *	ASKED precedes the signal or the message that stops a process: its exit is no crash and no end for good, whatever its
 *	code, and a brain that dies before it has saved that has said it all the same.
 *	STOP is that and the signal in one, and END_TREE the same signal for what is left of the tree once the main process has ended; TREE_GONE
 * follows when nothing is left.  Each is sent once in a process' life, also when it is requested again: a brain that was killed in between leaves
 * to the next
 *	one what it had begun.
 *	GRACE follows a SPAWN and whatever changes it: with it the keeper does not wait for END_TREE.  When the main process has ended, what is left of the
 *	tree gets the signal at once, and SIGKILL when the grace is over and no brain has sent KILL_TREE; the grace begins with ASKED or STOP, or with the
 *	end.  An exit with 0 that no brain has asked for waits for END_TREE all the same: the brain looks at what the process has left behind.
 *	SPAWN_LONG stands for a SPAWN that is too long for the socket: its last descriptor is sealed memory that holds the SPAWN.
 *	KILL_TREE is SIGKILL for the main process and all that came from it, until nothing is left: TREE_GONE, once.
 *	HOLD carries one descriptor, and replaces what had the name.  GET is answered by HELD with it.
 *	What cannot be done is answered by ERROR with the serial of the message (a spawn's generation is a good one).  A SPAWN that was
 *	understood and cannot be begun, for want of a held descriptor or of memory, is a SPAWN_FAILED like any other; only one whose ticket is
 *	there already, or that finds every slot taken, gets an ERROR.
 *	SERVES means that clients are answered now: the program that started the daemon gets a report.
 *	UPGRADE names the programs that are to take over.  ERROR: nothing has changed.  Else the keeper that answers UPGRADED is the new one, has
 *	everything that the old one had, this brain's socket too, and waits for this brain to end, so that a new one can replace it.  If that one
 *	does not serve, the old keeper and the old brain return.  Every brain since gets UPGRADED with the result: number is 0 if it worked.
 *	PING may come at any time after SYNC, and the answer is a PONG about its serial, after the messages before it.  A brain that does not send it in
 *	time is killed, and another is started.
 *	A brain may send PING too: its messages before were handled then, and what the keeper had to say until then came before the PONG.
 *	LISTENS is about a socket of the gate that the keeper holds, which travels with it: a process listens at it, it has got another index, or, for a
 *	new brain before SYNCED, it is there.  Its number never means another one.  One with the number 0 and an errno says that the process listens
 *	where the gate could not hold the socket.  When the ticket of a socket has EXITED nobody has it, until LISTENS names the next ticket: the next
 *	process of the same place gets it at its bind, with the connections that wait at it.
 *	CHOOSE names all sockets of a gate that get new connections from now on, in equal shares; of an address at which it names none nothing changes.
 *	The first socket of an address is chosen, later ones are not.  Of processes that have ended the keeper takes the sockets out of the choice itself, as
 *	long as a living one is left.  ERROR: nothing has changed.
 *	DROP: nobody needs a socket any more.  It is closed when that moves none of those that others have, or is kept for a later bind.
 *	SIGNALLED tells what signal the keeper got.  After SIGTERM or SIGINT the brain stops its services and says STOP_ALL.
 *
 * A log pipe is a FIFO that the child opens for reading and writing, so that no reader's death breaks it.  What is in it is lost when the
 * child dies while nobody else has it open: a brain HOLDs its own end, and the keeper's copy keeps it for the next brain.
 */
#ifndef OX_WIRE_KEEPER_MSG_H
#define OX_WIRE_KEEPER_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cpu_list.h"

struct err;

enum {
	KEEPER_VERSION = 1,
	KEEPER_FD = 3, /* where the brain finds the keeper */

	KEEPER_MSG_MAX = 256 * 1024, /* bytes of one message */
	KEEPER_SPAWN_MAX = 8 << 20,  /* bytes of a SPAWN that comes in a SPAWN_LONG: more than exec takes */
	KEEPER_SPAWN_SHORT = 64 * 1024, /* one of more bytes than these comes so */
	KEEPER_SLOTS_MAX = 16384,       /* processes that a keeper has, the ended ones counted until FORGET */
	KEEPER_HELD_MAX = 4096,         /* descriptors that it holds */
	KEEPER_FDS_MAX = 32,            /* descriptors that one message carries */
	KEEPER_NAME_MAX = 128,          /* bytes of a name */
	KEEPER_PATH_MAX = 4095,         /* bytes of a path */
	KEEPER_WORDS_MAX = 512,         /* bytes of words */
	KEEPER_LIST_MAX = 4096,         /* strings in argv, in env */
	KEEPER_PROGRAMS_MAX = 64,       /* paths to try */
	KEEPER_DESCRIPTORS_MAX = 64,    /* that a child gets */
	KEEPER_TARGET_MAX = 255,        /* the highest number of one of them */
	KEEPER_RLIMITS_MAX = 16,
	KEEPER_GROUPS_MAX = 1024,
	KEEPER_PORTS_MAX = 8,     /* of one process, behind the gate */
	KEEPER_CHOSEN_MAX = 8192, /* sockets that one CHOOSE names */
};

/* The variable that the keeper adds to every child: see keeper/env_mark.h.  Inner: never documented to users, never passed on. */
#define KEEPER_MARK "OXHERD_MARK"
/* Where programs are looked for when nobody says. */
#define KEEPER_PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

enum keeper_msg_kind {
#define X(name, word, fields) KEEPER_##name,
#include "wire/keeper_msg_kinds.def"
#undef X
	KEEPER_KIND_COUNT,
};

/* The status of an EXITED that nobody saw.  waitpid never gives it. */
enum { KEEPER_STATUS_UNKNOWN = 0xffff };

/* Later ones stand at the end, as their numbers are remembered. */
enum keeper_spawn_stage {
#define X(name, words) KEEPER_STAGE_##name,
#include "wire/spawn_stages.def"
#undef X
	KEEPER_STAGE_COUNT,
};

enum keeper_state {
	KEEPER_STATE_STARTING, /* forked; exec has not come home yet */
	KEEPER_STATE_RUNNING,
	KEEPER_STATE_EXITED,
	KEEPER_STATE_FAILED, /* never ran */
	KEEPER_STATE_COUNT,
};

/* How the gate learns that a process listens. */
enum keeper_hook {
	KEEPER_HOOK_SECCOMP,
	KEEPER_HOOK_PRELOAD, /* by liboxgate.so, which LD_PRELOAD of its environment names */
	KEEPER_HOOK_FDS, /* it gets them from the keeper, as LISTEN_FDS says: descriptors from 3 on, one a port */
	KEEPER_HOOK_COUNT,
};

enum keeper_reach { KEEPER_REACH_MAIN, KEEPER_REACH_TREE, KEEPER_REACH_COUNT };

/* One attempt to run something; both numbers are the brain's.  Never the same twice in a keeper's life. */
struct keeper_ticket {
	int64_t slot;        /* 1..2^32-1 */
	uint64_t generation; /* not 0 */
};

/* Strings one after the other, each with its '\0'; borrowed. */
struct keeper_list {
	const char *bytes;
	size_t len;
	size_t count;
};

/* Numbers as they travel; borrowed. */
struct keeper_numbers {
	const char *bytes;
	size_t count;
};

enum keeper_fd_from {
	KEEPER_FROM_NULL, /* /dev/null */
	KEEPER_FROM_FIFO, /* the FIFO at path `name`, made with 0600 if missing; it must be ours, or one that we gave to a user */
	KEEPER_FROM_HELD, /* what is held as `name` */
	KEEPER_FROM_SENT, /* the message's own descriptor number `index` */
	KEEPER_FROM_COUNT,
};

struct keeper_descriptor {
	int64_t target; /* its number in the child; 0, 1 and 2 are /dev/null unless listed */
	int64_t from;
	int64_t index;    /* KEEPER_FROM_SENT */
	const char *name; /* KEEPER_FROM_FIFO, KEEPER_FROM_HELD; "" for the others */
};

struct keeper_rlimit {
	int64_t resource; /* as RLIMIT_NOFILE */
	uint64_t soft, hard;
};

enum {
	KEEPER_SPAWN_USER = 1,       /* become uid, gid and exactly these groups */
	KEEPER_SPAWN_NICE = 2,       /* nice is set */
	KEEPER_SPAWN_OOM = 4,        /* oom_score_adj is set */
	KEEPER_SPAWN_LISTEN_PID = 8, /* add LISTEN_PID, with the child's own pid */
	KEEPER_SPAWN_CPUS = 16,      /* cpus is set, and travels: earlier keepers refuse such a message */
	KEEPER_SPAWN_GATE = 32,      /* the gate's part is set, and travels: as above */
	KEEPER_SPAWN_FLAGS = 63,
};

/*
 * What a child shall be.  Always: a session of its own, default signal handlers, an empty mask, the limits that the keeper was started
 * with unless others are given, no descriptor but those listed, the environment as it stands here and the mark.
 */
struct keeper_spawn {
	int64_t flags;
	struct keeper_list programs; /* tried in order, as execvp does; see keeper_programs() */
	struct keeper_list argv;
	struct keeper_list env;
	const char *folder;
	int64_t umask;
	int64_t nice;
	int64_t oom_score_adj;
	int64_t uid, gid;
	size_t descriptor_count, rlimit_count, group_count;
	struct keeper_descriptor descriptors[KEEPER_DESCRIPTORS_MAX]; /* no target twice */
	struct keeper_rlimit rlimits[KEEPER_RLIMITS_MAX];
	int64_t groups[KEEPER_GROUPS_MAX];
	struct cpu_list cpus; /* of these it uses what there is; it does not start where there is none */
	int64_t hook;         /* enum keeper_hook; what it opens at one of `ports` is held by the gate */
	size_t port_count;
	int64_t ports[KEEPER_PORTS_MAX];
};

/* Any message; keeper_msg_kinds.def says which of these it carries, the others are 0, "" or empty. */
struct keeper_msg {
	enum keeper_msg_kind kind;
	uint64_t serial; /* the sender's; comes back as `about` in an ERROR */
	struct keeper_ticket ticket;
	const char *name; /* of the slot ("api:2"), or of a held descriptor */
	int64_t version;
	int64_t pid;
	uint64_t start_time;       /* as in /proc/PID/stat */
	int64_t state;             /* enum keeper_state */
	int64_t is_taken, is_gone; /* of a SLOT: its exit was taken; nothing of its tree is left */
	int64_t status;            /* as waitpid gives it */
	int64_t at_ms;             /* monotonic */
	int64_t wall_ms;           /* since 1970 */
	int64_t cpu_us, peak_kb;   /* of an EXITED: what it used up, its reaped children included */
	int64_t stage;             /* enum keeper_spawn_stage */
	int64_t number;            /* errno */
	int64_t signal;
	int64_t reach;    /* enum keeper_reach */
	int64_t grace_ms; /* of STOP_ALL: between SIGTERM and SIGKILL */
	uint64_t about;
	const char *
		words; /* ERROR: why; HELLO: the token of this keeper's marks; UPGRADED: why not, or its version */
	const char *keeper_path, *brain_path; /* of an UPGRADE */
	struct keeper_spawn spawn;
	int64_t gate, place; /* of a SPAWN with KEEPER_SPAWN_GATE too; numbers of the brain's choosing */
	int64_t socket;      /* the number of one that the keeper holds */
	int64_t index;       /* in the kernel's list of those at its address; -1: it does not listen */
	int64_t is_free, is_chosen;   /* no living process has it; it gets new connections */
	struct keeper_numbers chosen; /* of sockets */
};

const char *keeper_msg_kind_word(enum keeper_msg_kind kind);
const char *keeper_spawn_stage_words(enum keeper_spawn_stage stage);

/* All zeros and empty strings, ready to be filled and written. */
void keeper_msg_init(struct keeper_msg *m, enum keeper_msg_kind kind);
/* Appends one message, or leaves `out` as it was and gives -1 when it breaks a rule that the reader would refuse. */
int keeper_msg_write(struct buf *out, const struct keeper_msg *m, struct err *e);
/*
 * Reads one whole message; strings and lists are borrowed from `bytes`.  -1 with words for anything that is not exactly as keeper_msg_write()
 * writes it.  Then kind, serial and ticket are as far as they could be read, else KEEPER_KIND_COUNT and 0.
 */
int keeper_msg_read(struct keeper_msg *m, const char *bytes, size_t len, struct err *e);

/* Builds a list in a buf: add each string, then look at it as a list; it borrows from the buf. */
void keeper_list_add(struct buf *run, const char *text);
struct keeper_list keeper_list_of(const struct buf *run);
/* The string after `previous`, the first after NULL; NULL at the end. */
const char *keeper_list_next(const struct keeper_list *list, const char *previous);
/* The same for numbers. */
void keeper_numbers_add(struct buf *run, int64_t number);
struct keeper_numbers keeper_numbers_of(const struct buf *run);
int64_t keeper_numbers_at(const struct keeper_numbers *numbers, size_t index);
/*
 * Where to look for a program: `name` itself if it has a slash, else in each folder of `path` (an empty one is the working folder), or of a
 * plain default when `path` is NULL.  Adds at most KEEPER_PROGRAMS_MAX.
 */
void keeper_programs(struct buf *run, const char *name, const char *path);

#endif
