/*
 * What every test of the keeper stands on: the real oxherd in a folder of its own, and the test as its brain.
 */
#ifndef OX_TESTS_STAGE_H
#define OX_TESTS_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "wire/keeper_msg.h"

enum {
	STAGE_WAIT_MS = 20000, /* for what must happen; only a failing test waits that long */
	STAGE_NOTES_MAX = 8192,
	STAGE_PATIENCE_MS = 300,
	STAGE_GRACE_MS = 200,
};

/* A message from the keeper, as far as tests look at it. */
struct note {
	enum keeper_msg_kind kind;
	struct keeper_ticket ticket;
	int64_t pid, state, is_taken, is_gone, status, stage, number, signal, cpu_us;
	uint64_t start_time, about;
	char name[KEEPER_NAME_MAX + 1];
	int fd; /* that came with it, or -1 */
	bool is_seen;
	int64_t at_ms, wall_ms, peak_kb;
	int64_t gate, place, socket, index, is_free, is_chosen;
};

struct stage {
	char home[64];
	char group
		[512]; /* a cgroup of its own, in which keepers of other tests do not look for dead ones; "": none */
	const char *program; /* of the keeper; NULL: the real one */
	int listener;
	pid_t keeper;
	int link;    /* to the brain's process; closing it ends that */
	pid_t brain; /* its pid */
	int sock;    /* the brain's end */
	uint64_t serial;
	struct note notes[STAGE_NOTES_MAX];
	int note_count;
	int notes_seen; /* all before this one are */
	int pings;      /* that came; each is answered at once */
	bool is_silent; /* but not by such a one */
	bool inherits;  /* a keeper was killed: the test is the parent of what it had, and reaps that */
};

/* cmocka's setup and teardown.  The teardown asks the keeper to stop all, and insists that it ends well and nothing is left. */
int stage_open(void **state);
int stage_close(void **state);
/* As stage_open, with a keeper that makes no cgroups, as on a machine that has none. */
int stage_open_without_cgroups(void **state);
/* As stage_open without a keeper. */
int stage_prepare(void **state);

/* Paths beside the test's own program: "oxherd", "tests/actor". */
void stage_program(char *path, size_t size, const char *name);
/* Runs oxherd in the stage's folder: its output goes to `out`, or to the log in the folder when that is -1. */
pid_t stage_run(struct stage *s, const char *const *more, int out);
/* Waits for a process; as waitpid gives it. */
int stage_wait(pid_t pid);
/* The next brain's connection; with `syncs` it says SYNC and SERVES. */
void stage_accept(struct stage *s, bool syncs);
/* It says both. */
void stage_sync(struct stage *s);
/* SIGKILL for the brain's process; the test's end of it is closed too. */
void stage_kill_brain(struct stage *s);
/* SIGKILL for the keeper, and its brain's process ends too.  What the keeper had is the test's now. */
void stage_kill_keeper(struct stage *s);
/* It was killed by somebody else. */
void stage_keeper_ended(struct stage *s);
/* The next keeper and the next brain, which says SYNC. */
void stage_next_keeper(struct stage *s);
/* Polls a condition until it holds, and fails the test when it does not. */
void stage_until(bool (*holds)(struct stage *s, int64_t value), struct stage *s, int64_t value);
/* Is there such a process, alive or not reaped? */
bool stage_exists(struct stage *s, int64_t pid);
bool stage_is_gone(struct stage *s, int64_t pid);
/* SIGSTOP, and waits until none of its threads runs any more: the signal takes effect later than the call. */
void stage_stop(struct stage *s, int64_t pid);
/* Has it ended, and was not reaped? */
bool stage_is_zombie(struct stage *s, int64_t pid);
/* Does the keeper's epoll wait for room in a socket? */
bool stage_waits_for_room(const struct stage *s);
/* The folder in which the keeper makes its cgroups; false if it makes none. */
bool stage_cgroups(const struct stage *s, char *path, size_t size);
/* These words are in the log by now; and not. */
void stage_assert_logs(const struct stage *s, const char *words);
void stage_assert_logs_not(const struct stage *s, const char *words);
/* What the keeper logged, on stderr. */
void stage_print_log(const struct stage *s);
/* How many processes have come from the keeper, the brain not counted. */
int stage_count(struct stage *s);
/* Until it is so many: a dying process leaves its cgroup a moment before the keeper can reap it. */
void stage_until_count(struct stage *s, int count);

/* --- talking --- */

/* `m` with the next serial; gives it. */
uint64_t stage_say(struct stage *s, struct keeper_msg *m, const int *fds, size_t count);
uint64_t stage_say_ticket(struct stage *s, enum keeper_msg_kind kind, uint64_t generation);
uint64_t stage_say_name(struct stage *s, enum keeper_msg_kind kind, const char *name, int fd);
uint64_t stage_signal(struct stage *s, uint64_t generation, int number, enum keeper_reach reach);
/* The next one of that kind about that ticket that no test has seen; 0 is any ticket.  Fails the test when none comes. */
struct note *stage_expect(struct stage *s, enum keeper_msg_kind kind, uint64_t generation);
struct note *stage_expect_error(struct stage *s, uint64_t about);
/* What is there already, or NULL: everything that the keeper said before now is looked through. */
struct note *stage_seen(struct stage *s, enum keeper_msg_kind kind, uint64_t generation);

/* --- upgrades --- */

uint64_t stage_say_upgrade(struct stage *s, const char *keeper, const char *brain);
/* To the programs that run already. */
uint64_t stage_say_same(struct stage *s);
/* The old brain leaves, and the new one serves. */
void stage_change_brains(struct stage *s);
/* All of it, to the programs that run already; it must work. */
void stage_upgrade(struct stage *s);
/* The path of a build that cannot read what this one hands over. */
void stage_other_build(struct stage *s, char *path, size_t size);

/* --- spawning --- */

/* A spawn order that a test can change before it is said. */
struct spawn_order {
	struct keeper_msg m;
	struct buf programs, argv, env;
	int fds[KEEPER_FDS_MAX];
	size_t fd_count;
};

/* Slot 1, that generation, the actor with these words (NULL ends them), its stdout at *out if that is not NULL. */
void order_actor(struct spawn_order *w, uint64_t generation, int *out, const char *const *words);
void order_program(struct spawn_order *w, uint64_t generation, int *out, const char *const *argv);
/* The same of a shell's script, as that user and group: the build may stand where only root may look, a shell is everywhere. */
void order_script_as(
	struct spawn_order *w, uint64_t generation, int *out, const char *script, uid_t uid, gid_t gid);
/* Says it and forgets it; gives the serial. */
uint64_t order_say(struct stage *s, struct spawn_order *w);
/* Both, and waits until it is there: its pid. */
pid_t stage_actor(struct stage *s, uint64_t generation, int *out, const char *const *words);

#define WORDS(...)                                                                                           \
	(const char *const[])                                                                                \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}

/* Reads until `words` are in it, or until the end when they are NULL; the test fails when they never come. */
void stage_read(int fd, struct buf *out, const char *words);
/* Reads to the end and closes. */
void stage_read_all(int *fd, struct buf *out);
/* What it prints from beginning to end; it must exit with 0. */
void stage_ask(struct stage *s, struct spawn_order *w, int *out, struct buf *text);
void stage_assert_has(const struct buf *text, const char *words);
void stage_assert_lacks(const struct buf *text, const char *words);
/* It never ran, for that reason, and leaves nothing. */
void stage_assert_fails(struct stage *s, struct spawn_order *w, enum keeper_spawn_stage where, int number);
/* A file in the stage's folder; its path goes to `path`. */
void stage_file(struct stage *s, char *path, size_t size, const char *name, const char *text, mode_t mode);

#endif
