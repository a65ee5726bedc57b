#include "os/netdiag.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"

enum { CLOCK_STEPS = 64 };

/* "socket:[812]" */
static bool socket_of(int folder, const char *name, uint32_t *inode)
{
	static const char start[] = "socket:[";
	char target[64];
	ssize_t len = readlinkat(folder, name, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	if (strncmp(target, start, sizeof(start) - 1) != 0)
		return false;
	*inode = (uint32_t)strtoul(target + sizeof(start) - 1, NULL, 10);
	return true;
}

/* False when there is nothing in the folder, or it cannot be looked at. */
static bool look_into(const char *path, int64_t until, netdiag_visit visit, void *context)
{
	struct dirent *entry = NULL;
	DIR *folder = opendir(path);
	bool goes_on = true;
	bool has_any = false;

	if (!folder)
		return false;
	/* cppcheck-suppress readdirCalled */
	for (int i = 1; goes_on && (entry = readdir(folder)); i++) {
		uint32_t inode = 0;

		if (entry->d_name[0] == '.')
			continue;
		has_any = true;
		if (socket_of(dirfd(folder), entry->d_name, &inode))
			goes_on = visit(context, inode);
		if (i % CLOCK_STEPS == 0)
			goes_on = goes_on && clock_cpu_ms() < until;
	}
	closedir(folder);
	return has_any;
}

/* The first thread has ended and the kernel shows no descriptors of it; the others have them still. */
static void look_into_threads(pid_t pid, int64_t until, netdiag_visit visit, void *context)
{
	char path[64];
	struct dirent *entry = NULL;
	DIR *tasks = NULL;
	bool is_found = false;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	/* cppcheck-suppress readdirCalled */
	while (tasks && !is_found && clock_cpu_ms() < until && (entry = readdir(tasks))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", (int)pid, (int)thread);
		is_found = thread > 0 && thread != pid && look_into(path, until, visit, context);
	}
	if (tasks)
		closedir(tasks);
}

void netdiag_pid_sockets(pid_t pid, int64_t until, netdiag_visit visit, void *context)
{
	char path[32];

	if (clock_cpu_ms() >= until)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (!look_into(path, until, visit, context))
		look_into_threads(pid, until, visit, context);
}

struct wanted {
	uint32_t inode;
	bool is_found;
};

static bool is_another(void *context, uint32_t inode)
{
	struct wanted *wanted = context;

	wanted->is_found = inode == wanted->inode;
	return !wanted->is_found;
}

bool netdiag_pid_holds(pid_t pid, int64_t until, uint32_t inode)
{
	struct wanted wanted = { .inode = inode };

	netdiag_pid_sockets(pid, until, is_another, &wanted);
	return wanted.is_found;
}

pid_t netdiag_pid_of(uint32_t inode)
{
	return netdiag_pid_among(inode, clock_cpu_ms() + NETDIAG_LOOK_MS);
}

pid_t netdiag_pid_among(uint32_t inode, int64_t until)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	if (!proc)
		return 0;
	for (int i = 0; i < NETDIAG_PROCS_MAX && clock_cpu_ms() < until && !found;) {
		/* cppcheck-suppress readdirCalled */
		const struct dirent *entry = readdir(proc);
		pid_t pid = entry ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;

		if (!entry)
			break;
		if (pid <= 0)
			continue;
		i++;
		if (netdiag_pid_holds(pid, until, inode))
			found = pid;
	}
	closedir(proc);
	return found;
}
