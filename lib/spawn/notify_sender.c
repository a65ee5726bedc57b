/*
 * Whose process a sender is, asked for one process only: a service may speak often, and a walk over all of /proc would be dear.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/cgroup.h"
#include "os/procfs.h"
#include "spawn/notify_private.h"

enum { ANCESTORS_MAX = 64 };

/*
 * The keeper names a group after the ticket, and the main process is in it from its birth.  The whole path counts: others can make groups of that
 * name elsewhere.
 */
char *sender_group(struct ticket ticket, pid_t pid)
{
	char path[CGROUP_PATH_MAX];
	char mine[64];
	const char *name = NULL;

	(void)snprintf(mine, sizeof(mine), "/%u.%llu.", ticket.slot, (unsigned long long)ticket.generation);
	if (!cgroup_of(pid, path, sizeof(path)))
		return NULL;
	name = strstr(path, "/oxherd-");
	name = name ? strchr(name + 1, '/') : NULL;
	if (!name || strncmp(name, mine, strlen(mine)) != 0)
		return NULL;
	return mem_strndup(path, (size_t)(name - path) + 1 + strcspn(name + 1, "/"));
}

/* In it or below it. */
static bool shares_group(const struct peer *s, pid_t pid)
{
	char path[CGROUP_PATH_MAX];
	size_t len = s->group ? strlen(s->group) : 0;

	return len && cgroup_of(pid, path, sizeof(path)) && !strncmp(path, s->group, len) &&
		(!path[len] || path[len] == '/');
}

static bool descends(pid_t main, struct proc p)
{
	for (int i = 0; i < ANCESTORS_MAX && p.parent > 1; i++)
		if (p.parent == main || !procfs_read(p.parent, &p))
			return p.parent == main;
	return false;
}

bool sender_belongs(const struct peer *s, pid_t pid, uid_t uid)
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
