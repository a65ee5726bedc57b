#include "stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/procfs.h"
#include "os/sock.h"
#include "unit.h"

enum { LOG_MAX = 64 * 1024 * 1024 };

static struct stage stage;

void stage_program(char *path, size_t size, const char *name)
{
	char self[512];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = NULL;

	assert_true(len > 0);
	self[len] = '\0';
	/* …/tests/test_keeper_x: two steps up. */
	for (int i = 0; i < 2; i++) {
		slash = strrchr(self, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	assert_true(snprintf(path, size, "%s/%s", self, name) < (int)size);
}

static bool enter_group(const char *group)
{
	char path[600];
	int fd = -1;
	bool is_in = false;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	is_in = fd >= 0 && write(fd, "0", 1) == 1;
	fd_close(&fd);
	return is_in;
}

static void make_group(struct stage *s)
{
	struct buf own = BUF_INIT;

	if (cgroup_folder(&own) && own.len < sizeof(s->group) / 2) {
		(void)snprintf(s->group, sizeof(s->group), "%s/%s", own.ptr, strrchr(s->home, '/') + 1);
		if (mkdir(s->group, 0755) < 0 || !enter_group(s->group))
			s->group[0] = '\0';
	}
	buf_release(&own);
}

static void remove_group(struct stage *s)
{
	char above[sizeof(s->group)];

	if (!s->group[0])
		return;
	(void)snprintf(above, sizeof(above), "%.*s", (int)(strrchr(s->group, '/') - s->group), s->group);
	(void)enter_group(above);
	(void)rmdir(s->group);
}

int stage_prepare(void **state)
{
	struct stage *s = &stage;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[64];

	memset(s, 0, sizeof(*s));
	s->link = s->sock = -1;
	/* Whatever a keeper leaves behind comes to the test, which insists on nothing. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	(void)snprintf(s->home, sizeof(s->home), "/tmp/keeper-test-XXXXXX");
	assert_non_null(mkdtemp(s->home));
	make_group(s);
	(void)snprintf(path, sizeof(path), "%.40s/brain", s->home);
	memcpy(address.sun_path, path, sizeof(path));
	setenv("OXHERD_HOME", s->home, 1);
	setenv("TEST_BRAIN_SOCKET", address.sun_path, 1);
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	*state = s;
	return 0;
}

pid_t stage_run(struct stage *s, const char *const *more, int out)
{
	char program[512], brain[512], log[128];
	char patience[16], grace[16];
	char *argv[16] = { program, (char *)"--brain", brain, (char *)"--patience", patience,
		(char *)"--grace", grace };
	int count = 7;
	pid_t pid = -1;

	stage_program(program, sizeof(program), s->program ? s->program : "oxherd");
	stage_program(brain, sizeof(brain), "tests/keeper-brain");
	(void)snprintf(patience, sizeof(patience), "%d", STAGE_PATIENCE_MS);
	(void)snprintf(grace, sizeof(grace), "%d", STAGE_GRACE_MS);
	(void)snprintf(log, sizeof(log), "%s/log.txt", s->home);
	while (more && *more && count < 15)
		argv[count++] = (char *)*more++;
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	/* A group of its own, as a shell gives it one. */
	setpgid(0, 0);
	if (out < 0)
		out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(out, 1);
	dup2(out, 2);
	execv(program, argv);
	_exit(126);
}

void stage_sync(struct stage *s)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	stage_say(s, &m, NULL, 0);
	stage_expect(s, KEEPER_SYNCED, 0);
	keeper_msg_init(&m, KEEPER_SERVES);
	stage_say(s, &m, NULL, 0);
}

void stage_accept(struct stage *s, bool syncs)
{
	struct pollfd wait = { .fd = s->listener, .events = POLLIN };
	struct ucred who;
	socklen_t len = sizeof(who);
	size_t count = 0;
	int fds[SOCK_FDS_MAX];
	char byte = 0;

	if (poll(&wait, 1, STAGE_WAIT_MS) != 1)
		fail_msg("no brain was started");
	/* cppcheck-suppress nullPointer */
	s->link = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(s->link >= 0);
	assert_int_equal(getsockopt(s->link, SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
	s->brain = who.pid;
	wait.fd = s->link;
	assert_int_equal(poll(&wait, 1, STAGE_WAIT_MS), 1);
	assert_int_equal(sock_receive(s->link, &byte, 1, fds, &count), 1);
	assert_int_equal(count, 1);
	s->sock = fds[0];
	if (syncs)
		stage_sync(s);
}

int stage_open(void **state)
{
	struct stage *s = NULL;

	stage_prepare(state);
	s = *state;
	s->keeper = stage_run(s, NULL, -1);
	stage_accept(s, true);
	return 0;
}

int stage_open_without_cgroups(void **state)
{
	struct stage *s = NULL;

	stage_prepare(state);
	s = *state;
	s->keeper = stage_run(s, WORDS("--no-cgroups"), -1);
	stage_accept(s, true);
	return 0;
}

bool stage_cgroups(const struct stage *s, char *path, size_t size)
{
	static const char words[] = "cgroups: in '";
	struct buf log = BUF_INIT;
	char name[128];
	const char *at = NULL;

	(void)snprintf(name, sizeof(name), "%s/log.txt", s->home);
	if (file_read(name, LOG_MAX, &log, NULL) == 0)
		at = strstr(log.ptr, words);
	if (at)
		(void)snprintf(path, size, "%.*s", (int)strcspn(at + sizeof(words) - 1, "'"),
			at + sizeof(words) - 1);
	buf_release(&log);
	return at != NULL;
}

void stage_kill_brain(struct stage *s)
{
	kill(s->brain, SIGKILL);
	stage_until(stage_is_gone, s, s->brain);
	fd_close(&s->sock);
	fd_close(&s->link);
}

void stage_kill_keeper(struct stage *s)
{
	kill(s->keeper, SIGKILL);
	stage_keeper_ended(s);
}

void stage_keeper_ended(struct stage *s)
{
	assert_int_equal(stage_wait(s->keeper), SIGKILL);
	s->keeper = 0;
	s->inherits = true;
	fd_close(&s->sock);
	fd_close(&s->link);
	(void)stage_wait(s->brain);
}

void stage_next_keeper(struct stage *s)
{
	s->note_count = s->notes_seen = 0;
	s->keeper = stage_run(s, NULL, -1);
	stage_accept(s, true);
}

int stage_wait(pid_t pid)
{
	int64_t limit = clock_ms() + STAGE_WAIT_MS;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (clock_ms() > limit)
			fail_msg("pid %d does not end", (int)pid);
		(void)poll(NULL, 0, 2);
	}
	return status;
}

static bool logs(const struct stage *s, const char *words, struct buf *log)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/log.txt", s->home);
	assert_int_equal(file_read(path, LOG_MAX, log, NULL), 0);
	return strstr(log->ptr, words);
}

void stage_assert_logs(const struct stage *s, const char *words)
{
	struct buf log = BUF_INIT;

	if (!logs(s, words, &log))
		fail_msg("the log lacks '%s':\n%s", words, log.ptr);
	buf_release(&log);
}

void stage_assert_logs_not(const struct stage *s, const char *words)
{
	struct buf log = BUF_INIT;

	if (logs(s, words, &log))
		fail_msg("the log has '%s':\n%s", words, log.ptr);
	buf_release(&log);
}

void stage_print_log(const struct stage *s)
{
	char path[128], text[4096];
	ssize_t got = 0;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/log.txt", s->home);
	fd = open(path, O_RDONLY);
	while ((got = read(fd, text, sizeof(text))) > 0)
		(void)fwrite(text, 1, (size_t)got, stderr);
	fd_close(&fd);
}

/* Nothing that a failed test left may live into the next one. */
static int end_strays(void)
{
	int count = 0;
	pid_t pids[256];
	ssize_t found = 0;

	while ((found = procfs_children(getpid(), pids, 256)) > 0) {
		for (ssize_t i = 0; i < found && i < 256; i++) {
			kill(pids[i], SIGKILL);
			(void)waitpid(pids[i], NULL, 0);
			count++;
		}
	}
	return count;
}

static void remove_home(const struct stage *s)
{
	char command[128];
	pid_t pid = fork();

	(void)snprintf(command, sizeof(command), "%s", s->home);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", command, (char *)NULL);
		_exit(1);
	}
	(void)waitpid(pid, NULL, 0);
}

int stage_close(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;
	int strays = 0;
	int status = 0;
	char cgroups[4096];

	if (s->keeper > 0 && s->sock >= 0) {
		keeper_msg_init(&m, KEEPER_STOP_ALL);
		stage_say(s, &m, NULL, 0);
	}
	fd_close(&s->link);
	if (s->keeper > 0)
		status = stage_wait(s->keeper);
	while (s->inherits && waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	strays = end_strays();
	if (status == 0 && stage_cgroups(s, cgroups, sizeof(cgroups)) && access(cgroups, F_OK) == 0)
		strays++;
	if (status || strays) {
		stage_print_log(s);
		fprintf(stderr, "the keeper ended with status %#x, %d processes or cgroups were left\n",
			(unsigned)status, strays);
	}
	for (int i = 0; i < s->note_count; i++)
		fd_close(&s->notes[i].fd);
	fd_close(&s->sock);
	fd_close(&s->listener);
	remove_home(s);
	remove_group(s);
	return status || strays ? -1 : 0;
}

void stage_until(bool (*holds)(struct stage *s, int64_t value), struct stage *s, int64_t value)
{
	int64_t limit = clock_ms() + STAGE_WAIT_MS;

	while (!holds(s, value)) {
		if (clock_ms() > limit)
			fail_msg("it did not happen (%lld)", (long long)value);
		(void)poll(NULL, 0, 1);
	}
}

bool stage_waits_for_room(const struct stage *s)
{
	char path[64], line[256];
	bool does_wait = false;

	for (int fd = 0; fd < 64; fd++) {
		FILE *info = NULL;

		(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)s->keeper, fd);
		info = fopen(path, "re");
		while (info && fgets(line, sizeof(line), info)) {
			const char *events = strncmp(line, "tfd:", 4) ? NULL : strstr(line, "events:");

			if (events)
				does_wait |= strtoul(events + strlen("events:"), NULL, 16) & EPOLLOUT;
		}
		if (info)
			(void)fclose(info);
	}
	return does_wait;
}

bool stage_exists(struct stage *s, int64_t pid)
{
	struct proc p;

	(void)s;
	return procfs_read((pid_t)pid, &p);
}

bool stage_is_gone(struct stage *s, int64_t pid)
{
	return !stage_exists(s, pid);
}

bool stage_is_zombie(struct stage *s, int64_t pid)
{
	struct proc p;

	(void)s;
	return procfs_read((pid_t)pid, &p) && p.state == 'Z';
}

static bool has_stopped(struct stage *s, int64_t pid)
{
	char path[64];
	const struct dirent *entry = NULL;
	DIR *threads = NULL;
	bool has = true;

	(void)s;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	assert_non_null(threads);
	/* cppcheck-suppress readdirCalled */
	while ((entry = readdir(threads))) {
		struct proc p;

		if (entry->d_name[0] != '.' && procfs_read((pid_t)strtol(entry->d_name, NULL, 10), &p))
			has &= p.state == 'T';
	}
	closedir(threads);
	return has;
}

void stage_stop(struct stage *s, int64_t pid)
{
	assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
	stage_until(has_stopped, s, pid);
}

struct counting {
	pid_t roots[4096];
	int count;
	pid_t brain;
};

/* Children have higher pids than their parents here, so one pass finds all; a pid that wrapped round is a second pass' business. */
static bool count_one(void *context, const struct proc *p)
{
	struct counting *c = context;

	for (int i = 0; i < c->count; i++)
		if (c->roots[i] == p->pid)
			return true;
	for (int i = 0; i < c->count && c->count < 4096; i++) {
		if (c->roots[i] != p->parent || p->pid == c->brain)
			continue;
		c->roots[c->count++] = p->pid;
		break;
	}
	return true;
}

int stage_count(struct stage *s)
{
	static struct counting c;
	int before = 0;

	c = (struct counting){ .roots = { s->keeper }, .count = 1, .brain = s->brain };
	while (before != c.count) {
		before = c.count;
		procfs_each(count_one, &c);
	}
	return c.count - 1;
}

static bool are_so_many(struct stage *s, int64_t count)
{
	return stage_count(s) == count;
}

void stage_until_count(struct stage *s, int count)
{
	stage_until(are_so_many, s, count);
}
