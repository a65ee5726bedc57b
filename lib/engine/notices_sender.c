/*
 * Whose process a sender is, asked for one process only: a service may speak often, and a walk over all of /proc would be dear.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/notices_private.h"
#include "os/file.h"
#include "os/procfs.h"

enum { ANCESTORS_MAX = 64, CGROUP_FILE_MAX = 16 * 1024 };

/* The keeper names a group after the ticket, so that nothing that shares it can be another's. */
static bool shares_group(const struct speaker *s, pid_t pid)
{
	char path[64];
	char mine[64];
	struct buf text = BUF_INIT;
	bool is_shared = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	(void)snprintf(
		mine, sizeof(mine), "/%u.%llu.", s->ticket.slot, (unsigned long long)s->ticket.generation);
	if (file_read(path, CGROUP_FILE_MAX, &text, NULL) == 0) {
		const char *home = strstr(text.ptr, "/oxherd-");

		is_shared = home && strstr(home, mine);
	}
	buf_release(&text);
	return is_shared;
}

static bool descends(pid_t main, struct proc p)
{
	for (int i = 0; i < ANCESTORS_MAX && p.parent > 1; i++)
		if (p.parent == main || !procfs_read(p.parent, &p))
			return p.parent == main;
	return false;
}

bool sender_belongs(const struct speaker *s, pid_t pid, uid_t uid)
{
	struct proc p;

	if (pid == s->pid)
		return true;
	if (pid <= 1)
		return false;
	/* Gone within the moment, as those do who have only this to say. */
	if (!procfs_read(pid, &p))
		return uid == s->uid;
	return p.session == s->pid || descends(s->pid, p) || shares_group(s, pid);
}
