/* Marks that others have made, and what they are worth at the next start of the keeper. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/env_mark.h"
#include "keeper/lock.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "stage.h"
#include "unit.h"

static const struct env_mark_secret secret = { .key = { 1, 2, 3 } };

static void write_mark(char mark[ENV_MARK_MAX], pid_t pid, const struct env_mark_secret *by)
{
	struct keeper_ticket ticket = { 7, 42 };

	env_mark_seal(mark, env_mark_write(mark, "0123456789abcdef", ticket, 1000, "my.app:0"), pid, by);
}

static void a_mark_says_what_was_written(void **state)
{
	char mark[ENV_MARK_MAX];
	struct env_mark b;

	(void)state;
	write_mark(mark, 812, &secret);
	assert_true(env_mark_read(&b, mark + sizeof(KEEPER_MARK), "0123456789abcdef", &secret));
	assert_true(b.is_sealed);
	assert_int_equal(b.ticket.slot, 7);
	assert_int_equal(b.ticket.generation, 42);
	assert_int_equal(b.pid, 812);
	assert_int_equal(b.uid, 1000);
	assert_string_equal(b.name, "my.app:0");
	/* Without stdio it comes out as with it. */
	assert_string_equal(strchr(mark, '.'), strstr(mark, ".7.42.0000000812.+0000001000."));
}

static void no_byte_of_it_can_be_changed(void **state)
{
	const struct env_mark_secret other = { .key = { 1, 2, 4 } };
	char mark[ENV_MARK_MAX];
	char *text = mark + sizeof(KEEPER_MARK);
	struct env_mark b;

	(void)state;
	write_mark(mark, 812, &secret);
	assert_false(env_mark_read(&b, text, "0123456789abcdef", &other));
	assert_false(env_mark_read(&b, text, "0123456789abcdee", &secret));
	for (char *at = text; *at; at++) {
		char before = *at;

		/* Without its plus it is an unsealed one with an odd name, and says so. */
		for (const char *c = "0123456789abcdefg.+"; *c; c++) {
			*at = *c;
			if (*c != before && env_mark_read(&b, text, "0123456789abcdef", &secret))
				assert_false(b.is_sealed);
		}
		*at = before;
	}
	text[strlen(text) - 1] = '\0';
	assert_false(env_mark_read(&b, text, "0123456789abcdef", &secret));
}

static void a_mark_of_the_first_version_is_unsealed(void **state)
{
	static const char *const wrong[] = { "", "t", "t.1.2.812", "t.1.2.812.", "t.1.2.812x", "t.1.2..x",
		"u.1.2.812.x", "t.1.2.1.x", "t.1.2.99999999999.x", "t.99999999999.2.812.x",
		"t.1.2.812.+0.0.x", "t.1.2.812.+x" };
	struct env_mark b;

	(void)state;
	assert_true(env_mark_read(&b, "t.1.2.0000000812.a.b:0", "t", &secret));
	assert_false(b.is_sealed);
	assert_int_equal(b.pid, 812);
	assert_string_equal(b.name, "a.b:0");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(env_mark_read(&b, wrong[i], "t", &secret));
}

/* --- forged, against the real keeper --- */

static void read_line_of_lock(const struct stage *s, int wanted, char line[512])
{
	char path[128];
	FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "%s/run/oxherd.lock", s->home);
	file = fopen(path, "re");
	assert_non_null(file);
	for (int i = 0; i <= wanted; i++)
		/* cppcheck-suppress nullPointer */
		assert_non_null(fgets(line, 512, file));
	(void)fclose(file);
}

/* What everybody can read: it is in the names of the cgroups. */
static void read_token(const struct stage *s, char token[LOCK_TOKEN_LEN + 1])
{
	char line[512];

	read_line_of_lock(s, 0, line);
	assert_int_equal(sscanf(line, "%*d %16s", token), 1);
}

/* A process of another parent, which carries that; NULL: without its own pid between the two. */
static pid_t forge(const char *before, const char *after)
{
	char path[256];
	int ready[2];
	char byte = 0;
	pid_t pid = 0;

	stage_program(path, sizeof(path), "tests/actor");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		char mark[ENV_MARK_MAX + 64];

		fd_close_from(ready[1] + 1);
		if (after)
			(void)snprintf(mark, sizeof(mark), "%s%0*d%s", before, ENV_MARK_PID_DIGITS,
				(int)getpid(), after);
		else
			(void)snprintf(mark, sizeof(mark), "%s", before);
		(void)setenv(KEEPER_MARK, mark, 1);
		execl(path, path, "--mark", (char *)NULL);
		_exit(1);
	}
	fd_close(&ready[1]);
	/* Its exec is behind it. */
	assert_int_equal(read(ready[0], &byte, 1), 0);
	fd_close(&ready[0]);
	return pid;
}

static void end_forged(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	(void)stage_wait(pid);
}

static void a_forged_mark_is_nobodys(void **state)
{
	struct stage *s = *state;
	char token[LOCK_TOKEN_LEN + 1], before[ENV_MARK_MAX];
	pid_t forged[3];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	read_token(s, token);
	/* A service that is not there, a later start of one that is, and one that the seal is guessed of. */
	(void)snprintf(before, sizeof(before), "%s.2.1.", token);
	forged[0] = forge(before, ".api:1");
	(void)snprintf(before, sizeof(before), "%s.1.2.", token);
	forged[1] = forge(before, ".api:0");
	(void)snprintf(before, sizeof(before), "%s.3.1.", token);
	forged[2] = forge(before, ".+0000000000.0000000000000000.api:2");
	stage_kill_keeper(s);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, pid);
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	for (int i = 0; i < 3; i++)
		end_forged(forged[i]);
}

static void a_forged_brain_is_left_alone(void **state)
{
	struct stage *s = *state;
	char token[LOCK_TOKEN_LEN + 1], before[ENV_MARK_MAX];
	pid_t forged = 0;

	read_token(s, token);
	(void)snprintf(before, sizeof(before), "%s.0.0.", token);
	forged = forge(before, ".brain");
	stage_kill_keeper(s);
	stage_next_keeper(s);
	end_forged(forged);
}

static void read_own_mark(pid_t pid, char mark[ENV_MARK_MAX])
{
	assert_true(procfs_environ(pid, KEEPER_MARK, mark, ENV_MARK_MAX));
}

/* What a service can read of itself does not make another process its main one, whatever the ledger has lost. */
static void a_mark_is_worth_nothing_in_another_process(void **state)
{
	struct stage *s = *state;
	char mark[ENV_MARK_MAX], before[ENV_MARK_MAX], path[128];
	const char *at = NULL;
	pid_t forged = 0;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	read_own_mark(pid, mark);
	/* With its own pid in the place of that one. */
	at = strchr(strchr(strchr(mark, '.') + 1, '.') + 1, '.') + 1;
	(void)snprintf(before, sizeof(before), "%.*s", (int)(at - mark), mark);
	forged = forge(before, at + ENV_MARK_PID_DIGITS);
	stage_kill_keeper(s);
	kill(pid, SIGKILL);
	(void)stage_wait(pid);
	(void)snprintf(path, sizeof(path), "%s/run/oxherd.slots", s->home);
	assert_int_equal(unlink(path), 0);
	stage_next_keeper(s);
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
	end_forged(forged);
}

/* One that kept the mark of an earlier start of its slot. */
static void a_mark_of_an_earlier_start_is_ignored(void **state)
{
	struct stage *s = *state;
	char mark[ENV_MARK_MAX];
	pid_t forged = 0;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	read_own_mark(pid, mark);
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_say_ticket(s, KEEPER_FORGET, 1);
	pid = stage_actor(s, 2, NULL, WORDS("--mark"));
	forged = forge(mark, NULL);
	stage_kill_keeper(s);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 2)->pid, pid);
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
	end_forged(forged);
}

/* As the user of a service would who has read that of root's, and as who has never read any. */
static void a_strangers_copy_is_not_of_its_tree(void **state)
{
	struct stage *s = *state;
	char token[LOCK_TOKEN_LEN + 1], before[ENV_MARK_MAX];
	pid_t forged = 0;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	read_token(s, token);
	(void)snprintf(before, sizeof(before), "%s.1.1.", token);
	forged = forge(before, ".api:0");
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_SLOT, 1);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	end_forged(forged);
}

/* Its orphan stands among strangers, in a session of its own: only the mark tells whose it is, and it counts for the user that it was made for. */
static void what_another_users_service_left_is_of_its_tree(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	if (geteuid() != 0)
		skip();
	order_script_as(
		&w, 1, &out, "(setsid sh -c 'echo up; exec sleep 1000' &); exec sleep 1000", 65534, 65534);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_SLOT, 1);
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	buf_release(&text);
}

/* --- the version before --- */

/* As it wrote its lock: without a second line. */
static void forget_secret(const struct stage *s)
{
	static const char *const folders[] = { "run", "state" };
	char path[128], line[512];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/oxherd.lock", s->home, folders[i]);
		read_line_of_lock(s, 0, line);
		assert_int_equal(truncate(path, (off_t)strlen(line)), 0);
	}
}

static void what_the_first_version_kept_is_adopted(void **state)
{
	struct stage *s = *state;
	char line[512], path[128];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	stage_kill_keeper(s);
	forget_secret(s);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, pid);
	/* From now on there is a secret, and it stays. */
	read_line_of_lock(s, 1, line);
	assert_true(strlen(line) > (size_t)2 * SIPHASH_KEY);
	pid = stage_actor(s, 2, NULL, WORDS("--mark"));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_kill_keeper(s);
	(void)snprintf(path, sizeof(path), "%s/run/oxherd.slots", s->home);
	assert_int_equal(unlink(path), 0);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 2)->pid, pid);
}

static void nobody_else_can_read_the_secret(void **state)
{
	struct stage *s = *state;
	char line[512], key[2 * SIPHASH_KEY + 1], path[128], mark[ENV_MARK_MAX];
	struct stat st;

	read_line_of_lock(s, 1, line);
	assert_int_equal(sscanf(line, "%32s", key), 1);
	assert_int_equal(strlen(key), 2 * SIPHASH_KEY);
	(void)snprintf(path, sizeof(path), "%s/run/oxherd.lock", s->home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	read_own_mark(stage_actor(s, 1, NULL, WORDS("--mark")), mark);
	assert_null(strstr(mark, key));
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		PROMISE("a mark says what was written", a_mark_says_what_was_written),
		PROMISE("no byte of a mark can be changed without its secret", no_byte_of_it_can_be_changed),
		PROMISE("a mark of the first version is read, as one without a seal",
			a_mark_of_the_first_version_is_unsealed),
		ON_STAGE("a process with a forged mark is not taken for a service", a_forged_mark_is_nobodys),
		ON_STAGE("a process with a forged mark of the brain is left alone",
			a_forged_brain_is_left_alone),
		ON_STAGE("the mark of a service is worth nothing in another process",
			a_mark_is_worth_nothing_in_another_process),
		ON_STAGE("a mark of an earlier start of the slot is ignored",
			a_mark_of_an_earlier_start_is_ignored),
		ON_STAGE("a process with a forged mark is not killed with the service",
			a_strangers_copy_is_not_of_its_tree),
		{ "without cgroups: what an adopted service of another user left behind is killed with it",
			what_another_users_service_left_is_of_its_tree, stage_open_without_cgroups,
			stage_close, NULL },
		ON_STAGE("what the first version kept is adopted, and marks have seals from then on",
			what_the_first_version_kept_is_adopted),
		ON_STAGE("the secret of the marks is where only our user can read it",
			nobody_else_can_read_the_secret),
	};

	return cmocka_run_group_tests_name("keeper: marks", tests, NULL, NULL);
}
