/* Files of the keeper that somebody deletes are made again, with what they said. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "stage.h"
#include "unit.h"

static void path_in(const struct stage *s, const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", s->home, name);
}

static void delete_folder(const struct stage *s, const char *name)
{
	char path[128];
	pid_t pid = fork();

	path_in(s, name, path, sizeof(path));
	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(1);
	}
	(void)waitpid(pid, NULL, 0);
}

/* It names the keeper, and the keeper has it. */
static bool holds(const struct stage *s, const char *name)
{
	char path[128], text[64] = "";
	int fd = -1;
	bool does = false;

	path_in(s, name, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	does = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strtol(text, NULL, 10) == s->keeper &&
		flock(fd, LOCK_EX | LOCK_NB) < 0;
	fd_close(&fd);
	return does;
}

static bool holds_both(struct stage *s, int64_t value)
{
	(void)value;
	return holds(s, "run/oxherd.lock") && holds(s, "state/oxherd.lock");
}

static void assert_logged(const struct stage *s, const char *words)
{
	struct buf log = BUF_INIT;
	char path[128];

	path_in(s, "log.txt", path, sizeof(path));
	assert_int_equal(file_read(path, 1024 * 1024, &log, NULL), 0);
	stage_assert_has(&log, words);
	buf_release(&log);
}

static void locks_are_there_for_the_next_brain(void **state)
{
	struct stage *s = *state;

	assert_true(holds_both(s, 0));
	delete_folder(s, "run");
	delete_folder(s, "state");
	assert_false(holds(s, "run/oxherd.lock"));
	stage_kill_brain(s);
	stage_accept(s, true);
	assert_true(holds_both(s, 0));
	assert_logged(s, "run/oxherd.lock' was deleted, and was made again");
	assert_logged(s, "state/oxherd.lock' was deleted, and was made again");
}

static void locks_are_there_when_somebody_asks(void **state)
{
	struct stage *s = *state;

	delete_folder(s, "run/oxherd.lock");
	delete_folder(s, "state/oxherd.lock");
	kill(s->keeper, SIGUSR1);
	stage_until(holds_both, s, 0);
}

/* It finds neither the lock nor who has it, but by the lock's old place. */
static void who_comes_next_wakes_the_first(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char want[160];
	pid_t second = -1;
	int ends[2];

	delete_folder(s, "run/oxherd.lock");
	delete_folder(s, "state/oxherd.lock");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	second = stage_run(s, NULL, ends[1]);
	assert_int_equal(WEXITSTATUS(stage_wait(second)), 1);
	(void)snprintf(want, sizeof(want), "pid %d", (int)s->keeper);
	fd_close(&ends[1]);
	stage_read_all(&ends[0], &text);
	stage_assert_has(&text, want);
	stage_until(holds_both, s, 0);
	buf_release(&text);
}

static void the_next_keeper_finds_what_runs(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	struct note *n = NULL;

	delete_folder(s, "run");
	kill(s->keeper, SIGUSR1);
	stage_until(holds_both, s, 0);
	stage_kill_keeper(s);
	stage_next_keeper(s);
	n = stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(n->pid, pid);
	assert_int_equal(n->state, KEEPER_STATE_RUNNING);
}

static void what_is_there_stays(void **state)
{
	struct stage *s = *state;
	struct stat before, after;
	char path[128];

	path_in(s, "run/oxherd.slots", path, sizeof(path));
	assert_int_equal(stat(path, &before), 0);
	kill(s->keeper, SIGUSR1);
	stage_expect(s, KEEPER_SIGNALLED, 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_true(holds_both(s, 0));
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("locks that were deleted are made again before the next brain begins",
			locks_are_there_for_the_next_brain),
		ON_STAGE("locks that were deleted are made again when somebody looks for the daemon",
			locks_are_there_when_somebody_asks),
		ON_STAGE(
			"a second oxherd finds the first one though its locks were deleted, and they are made again",
			who_comes_next_wakes_the_first),
		ON_STAGE("what runs is written down again, for the next keeper",
			the_next_keeper_finds_what_runs),
		ON_STAGE("what was not deleted is left as it is", what_is_there_stays),
	};

	return cmocka_run_group_tests_name("keeper: folders", tests, NULL, NULL);
}
