/* Another build takes the keeper's place in the same process, and all that it had is still there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "os/procfs.h"
#include "stage.h"
#include "unit.h"

enum { NOFILE = 700 };

static bool is_close_on_exec(pid_t pid, const char *fd)
{
	char path[320], text[256] = "";
	const char *flags = NULL;
	int file = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0)
		(void)!read(file, text, sizeof(text) - 1);
	fd_close(&file);
	flags = strstr(text, "flags:");
	return flags && (strtol(flags + strlen("flags:"), NULL, 8) & O_CLOEXEC);
}

/* How many the keeper has; but for the standard ones none may get into a child. */
static int count_fds(const struct stage *s)
{
	char path[64];
	DIR *folder = NULL;
	const struct dirent *entry = NULL;
	int count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)s->keeper);
	folder = opendir(path);
	assert_non_null(folder);
	/* cppcheck-suppress readdirCalled */
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (strtol(entry->d_name, NULL, 10) > 2 && !is_close_on_exec(s->keeper, entry->d_name))
			fail_msg("descriptor %s is not close-on-exec", entry->d_name);
	}
	closedir(folder);
	return count;
}

/* Its words on its command line, with a space between. */
static void read_words(const struct stage *s, struct buf *words)
{
	buf_clear(words);
	assert_true(procfs_command(s->keeper, words, 4096));
}

/* A program's answer in the slot of that generation. */
static void ask(struct stage *s, uint64_t generation, const char *script, struct buf *text)
{
	struct spawn_order w;
	int out = -1;

	buf_clear(text);
	order_program(&w, generation, &out, WORDS("sh", "-c", script));
	stage_ask(s, &w, &out, text);
}

static void all_is_there_afterwards(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	struct note *n = NULL;
	int out = -1;
	pid_t pid = stage_actor(s, 1, &out, WORDS("--exit-on", "TERM 42", "--mark"));
	uint64_t start_time = 0;
	int ends[2];

	stage_read(out, &text, "pid");
	fd_close(&out);
	stage_actor(s, 2, NULL, WORDS("--exit", "7"));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 2)->status), 7);
	order_program(&w, 3, NULL, WORDS("/no/such/program"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWN_FAILED, 3);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stage_say_name(s, KEEPER_HOLD, "log:api:0", ends[0]);
	stage_say_ticket(s, KEEPER_ASKED, 1);
	fd_close(&ends[0]);
	stage_upgrade(s);
	/* The pipe has a reader still. */
	assert_int_equal(write(ends[1], "kept", 4), 4);
	fd_close(&ends[1]);
	assert_string_equal(stage_expect(s, KEEPER_HELD, 0)->name, "log:api:0");
	n = stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(n->pid, pid);
	assert_int_equal(n->state, KEEPER_STATE_RUNNING);
	assert_string_equal(n->name, "api:0");
	start_time = n->start_time;
	assert_true(start_time > 0);
	stage_expect(s, KEEPER_ASKED, 1);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 2)->status), 7);
	n = stage_expect(s, KEEPER_SPAWN_FAILED, 3);
	assert_int_equal(n->stage, KEEPER_STAGE_EXEC);
	assert_int_equal(n->number, ENOENT);
	/* Again, and it is a child still. */
	stage_upgrade(s);
	n = stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(n->pid, pid);
	assert_true(n->start_time == start_time);
	stage_signal(s, 1, SIGTERM, KEEPER_REACH_MAIN);
	n = stage_expect(s, KEEPER_EXITED, 1);
	assert_int_equal(WEXITSTATUS(n->status), 42);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	for (uint64_t g = 1; g <= 3; g++)
		stage_say_ticket(s, KEEPER_FORGET, g);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	buf_release(&text);
}

/* Asked for in one breath: the keeper is another before the children have reached their programs. */
static void what_was_just_being_started_is_told(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;

	stage_stop(s, s->keeper);
	order_actor(&w, 1, NULL, WORDS("--exit", "5"));
	order_say(s, &w);
	order_program(&w, 2, NULL, WORDS("/no/such/program"));
	order_say(s, &w);
	order_actor(&w, 3, NULL, WORDS("--mark"));
	order_say(s, &w);
	(void)stage_say_same(s);
	kill(s->keeper, SIGCONT);
	stage_expect(s, KEEPER_SPAWNED, 3);
	assert_int_equal(stage_expect(s, KEEPER_SPAWN_FAILED, 2)->number, ENOENT);
	stage_expect(s, KEEPER_SPAWNED, 1);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 1)->status), 5);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	stage_change_brains(s);
}

static void an_end_that_is_awaited_goes_on(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct keeper_msg m;
	struct spawn_order w;
	int out = -1;

	order_program(&w, 1, &out,
		WORDS("sh", "-c",
			"trap 'exit 0' USR1; (trap 'echo heard; exit' TERM; echo up; while :; do sleep 0.02; done) & "
			"while :; do sleep 0.02; done"));
	order_say(s, &w);
	stage_read(out, &text, "up\n");
	keeper_msg_init(&m, KEEPER_END_TREE);
	m.ticket = (struct keeper_ticket){ 1, 1 };
	m.signal = SIGTERM;
	stage_say(s, &m, NULL, 0);
	/* Another one is not asked for anything. */
	stage_actor(s, 2, NULL, WORDS("--mark"));
	stage_upgrade(s);
	stage_assert_lacks(&text, "heard");
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_MAIN);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	stage_assert_has(&text, "heard\n");
	buf_release(&text);
}

/* It is no child of the keeper's. */
static void what_was_adopted_stays_so(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--setsid-grandchild"));

	stage_kill_keeper(s);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, pid);
	stage_upgrade(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_RUNNING);
	kill(pid, SIGKILL);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->status, SIGKILL);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	/* What is written down is right, too. */
	stage_upgrade(s);
	stage_kill_keeper(s);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->is_gone, 1);
}

static int open_with_few_descriptors(void **state)
{
	struct stage *s = NULL;
	struct rlimit limit, few;

	stage_prepare(state);
	s = *state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = NOFILE;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	s->keeper = stage_run(s, WORDS("--answer", "7000", "--verbose"), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	stage_accept(s, true);
	return 0;
}

static void assert_limits(struct stage *s, uint64_t generation)
{
	struct buf text = BUF_INIT;
	struct buf own = BUF_INIT;
	struct rlimit limit;
	char line[64];

	ask(s, generation, "ulimit -Sn; cat /proc/self/oom_score_adj", &text);
	(void)snprintf(line, sizeof(line), "%d\n", NOFILE);
	buf_adds(&own, line);
	{
		int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
		ssize_t got = read(fd, line, sizeof(line));

		assert_true(got > 0);
		buf_add(&own, line, (size_t)got);
		fd_close(&fd);
	}
	assert_string_equal(text.ptr, own.ptr);
	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, NULL, &limit), 0);
	assert_true(limit.rlim_cur == limit.rlim_max);
	buf_release(&text);
	buf_release(&own);
}

static void it_is_called_as_the_one_before(void **state)
{
	struct stage *s = *state;
	struct buf words = BUF_INIT;
	int fds = 0;

	assert_limits(s, 1);
	fds = count_fds(s);
	for (uint64_t i = 2; i < 4; i++) {
		stage_upgrade(s);
		assert_int_equal(count_fds(s), fds);
		assert_limits(s, i);
	}
	read_words(s, &words);
	stage_assert_has(&words, " --patience 300 --grace 200 --answer 7000 --verbose --luggage ");
	stage_assert_lacks(&words, "--failed");
	stage_assert_lacks(&words, "--no-cgroups");
	buf_release(&words);
}

/* An earlier build knows no --answer. */
static void it_is_told_nothing_new(void **state)
{
	struct stage *s = *state;
	struct buf words = BUF_INIT;

	stage_upgrade(s);
	read_words(s, &words);
	stage_assert_has(&words, " --patience 300 --grace 200 --no-cgroups --luggage ");
	buf_release(&words);
}

static void what_cannot_be_executed_changes_nothing(void **state)
{
	struct stage *s = *state;
	char keeper[512], brain[512], junk[128], text[128];
	int fds = 0;

	stage_program(keeper, sizeof(keeper), "oxherd");
	stage_program(brain, sizeof(brain), "tests/keeper-brain");
	stage_file(s, junk, sizeof(junk), "junk", "junk", 0755);
	stage_file(s, text, sizeof(text), "text", "text", 0644);
	assert_limits(s, 1);
	fds = count_fds(s);
	assert_int_equal(stage_expect_error(s, stage_say_upgrade(s, "oxherd", brain))->number, EINVAL);
	assert_int_equal(stage_expect_error(s, stage_say_upgrade(s, keeper, "brain"))->number, EINVAL);
	assert_int_equal(stage_expect_error(s, stage_say_upgrade(s, keeper, "/no/such"))->number, ENOENT);
	assert_int_equal(stage_expect_error(s, stage_say_upgrade(s, text, brain))->number, EACCES);
	/* Nobody can tell before it is tried. */
	assert_int_equal(stage_expect_error(s, stage_say_upgrade(s, junk, brain))->number, ENOEXEC);
	assert_int_equal(count_fds(s), fds);
	assert_limits(s, 2);
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_SLOT, 1);
	/* No upgrade was begun, so there is nothing to tell of. */
	assert_null(stage_seen(s, KEEPER_UPGRADED, 0));
	stage_upgrade(s);
}

static void one_at_a_time(void **state)
{
	struct stage *s = *state;

	(void)stage_say_same(s);
	stage_expect(s, KEEPER_UPGRADED, 0);
	assert_int_equal(stage_expect_error(s, stage_say_same(s))->number, EBUSY);
	stage_change_brains(s);
	stage_upgrade(s);
	kill(s->keeper, SIGTERM);
	stage_expect(s, KEEPER_SIGNALLED, 0);
	assert_int_equal(stage_expect_error(s, stage_say_same(s))->number, EBUSY);
}

static void a_brain_that_does_not_serve_costs_nothing(void **state)
{
	struct stage *s = *state;
	struct buf words = BUF_INIT;
	char keeper[512];
	int out = -1;
	pid_t pid = stage_actor(s, 1, &out, WORDS("--exit-on", "TERM 42", "--mark"));
	int fds = count_fds(s);

	stage_read(out, &words, "pid");
	fd_close(&out);
	stage_program(keeper, sizeof(keeper), "oxherd");
	(void)stage_say_upgrade(s, keeper, "/bin/false");
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	stage_change_brains(s);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, EIO);
	read_words(s, &words);
	stage_assert_has(&words, "--failed the new brain ended 3 times before it served");
	stage_assert_lacks(&words, "--back");
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, pid);
	/* It holds the program of its brain from now on, and starts it from there. */
	assert_int_equal(count_fds(s), fds + 1);
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, EIO);
	stage_upgrade(s);
	assert_int_equal(count_fds(s), fds);
	stage_expect(s, KEEPER_SLOT, 1);
	stage_signal(s, 1, SIGTERM, KEEPER_REACH_MAIN);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 1)->status), 42);
	buf_release(&words);
}

static void a_build_that_cannot_read_it_gives_it_back(void **state)
{
	struct stage *s = *state;
	struct buf words = BUF_INIT;
	char keeper[512], brain[512];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	pid_t same = s->brain;

	stage_other_build(s, keeper, sizeof(keeper));
	stage_program(brain, sizeof(brain), "tests/keeper-brain");
	(void)stage_say_upgrade(s, keeper, brain);
	/* A compiler may have hidden it better: then this is no other build. */
	if (!stage_expect(s, KEEPER_UPGRADED, 0)->number)
		skip();
	read_words(s, &words);
	stage_assert_has(&words, "oxherd --brain ");
	stage_assert_has(&words, " --patience 300 --grace 200 --answer 7000 --verbose --luggage ");
	stage_assert_has(&words, " --failed the handover of the last keeper has an unknown format");
	stage_assert_lacks(&words, "--back");
	(void)count_fds(s);
	/* The brain has not noticed anything. */
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->pid, pid);
	assert_true(stage_exists(s, same));
	assert_limits(s, 2);
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_SLOT, 1);
	buf_release(&words);
}

static void an_old_brain_that_stays_is_killed(void **state)
{
	struct stage *s = *state;
	pid_t old = s->brain;
	int link = s->link;

	(void)stage_say_same(s);
	stage_expect(s, KEEPER_UPGRADED, 0);
	s->link = -1;
	stage_until(stage_is_gone, s, old);
	fd_close(&link);
	fd_close(&s->sock);
	stage_accept(s, true);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
#define BOTH(sentence, function)                                                                             \
	ON_STAGE(sentence, function),                                                                        \
	{                                                                                                    \
		"without cgroups: " sentence, (function), stage_open_without_cgroups, stage_close, NULL      \
	}
	const struct CMUnitTest tests[] = {
		BOTH("processes, held descriptors and what a brain has to hear outlive an upgrade",
			all_is_there_afterwards),
		ON_STAGE("what was just being started is reported by the new keeper",
			what_was_just_being_started_is_told),
		BOTH("a tree that was asked to end before an upgrade is waited for after it",
			an_end_that_is_awaited_goes_on),
		BOTH("what was adopted before an upgrade is watched after it", what_was_adopted_stays_so),
		{ "an upgrade keeps options, limits and descriptors as they were",
			it_is_called_as_the_one_before, open_with_few_descriptors, stage_close, NULL },
		{ "an upgrade passes no option that an earlier build does not know", it_is_told_nothing_new,
			stage_open_without_cgroups, stage_close, NULL },
		{ "an upgrade to what cannot be executed changes nothing",
			what_cannot_be_executed_changes_nothing, open_with_few_descriptors, stage_close,
			NULL },
		ON_STAGE("there is one upgrade at a time, and none while all stops", one_at_a_time),
		ON_STAGE("the old programs take over again when the new brain does not serve",
			a_brain_that_does_not_serve_costs_nothing),
		{ "a build that cannot read what it is handed gives the place back",
			a_build_that_cannot_read_it_gives_it_back, open_with_few_descriptors, stage_close,
			NULL },
		ON_STAGE("an old brain that does not leave is killed", an_old_brain_that_stays_is_killed),
	};

	return cmocka_run_group_tests_name("keeper: upgrade", tests, NULL, NULL);
}
