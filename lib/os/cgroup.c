#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"

/* Cgroups below cgroups that somebody made in his own: how deep they are followed. */
enum { DEPTH_MAX = 16, MOUNTS_MAX = 4 * 1024 * 1024 };

static ssize_t read_cgroup_file(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd < 0)
		return -1;
	do
		got = read(fd, text, size - 1);
	while (got < 0 && errno == EINTR);
	fd_close(&fd);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

bool cgroup_of(pid_t pid, char *path, size_t size)
{
	char name[64];
	char text[CGROUP_PATH_MAX + 1024];
	const char *line = text;

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	if (read_cgroup_file(AT_FDCWD, name, text, sizeof(text)) <= 0)
		return false;
	while (line && strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line)
		return false;
	(void)snprintf(path, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
	return true;
}

/* A word of mountinfo: blanks and the like are written \040. */
static void add_mount_word(struct buf *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\' && i + 3 < len) {
			buf_addc(out,
				(char)((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 +
					(word[i + 3] - '0')));
			i += 3;
		} else {
			buf_addc(out, word[i]);
		}
	}
}

/* "31 23 0:28 ROOT MOUNTPOINT options [optional…] - TYPE SOURCE super-options" */
static bool read_mount(const char *line, size_t len, struct buf *root, struct buf *point)
{
	static const char type[] = " - cgroup2 ";
	const char *end = line + len;
	const char *at = line;

	if (!memmem(line, len, type, sizeof(type) - 1))
		return false;
	for (int word = 0; word < 5 && at < end; word++) {
		size_t size = strcspn(at, " ");

		if (word == 3)
			add_mount_word(root, at, size);
		else if (word == 4)
			add_mount_word(point, at, size);
		at += size + 1;
	}
	return point->len > 0;
}

/* What of the tree is mounted begins at `root`. */
static bool place_of_cgroup(struct buf *out, const struct buf *root, const struct buf *point, const char *own)
{
	size_t skip = strcmp(root->ptr, "/") != 0 ? root->len : 0;

	if (strncmp(own, root->ptr, skip) != 0 || (own[skip] && own[skip] != '/'))
		return false;
	buf_adds(out, point->ptr);
	if (strcmp(own + skip, "/") != 0)
		buf_adds(out, own + skip);
	return true;
}

bool cgroup_folder(struct buf *out)
{
	char own[CGROUP_PATH_MAX];
	struct buf mounts = BUF_INIT;
	struct buf root = BUF_INIT;
	struct buf point = BUF_INIT;
	const char *line = NULL;
	bool is_found = false;

	if (!cgroup_of(getpid(), own, sizeof(own)) ||
		file_read("/proc/self/mountinfo", MOUNTS_MAX, &mounts, NULL) < 0)
		goto out;
	for (line = mounts.ptr; *line && !is_found;) {
		size_t len = strcspn(line, "\n");

		buf_clear(&root);
		buf_clear(&point);
		is_found = read_mount(line, len, &root, &point) && place_of_cgroup(out, &root, &point, own);
		line += len + (line[len] == '\n');
	}
out:
	buf_release(&mounts);
	buf_release(&root);
	buf_release(&point);
	return is_found;
}

bool cgroup_is_populated(int dir, const char *name)
{
	char path[512];
	char text[512];

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", name);
	return read_cgroup_file(dir, path, text, sizeof(text)) > 0 && strstr(text, "populated 1");
}

int cgroup_kill(int dir, const char *name)
{
	char path[512];
	int rc = -1;
	int number = 0;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = write(fd, "1", 1) == 1 ? 0 : -1;
	number = errno;
	fd_close(&fd);
	errno = number;
	return rc;
}

/* Something to do with each folder below one. */
struct below {
	void (*enter)(const struct below *b, int dir, const char *name, int depth);
	void (*visit)(void *context, pid_t pid);
	void *context;
};

/* Takes the descriptor over. */
static void each_below(const struct below *b, int dir, int depth)
{
	DIR *list = fdopendir(dir);
	const struct dirent *entry = NULL;

	if (!list) {
		fd_close(&dir);
		return;
	}
	/* cppcheck-suppress readdirCalled */
	while ((entry = readdir(list)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			b->enter(b, dirfd(list), entry->d_name, depth + 1);
	closedir(list);
}

static int open_cgroup(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What was visited is not visited again: a failure is only one where nothing was. */
static int each_pid(const struct below *b, int folder)
{
	char text[4096];
	pid_t pid = 0;
	ssize_t got = -1;
	int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int rc = -1;

	while (fd >= 0 && (got = read(fd, text, sizeof(text))) >= 0) {
		rc = 0;
		if (!got)
			break;
		for (ssize_t i = 0; i < got; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			/* 0 is a process that this namespace cannot see. */
			if (pid > 1)
				b->visit(b->context, pid);
			pid = 0;
		}
	}
	fd_close(&fd);
	return rc;
}

static int visit_folder(const struct below *b, int dir, const char *name, int depth)
{
	int folder = open_cgroup(dir, name);
	int rc = 0;

	if (folder < 0)
		return -1;
	rc = each_pid(b, folder);
	each_below(b, folder, depth);
	return rc;
}

static void visit_below(const struct below *b, int dir, const char *name, int depth)
{
	if (depth <= DEPTH_MAX)
		(void)visit_folder(b, dir, name, depth);
}

int cgroup_each(int dir, const char *name, void (*visit)(void *context, pid_t pid), void *context)
{
	const struct below b = { .enter = visit_below, .visit = visit, .context = context };

	return visit_folder(&b, dir, name, 0);
}

static int remove_below(int dir, const char *name, int depth);

static void enter_to_remove(const struct below *b, int dir, const char *name, int depth)
{
	(void)b;
	(void)remove_below(dir, name, depth);
}

static int remove_below(int dir, const char *name, int depth)
{
	const struct below b = { .enter = enter_to_remove };
	int fd = -1;

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY || depth > DEPTH_MAX)
		return -1;
	if (cgroup_is_populated(dir, name)) {
		errno = EBUSY;
		return -1;
	}
	fd = open_cgroup(dir, name);
	if (fd < 0)
		return -1;
	each_below(&b, fd, depth);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int cgroup_remove(int dir, const char *name)
{
	return remove_below(dir, name, 0);
}
