#include "os/netdiag.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool link_is(int folder, const char *name, const char *wanted, size_t wanted_len)
{
	char target[64];
	ssize_t len = readlinkat(folder, name, target, sizeof(target));

	return len == (ssize_t)wanted_len && !memcmp(target, wanted, wanted_len);
}

bool netdiag_pid_holds(pid_t pid, uint32_t inode)
{
	char path[32];
	char wanted[32];
	struct dirent *entry = NULL;
	DIR *folder = NULL;
	bool is_found = false;
	int wanted_len = snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	if (!folder)
		return false;
	/* cppcheck-suppress readdirCalled */
	for (int i = 0; i < NETDIAG_FDS_MAX && !is_found && (entry = readdir(folder)); i++)
		is_found = link_is(dirfd(folder), entry->d_name, wanted, (size_t)wanted_len);
	closedir(folder);
	return is_found;
}

pid_t netdiag_pid_of(uint32_t inode)
{
	struct dirent *entry = NULL;
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	if (!proc)
		return 0;
	/* cppcheck-suppress readdirCalled */
	for (int i = 0; i < NETDIAG_PROCS_MAX && !found && (entry = readdir(proc));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		i++;
		if (netdiag_pid_holds(pid, inode))
			found = pid;
	}
	closedir(proc);
	return found;
}
