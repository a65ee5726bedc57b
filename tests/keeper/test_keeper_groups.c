#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "stage.h"
#include "unit.h"

/* The folder of the keeper's own groups; a machine without cgroups, or a user who may make none, skips the test. */
static int open_home(struct stage *s, char *path, size_t size)
{
	int fd = -1;

	if (!stage_cgroups(s, path, size))
		skip();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void a_group_lives_as_long_as_its_tree(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX], own[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));
	pid_t pid = stage_actor(s, 7, NULL, WORDS("--setsid-grandchild", "--mark"));

	assert_true(cgroup_of(pid, own, sizeof(own)));
	assert_non_null(strstr(own, strrchr(home, '/')));
	assert_string_equal(strrchr(own, '/'), "/1.7.api:0");
	assert_true(cgroup_is_populated(dir, "1.7.api:0"));
	/* The brain is no service, and dies with none. */
	assert_true(cgroup_of(s->brain, own, sizeof(own)));
	assert_null(strstr(own, strrchr(home, '/')));

	stage_say_ticket(s, KEEPER_KILL_TREE, 7);
	stage_expect(s, KEEPER_TREE_GONE, 7);
	assert_int_equal(faccessat(dir, "1.7.api:0", F_OK, 0), -1);
	assert_false(cgroup_is_populated(dir, "."));
	fd_close(&dir);
}

/* It has left its session, its environment and its parent, before anybody looked. */
static void nothing_hides_in_a_group(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));

	stage_actor(s, 1, NULL, WORDS("--bare-grandchild", "--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_until_count(s, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_until_count(s, 0);
	assert_false(cgroup_is_populated(dir, "."));
	fd_close(&dir);
}

static void a_signal_finds_it_too(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));
	struct buf text = BUF_INIT;
	int out = -1;
	struct spawn_order w;

	order_program(&w, 1, &out,
		WORDS("sh", "-c",
			"env -i setsid sh -c 'trap \"echo heard; exit\" USR1; echo up; while :; do sleep 0.01; done' & sleep 0.2"));
	order_say(s, &w);
	stage_read(out, &text, "up\n");
	stage_expect(s, KEEPER_EXITED, 1);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_read(out, &text, "heard\n");
	fd_close(&out);
	fd_close(&dir);
	buf_release(&text);
}

/* As a container's runtime does. */
static void groups_below_go_too(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX], script[2 * CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));
	struct buf text = BUF_INIT;
	int out = -1;
	struct spawn_order w;

	(void)snprintf(script, sizeof(script),
		"d='%s/1.1.api:0'; mkdir -p $d/a/b $d/c && (echo 0 >$d/a/b/cgroup.procs; exec sleep 1000) & sleep 0.1; echo up; wait",
		home);
	order_program(&w, 1, &out, WORDS("sh", "-c", script));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	assert_int_equal(faccessat(dir, "1.1.api:0", F_OK, 0), -1);
	fd_close(&dir);
	buf_release(&text);
}

/* No child of the keeper's: of its end the group alone tells. */
static void what_was_moved_in_dies_with_it(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX], procs[CGROUP_PATH_MAX + 64], number[16];
	int dir = open_home(s, home, sizeof(home));
	int fd = -1;
	pid_t pid = -1;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	(void)snprintf(procs, sizeof(procs), "%s/1.1.api:0/cgroup.procs", home);
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, number, strlen(number)), (ssize_t)strlen(number));
	fd_close(&fd);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(WTERMSIG(stage_wait(pid)), SIGKILL);
	fd_close(&dir);
}

static void a_failed_spawn_leaves_no_group(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));
	struct spawn_order w;

	order_program(&w, 1, NULL, WORDS("/nowhere/to/be/found"));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, ENOENT);
	stage_say_ticket(s, KEEPER_FORGET, 1);
	stage_actor(s, 2, NULL, WORDS("--mark"));
	assert_int_equal(faccessat(dir, "1.1.api:0", F_OK, 0), -1);
	fd_close(&dir);
}

/* Two that others left: of one somebody holds the lock. */
/* With its lock; other keepers that begin just now may take it for one that is left, until it has that. */
static int make_locked(const char *path)
{
	int fd = -1;

	while (fd < 0 || access(path, F_OK) < 0) {
		fd_close(&fd);
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			assert_int_equal(flock(fd, LOCK_EX), 0);
	}
	return fd;
}

static void only_dead_keepers_are_cleared_away(void **state)
{
	struct stage *s = *state;
	struct buf own = BUF_INIT;
	char dead[CGROUP_PATH_MAX], below[CGROUP_PATH_MAX + 64], living[CGROUP_PATH_MAX];
	char other[CGROUP_PATH_MAX];
	int lock = -1;

	if (!cgroup_folder(&own))
		skip();
	(void)snprintf(dead, sizeof(dead), "%s/oxherd-test-dead%d", own.ptr, (int)getpid());
	(void)snprintf(below, sizeof(below), "%s/9.9.api:0", dead);
	(void)snprintf(living, sizeof(living), "%s/oxherd-test-living%d", own.ptr, (int)getpid());
	(void)snprintf(other, sizeof(other), "%s/no-oxherd-%d", own.ptr, (int)getpid());
	if (mkdir(dead, 0755) < 0)
		skip();
	assert_int_equal(mkdir(other, 0755), 0);
	assert_true(mkdir(below, 0755) == 0 || errno == ENOENT);
	lock = make_locked(living);
	s->keeper = stage_run(s, NULL, -1);
	stage_accept(s, true);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(access(living, F_OK), 0);
	/* One of another program, though nobody is in it. */
	assert_int_equal(access(other, F_OK), 0);
	fd_close(&lock);
	assert_int_equal(rmdir(living) | rmdir(other), 0);
	buf_release(&own);
}

static bool has_open(struct stage *s, const char *path)
{
	char link[64], target[CGROUP_PATH_MAX];
	bool has = false;

	for (int fd = 3; fd < 64 && !has; fd++) {
		ssize_t len = 0;

		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)s->keeper, fd);
		len = readlink(link, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		has = !strcmp(target, path);
	}
	return has;
}

static const char *folder_to_wait_for;

static bool has_it_open(struct stage *s, int64_t unused)
{
	char name[PROCFS_NAME_MAX];

	(void)unused;
	/* Before its exec it has what the test has. */
	procfs_name(s->keeper, name);
	return !strcmp(name, "oxherd") && has_open(s, folder_to_wait_for);
}

/* Two keepers begin at the same time, and one looks whether the other's folder is a dead one's. */
static void a_folder_that_is_looked_at_is_waited_for(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX], own[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));

	stage_kill_keeper(s);
	fd_close(&dir);
	dir = make_locked(home);
	s->note_count = s->notes_seen = 0;
	s->keeper = stage_run(s, NULL, -1);
	folder_to_wait_for = home;
	stage_until(has_it_open, s, 0);
	assert_int_equal(rmdir(home), 0);
	fd_close(&dir);
	stage_accept(s, true);
	assert_true(cgroup_of(stage_actor(s, 1, NULL, WORDS("--mark")), own, sizeof(own)));
	assert_string_equal(strrchr(own, '/'), "/1.1.api:0");
	assert_int_equal(access(home, F_OK), 0);
}

static void move_into(const char *group, pid_t pid)
{
	char procs[CGROUP_PATH_MAX + 128], number[16];
	int fd = -1;

	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, number, strlen(number)), (ssize_t)strlen(number));
	fd_close(&fd);
}

/* As a user may who owns a part of the tree of cgroups. */
static void a_group_of_that_name_elsewhere_is_not_ours(void **state)
{
	struct stage *s = *state;
	char home[CGROUP_PATH_MAX], theirs[CGROUP_PATH_MAX + 32], fake[CGROUP_PATH_MAX + 64];
	char group[CGROUP_PATH_MAX + 80];
	int dir = open_home(s, home, sizeof(home));
	struct keeper_msg m;
	pid_t pid = -1;

	if (geteuid() != 0)
		skip();
	(void)snprintf(theirs, sizeof(theirs), "%.*s/theirs%d", (int)(strrchr(home, '/') - home), home,
		(int)getpid());
	(void)snprintf(fake, sizeof(fake), "%s%s", theirs, strrchr(home, '/'));
	(void)snprintf(group, sizeof(group), "%s/1.1.api:0", fake);
	assert_int_equal(mkdir(theirs, 0755) | mkdir(fake, 0755) | mkdir(group, 0755), 0);
	assert_int_equal(chown(fake, 65534, 65534) | chown(group, 65534, 65534), 0);
	stage_actor(s, 1, NULL, WORDS("--mark"));
	stage_actor(s, 2, NULL, WORDS("--ignore", "TERM", "--grandchild"));
	pid = fork();
	if (pid == 0) {
		fd_close_from(3);
		(void)pause();
		_exit(0);
	}
	move_into(group, pid);
	/* Among strangers it is looked for only after an adoption. */
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_SLOT, 1);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	/* The last look before the end is at everybody. */
	keeper_msg_init(&m, KEEPER_STOP_ALL);
	m.grace_ms = 50;
	stage_say(s, &m, NULL, 0);
	fd_close(&s->link);
	assert_int_equal(stage_wait(s->keeper), 0);
	s->keeper = 0;
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	(void)stage_wait(pid);
	assert_int_equal(rmdir(group) | rmdir(fake) | rmdir(theirs), 0);
	fd_close(&dir);
}

/* As when the first one was started by a service manager, and the next one from a terminal. */
static void a_group_of_a_keeper_elsewhere_is_ours(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char home[CGROUP_PATH_MAX], below[CGROUP_PATH_MAX + 16], above[CGROUP_PATH_MAX];
	int dir = open_home(s, home, sizeof(home));
	struct keeper_msg m;
	int out = -1;

	(void)snprintf(above, sizeof(above), "%.*s", (int)(strrchr(home, '/') - home), home);
	(void)snprintf(below, sizeof(below), "%s/below", above);
	assert_int_equal(mkdir(below, 0755), 0);
	stage_actor(s, 1, &out, WORDS("--bare-grandchild", "--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_kill_keeper(s);
	move_into(below, getpid());
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_EXITED);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	/* It has the pipe. */
	stage_read_all(&out, &text);
	keeper_msg_init(&m, KEEPER_STOP_ALL);
	stage_say(s, &m, NULL, 0);
	fd_close(&s->link);
	assert_int_equal(stage_wait(s->keeper), 0);
	s->keeper = 0;
	move_into(above, getpid());
	assert_int_equal(rmdir(below), 0);
	/* The next keeper here would do it. */
	assert_int_equal(unlinkat(dir, "1.1.api:0", AT_REMOVEDIR) | rmdir(home), 0);
	fd_close(&dir);
	buf_release(&text);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("a cgroup is populated while its tree lives, and gone with it",
			a_group_lives_as_long_as_its_tree),
		ON_STAGE("what left its session, its environment and its parent is killed with its service",
			nothing_hides_in_a_group),
		ON_STAGE("a signal for the whole tree finds that one too", a_signal_finds_it_too),
		ON_STAGE("cgroups that a service made below its own go with it", groups_below_go_too),
		ON_STAGE("what somebody moved into a service's cgroup dies with it",
			what_was_moved_in_dies_with_it),
		ON_STAGE("a cgroup of another user that has our name holds nobody of ours",
			a_group_of_that_name_elsewhere_is_not_ours),
		ON_STAGE("what is in the cgroup of a dead keeper elsewhere is killed with its service",
			a_group_of_a_keeper_elsewhere_is_ours),
		ON_STAGE("a spawn that failed leaves no cgroup", a_failed_spawn_leaves_no_group),
		ON_STAGE("a keeper waits for its cgroup while another looks at it, and makes it again",
			a_folder_that_is_looked_at_is_waited_for),
		{ "cgroups of dead keepers are cleared away, those of living ones are not",
			only_dead_keepers_are_cleared_away, stage_prepare, stage_close, NULL },
	};

	return cmocka_run_group_tests_name("keeper: cgroups", tests, NULL, NULL);
}
