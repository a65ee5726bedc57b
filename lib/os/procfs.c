#include "os/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/fd.h"

static int open_of(pid_t pid, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_some(int fd, void *bytes, size_t size)
{
	ssize_t got = -1;

	do
		got = read(fd, bytes, size);
	while (got < 0 && errno == EINTR);
	return got;
}

/*
 * Steps over one number; 0 where there is none.  As the kernel writes them: a walk over all processes reads thousands, and strtoll() was the
 * most of it that is ours.
 */
static int64_t next_number(const char **at)
{
	const char *c = *at + strspn(*at, " ");
	bool is_negative = *c == '-';
	uint64_t value = 0;

	for (c += is_negative; *c >= '0' && *c <= '9'; c++)
		value = value * 10 + (uint64_t)(*c - '0');
	*at = c;
	return (int64_t)(is_negative ? 0 - value : value);
}

/* `at`: what follows the name, which may itself hold brackets and spaces. */
static void parse_stat(const char *at, struct proc *p)
{
	enum { PARENT = 4, GROUP, SESSION, USER = 14, SYSTEM, THREADS = 20, START = 22, SIZE, RSS };

	while (*at == ' ')
		at++;
	p->state = *at;
	at += *at != '\0';
	for (int field = PARENT; field <= RSS; field++) {
		int64_t value = next_number(&at);

		if (field == PARENT)
			p->parent = (pid_t)value;
		else if (field == GROUP)
			p->group = (pid_t)value;
		else if (field == SESSION)
			p->session = (pid_t)value;
		else if (field == USER || field == SYSTEM)
			p->cpu_ticks += (uint64_t)value;
		else if (field == START)
			p->start_time = (uint64_t)value;
		else if (field == THREADS)
			p->threads = (int)value;
		else if (field == SIZE)
			p->has_memory = value != 0;
		else if (field == RSS)
			p->rss_pages = (uint64_t)value;
	}
}

/* What stands after the name, or NULL. */
static const char *read_stat(pid_t pid, char *text, size_t size)
{
	const char *name_end = NULL;
	int fd = open_of(pid, "stat");
	ssize_t got = fd < 0 ? -1 : read_some(fd, text, size - 1);

	fd_close(&fd);
	if (got <= 0)
		return NULL;
	text[got] = '\0';
	name_end = strrchr(text, ')');
	return name_end ? name_end + 1 : NULL;
}

/* Its first thread has ended, and the kernel tells no memory of it; the other threads have that still. */
static void ask_threads(struct proc *p)
{
	char path[64];
	const struct dirent *entry = NULL;
	DIR *tasks = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)p->pid);
	tasks = opendir(path);
	/* cppcheck-suppress readdirCalled */
	while (tasks && !p->has_memory && (entry = readdir(tasks))) {
		struct proc thread = { .pid = 0 };
		char text[1024];
		int64_t tid = 0;
		const char *stat = NULL;

		if (!str_to_int(entry->d_name, &tid) || tid == p->pid)
			continue;
		stat = read_stat((pid_t)tid, text, sizeof(text));
		if (!stat)
			continue;
		parse_stat(stat, &thread);
		p->has_memory = thread.has_memory;
		p->rss_pages = thread.rss_pages;
	}
	if (tasks)
		closedir(tasks);
}

bool procfs_read(pid_t pid, struct proc *p)
{
	char text[1024];
	const char *stat = read_stat(pid, text, sizeof(text));

	if (!stat)
		return false;
	*p = (struct proc){ .pid = pid };
	parse_stat(stat, p);
	if (p->state == 'Z' && p->threads > 1)
		ask_threads(p);
	return true;
}

bool procfs_exit_status(pid_t pid, uint64_t start_time, int *status)
{
	char text[1024];
	const char *stat = read_stat(pid, text, sizeof(text));
	const char *last = stat ? strrchr(stat, ' ') : NULL;
	struct proc p = { .pid = pid };

	if (!last)
		return false;
	parse_stat(stat, &p);
	if (p.state != 'Z' || p.start_time != start_time)
		return false;
	last++;
	*status = (int)next_number(&last);
	return true;
}

/* The file name of what a process runs, within `path`; NULL where we may not look.  A build that was replaced has the same name. */
static const char *program_of(const char *pid, char path[PATH_MAX])
{
	static const char gone[] = " (deleted)";
	char link[32];
	ssize_t len = -1;
	char *name = NULL;

	(void)snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
	len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0)
		return NULL;
	path[len] = '\0';
	if ((size_t)len >= sizeof(gone) && str_eq(path + len - (sizeof(gone) - 1), gone))
		path[len - (ssize_t)(sizeof(gone) - 1)] = '\0';
	name = strrchr(path, '/');
	return name ? name + 1 : path;
}

/* `program` NULL: any. */
static bool each(const char *program, bool (*visit)(void *context, const struct proc *p), void *context)
{
	const struct dirent *entry = NULL;
	DIR *dir = opendir("/proc");
	bool goes_on = true;

	if (!dir)
		return false;
	/* cppcheck-suppress readdirCalled */
	while (goes_on && (entry = readdir(dir))) {
		char path[PATH_MAX];
		struct proc p;
		int64_t pid = 0;

		if (!str_to_int(entry->d_name, &pid) || pid <= 0 ||
			(program && !str_eq(program_of(entry->d_name, path), program)))
			continue;
		if (procfs_read((pid_t)pid, &p))
			goes_on = visit(context, &p);
	}
	closedir(dir);
	return true;
}

bool procfs_each(bool (*visit)(void *context, const struct proc *p), void *context)
{
	return each(NULL, visit, context);
}

bool procfs_each_like_us(bool (*visit)(void *context, const struct proc *p), void *context)
{
	char path[PATH_MAX];
	const char *own = program_of("self", path);

	return own && each(own, visit, context);
}

ssize_t procfs_children(pid_t pid, pid_t *pids, size_t max)
{
	char path[64];
	char text[4096];
	ssize_t got = 0;
	size_t count = 0;
	pid_t number = 0;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "task/%d/children", (int)pid);
	fd = open_of(pid, path);
	if (fd < 0)
		return -1;
	while ((got = read_some(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				number = number * 10 + (text[i] - '0');
				continue;
			}
			if (number && count < max)
				pids[count] = number;
			count += number != 0;
			number = 0;
		}
	}
	fd_close(&fd);
	return got < 0 ? -1 : (ssize_t)count;
}

/* Finds NAME=value in a stream of strings, byte by byte, so that no environment is too large. */
struct finder {
	const char *name;
	size_t matched; /* bytes of NAME= in this string; SIZE_MAX: it is another one */
	char *value;
	size_t len, size;
	bool is_inside, is_done;
};

static void finder_feed(struct finder *f, char c)
{
	if (f->is_inside) {
		if (c && f->len + 1 < f->size)
			f->value[f->len++] = c;
		f->is_done = !c;
	} else if (!c) {
		f->matched = 0;
	} else if (f->matched != SIZE_MAX) {
		bool is_end = f->name[f->matched] == '\0';

		if (c != (is_end ? '=' : f->name[f->matched]))
			f->matched = SIZE_MAX;
		else if (is_end)
			f->is_inside = true;
		else
			f->matched++;
	}
}

bool procfs_environ(pid_t pid, const char *variable, char *value, size_t size)
{
	struct finder f = { .name = variable, .value = value, .size = size };
	char text[4096];
	ssize_t got = 0;
	int fd = open_of(pid, "environ");

	if (fd < 0)
		return false;
	while (!f.is_done && (got = read_some(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < got && !f.is_done; i++)
			finder_feed(&f, text[i]);
	fd_close(&fd);
	value[f.len] = '\0';
	return f.is_inside;
}

bool procfs_command(pid_t pid, struct buf *out, size_t max)
{
	char text[4096];
	int fd = open_of(pid, "cmdline");
	ssize_t got = fd < 0 ? -1 : read_some(fd, text, max < sizeof(text) ? max : sizeof(text));

	fd_close(&fd);
	if (got <= 0)
		return false;
	while (got > 0 && !text[got - 1])
		got--;
	for (ssize_t i = 0; i < got; i++) {
		bool is_control = (unsigned char)text[i] < ' ' || text[i] == 0x7f;

		if (!text[i])
			buf_addc(out, ' ');
		else
			buf_addc(out, (char)(is_control ? '?' : text[i]));
	}
	return true;
}

/* The number after the word at the beginning of a line; -1. */
static int64_t number_after(const char *path, const char *word)
{
	char text[16 * 1024];
	size_t len = strlen(word);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read_some(fd, text, sizeof(text) - 1);

	fd_close(&fd);
	if (got < 0)
		return -1;
	text[got] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL)
		if (!strncmp(line, word, len))
			return strtoll(line + len, NULL, 10);
	return -1;
}

bool procfs_uid(pid_t pid, uid_t *uid)
{
	char path[64];
	int64_t value = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	value = number_after(path, "Uid:");
	if (value >= 0)
		*uid = (uid_t)value;
	return value >= 0;
}

bool procfs_no_new_privs(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return number_after(path, "NoNewPrivs:") == 1;
}

int64_t procfs_share(pid_t pid)
{
	char path[64];
	int64_t kb = -1;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	kb = number_after(path, "Pss:");
	return kb < 0 ? -1 : kb * 1024;
}

int64_t procfs_oom_kills(void)
{
	return number_after("/proc/vmstat", "oom_kill ");
}

bool procfs_boot_id(struct buf *out)
{
	char text[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read_some(fd, text, sizeof(text));

	fd_close(&fd);
	while (got > 0 && text[got - 1] == '\n')
		got--;
	if (got > 0)
		buf_add(out, text, (size_t)got);
	return got > 0;
}

pid_t procfs_tracer(pid_t pid)
{
	static const char key[] = "\nTracerPid:\t";
	char text[4096];
	int fd = open_of(pid, "status");
	ssize_t got = fd < 0 ? -1 : read_some(fd, text, sizeof(text) - 1);
	const char *at = NULL;

	fd_close(&fd);
	text[got > 0 ? got : 0] = '\0';
	at = strstr(text, key);
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	return (pid_t)next_number(&at);
}

void procfs_name(pid_t pid, char name[PROCFS_NAME_MAX])
{
	char path[64];
	ssize_t len = -1;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		len = read(fd, name, PROCFS_NAME_MAX - 1);
	fd_close(&fd);
	name[len > 0 ? len : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

void procfs_each_descriptor(
	pid_t pid, bool (*visit)(void *context, int number, const char *link), void *context)
{
	char path[64], link[PROCFS_NAME_MAX];
	struct dirent *entry = NULL;
	bool goes_on = true;
	DIR *folder = NULL;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	/* cppcheck-suppress readdirCalled */
	while (folder && goes_on && (entry = readdir(folder))) {
		ssize_t len = readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);

		if (len <= 0)
			continue;
		link[len] = '\0';
		goes_on = visit(context, (int)strtol(entry->d_name, NULL, 10), link);
	}
	if (folder)
		closedir(folder);
}
