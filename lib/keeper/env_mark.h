/*
 * The mark that every process of the herd carries in its environment (KEEPER_MARK of wire/keeper_msg.h), written and read:
 *
 *	<token>.<slot>.<generation>.<pid>.+<uid>.<seal>.<name>
 *
 * The token tells the marks of one keeper from those of another, and is no secret: it is in the names of cgroups.  The seal is a keyed hash over
 * all the rest, so only a keeper can write a mark.  A process can read its own, and all marks of its user: a mark proves that this very slot and
 * generation was started, as that pid and that user, and nothing about any other.
 *
 * Version 0.1.0 wrote marks without user and seal.  They are read, as unsealed ones; anybody can write such a mark.
 */
#ifndef OX_KEEPER_ENV_MARK_H
#define OX_KEEPER_ENV_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/siphash.h"
#include "wire/keeper_msg.h"

enum { ENV_MARK_MAX = KEEPER_NAME_MAX + 128, ENV_MARK_PID_DIGITS = 10, ENV_MARK_SEAL_DIGITS = 16 };

/* What only the keepers of one herd know; it outlives each of them (keeper/lock.h). */
struct env_mark_secret {
	unsigned char key[SIPHASH_KEY];
	/* When it was made, as start_time counts: what began before may carry an unsealed mark.  0: there was no herd before. */
	uint64_t since;
};

struct env_mark {
	struct keeper_ticket ticket; /* slot 0: the brain */
	pid_t pid;      /* of the main process: a process with the mark and another pid came from that one */
	bool is_sealed; /* a keeper wrote it; else anybody may have */
	uid_t uid;      /* that the main process was started as; only of a sealed one */
	char name[KEEPER_NAME_MAX + 1];
};

/* "OXHERD_MARK=…" with room for the pid and the seal, which env_mark_seal() fills in: gives where its pid goes. */
char *env_mark_write(
	char out[ENV_MARK_MAX], const char *token, struct keeper_ticket ticket, uid_t uid, const char *name);
/* Between fork and exec, in the child: no stdio, no memory. */
void env_mark_seal(char mark[ENV_MARK_MAX], char *digits, pid_t pid, const struct env_mark_secret *secret);
/* From what stands after "OXHERD_MARK=".  False for one with another token, one that makes no sense, and one with a false seal. */
bool env_mark_read(
	struct env_mark *b, const char *text, const char *token, const struct env_mark_secret *secret);
/* False when that process carries none, as above, or does not let us look. */
bool env_mark_of(struct env_mark *b, pid_t pid, const char *token, const struct env_mark_secret *secret);

#endif
