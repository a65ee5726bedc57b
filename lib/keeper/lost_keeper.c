#include "keeper/lost_keeper.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "keeper/kill.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

enum { KEEPER_FDS_MAX = 64 /* the locks are among the first that it opens */ };

struct search {
	char lock[PATH_MAX + 16]; /* the place of our lock, as the kernel tells it of a deleted file */
	struct lost_keeper *found;
};

static bool holds_deleted(const struct search *s, pid_t pid)
{
	char path[64], target[sizeof(s->lock)];
	const struct dirent *entry = NULL;
	DIR *folder = NULL;
	bool is_it = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	/* cppcheck-suppress readdirCalled */
	for (int i = 0; folder && !is_it && i < KEEPER_FDS_MAX && (entry = readdir(folder)); i++) {
		ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		is_it = len > 0 && strcmp(target, s->lock) == 0;
	}
	if (folder)
		closedir(folder);
	return is_it;
}

static bool look_for_holder(void *context, const struct proc *p)
{
	struct search *s = context;
	uid_t uid = 0;

	if (p->pid == getpid())
		return true;
	if (!procfs_uid(p->pid, &uid) || uid != geteuid() || !holds_deleted(s, p->pid))
		return true;
	*s->found = (struct lost_keeper){ .pid = p->pid, .start_time = p->start_time };
	return false;
}

bool lost_keeper_find(int lock_fd, struct lost_keeper *found)
{
	static const char gone[] = " (deleted)";
	struct search s = { .found = found };
	char link[64];
	ssize_t len = 0;

	*found = (struct lost_keeper){ .pid = 0 };
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", lock_fd);
	len = readlink(link, s.lock, PATH_MAX);
	if (len <= 0)
		return false;
	memcpy(s.lock + len, gone, sizeof(gone));
	(void)procfs_each_like_us(look_for_holder, &s);
	return found->pid != 0;
}

void lost_keeper_wake(const struct lost_keeper *found)
{
	int fd = pidfd_of(found->pid, found->start_time);

	if (fd >= 0)
		(void)kill_pidfd(fd, SIGUSR1);
	fd_close(&fd);
}
