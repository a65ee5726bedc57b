/*
 * The keeper with what no message of a brain is to be able to cause: assertions that fail, in the place of fd_store_get, and its death between a fork
 * and the next line, when that child has ended, in the place of slots_born.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "keeper/fd_store.h"
#include "keeper/slots.h"

int __real_fd_store_get(const struct fd_store *h, const char *name);
int __wrap_fd_store_get(const struct fd_store *h, const char *name);

int __wrap_fd_store_get(const struct fd_store *h, const char *name)
{
	ASSERT(strcmp(name, "continues") != 0, "'%s' was asked for", name);
	if (!ASSERT_OR(strcmp(name, "refused") != 0, "'%s' was asked for", name)) {
		errno = ENOTRECOVERABLE;
		return -1;
	}
	return __real_fd_store_get(h, name);
}

void __real_slots_born(struct slots *all, struct slot *s, pid_t pid);
void __wrap_slots_born(struct slots *all, struct slot *s, pid_t pid);

void __wrap_slots_born(struct slots *all, struct slot *s, pid_t pid)
{
	siginfo_t end;

	if (strcmp(s->name, "unseen") == 0) {
		(void)waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT);
		(void)kill(getpid(), SIGKILL);
	}
	__real_slots_born(all, s, pid);
}
