/* A keeper is killed, and the next one continues with what it had. */
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
#include "keeper/ledger.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "stage.h"
#include "unit.h"

static void kill_and_replace(struct stage *s)
{
	stage_kill_keeper(s);
	stage_next_keeper(s);
}

static void path_of_ledger(const struct stage *s, char path[128])
{
	(void)snprintf(path, 128, "%s/run/oxherd.slots", s->home);
}

static void assert_adopted(struct stage *s, uint64_t generation, pid_t pid)
{
	const struct note *n = stage_expect(s, KEEPER_SLOT, generation);

	assert_int_equal(n->pid, pid);
	assert_int_equal(n->state, KEEPER_STATE_RUNNING);
	assert_string_equal(n->name, "api:0");
	assert_true(stage_exists(s, pid));
}

static void what_runs_is_adopted(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	struct proc p;

	assert_true(procfs_read(pid, &p));
	/* Once is no proof that the second time works too. */
	for (int i = 0; i < 3; i++) {
		const struct note *n = NULL;

		kill_and_replace(s);
		n = stage_expect(s, KEEPER_SLOT, 1);
		assert_int_equal(n->pid, pid);
		assert_int_equal(n->start_time, p.start_time);
		assert_int_equal(n->state, KEEPER_STATE_RUNNING);
		assert_null(stage_seen(s, KEEPER_SLOT, 0));
	}
	stage_signal(s, 1, SIGTERM, KEEPER_REACH_MAIN);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->status, SIGTERM);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_say_ticket(s, KEEPER_FORGET, 1);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	kill_and_replace(s);
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
}

/* Once while its new parent has not reaped it, once when it is gone for good before the keeper looks. */
static void its_exit_code_is_learnt(void **state)
{
	struct stage *s = *state;
	pid_t pids[2];

	for (uint64_t g = 1; g <= 2; g++)
		pids[g - 1] = stage_actor(s, g, NULL, WORDS("--exit-on", "TERM 42", "--mark"));
	kill_and_replace(s);
	stage_signal(s, 1, SIGTERM, KEEPER_REACH_MAIN);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 1)->status), 42);
	stage_stop(s, s->keeper);
	kill(pids[1], SIGTERM);
	assert_int_equal(WEXITSTATUS(stage_wait(pids[1])), 42);
	kill(s->keeper, SIGCONT);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 2)->status), 42);
}

static void an_exit_that_nobody_took_is_told_again(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--exit", "7"));
	stage_actor(s, 2, NULL, WORDS("--crash"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_EXITED, 2);
	stage_say_ticket(s, KEEPER_TAKE_EXIT, 2);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	kill_and_replace(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_EXITED);
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 1)->status), 7);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 2)->is_taken, 1);
	assert_null(stage_seen(s, KEEPER_EXITED, 2));
}

/* A brain that dies before it has saved it, and a keeper with it. */
static void who_was_asked_to_end_is_told_as_such(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	stage_actor(s, 2, NULL, WORDS("--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 2);
	stage_say_ticket(s, KEEPER_ASKED, 1);
	stage_say_ticket(s, KEEPER_ASKED, 9);
	/* What comes after it is answered, so it was heard; that there is no ninth is no mistake. */
	stage_actor(s, 3, NULL, WORDS("--mark"));
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_ASKED, 1);
	assert_null(stage_seen(s, KEEPER_ASKED, 2));
	assert_null(stage_seen(s, KEEPER_ASKED, 3));
	kill_and_replace(s);
	stage_expect(s, KEEPER_ASKED, 1);
	assert_null(stage_seen(s, KEEPER_ASKED, 2));
	assert_null(stage_seen(s, KEEPER_ASKED, 3));
}

static void what_ended_unseen_is_told_as_that(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	stage_kill_keeper(s);
	kill(pid, SIGKILL);
	(void)stage_wait(pid);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_EXITED);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->status, KEEPER_STATUS_UNKNOWN);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
}

static void without_a_ledger_marks_tell(void **state)
{
	struct stage *s = *state;
	char path[128];
	pid_t pids[3];

	for (uint64_t g = 1; g <= 3; g++) {
		struct buf text = BUF_INIT;
		int out = -1;

		pids[g - 1] = stage_actor(s, g, &out, WORDS("--grandchild", "--mark"));
		stage_read(out, &text, "pid");
		fd_close(&out);
		buf_release(&text);
	}
	path_of_ledger(s, path);
	stage_kill_keeper(s);
	assert_int_equal(unlink(path), 0);
	stage_next_keeper(s);
	for (uint64_t g = 1; g <= 3; g++)
		assert_adopted(s, g, pids[g - 1]);
	/* A grandchild is no service of its own. */
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
}

/* A folder stands in its place. */
static void a_keeper_without_a_ledger_says_so(void **state)
{
	static const char words[] =
		"should this keeper be killed, the next one finds processes by their marks only";
	struct stage *s = *state;
	char path[128];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	stage_assert_logs_not(s, words);
	path_of_ledger(s, path);
	stage_kill_keeper(s);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	stage_next_keeper(s);
	assert_adopted(s, 1, pid);
	stage_assert_logs(s, words);
	assert_int_equal(rmdir(path), 0);
}

static void a_ledger_of_nonsense_harms_nobody(void **state)
{
	struct stage *s = *state;
	char path[128];
	char noise[4096];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	int fd = -1;

	path_of_ledger(s, path);
	stage_kill_keeper(s);
	memset(noise, 0x5a, sizeof(noise));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* Behind the head first, then all of it. */
	assert_int_equal(pwrite(fd, noise, sizeof(noise), LEDGER_RECORD), sizeof(noise));
	stage_next_keeper(s);
	assert_adopted(s, 1, pid);
	stage_kill_keeper(s);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
	fd_close(&fd);
	stage_next_keeper(s);
	assert_adopted(s, 1, pid);
}

static bool has_ticked(struct stage *s, int64_t ticks)
{
	(void)s;
	return clock_ticks() > (uint64_t)ticks;
}

/* Its pid was given to another process since: that one began at another time. */
static void a_stranger_with_its_pid_is_left_alone(void **state)
{
	struct stage *s = *state;
	struct ledger_record r;
	char path[128];
	pid_t stranger = fork();
	struct proc p;
	pid_t pid = 0;
	int fd = -1;

	if (stranger == 0) {
		fd_close_from(3);
		(void)poll(NULL, 0, -1);
		_exit(0);
	}
	assert_true(procfs_read(stranger, &p));
	stage_until(has_ticked, s, (int64_t)p.start_time);
	pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	path_of_ledger(s, path);
	stage_kill_keeper(s);
	kill(pid, SIGKILL);
	(void)stage_wait(pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &r, sizeof(r), LEDGER_RECORD), sizeof(r));
	assert_int_equal(r.pid, pid);
	r.pid = stranger;
	assert_int_equal(pwrite(fd, &r, sizeof(r), LEDGER_RECORD), sizeof(r));
	fd_close(&fd);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_EXITED);
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_TREE);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
	kill(stranger, SIGKILL);
	(void)stage_wait(stranger);
}

static void its_whole_tree_is_killed(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--grandchild", "--setsid-grandchild", "--mark"));
	stage_read(out, &text, "pid");
	kill_and_replace(s);
	/* Its main process first, so that the others are orphans among strangers. */
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->status, SIGKILL);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	buf_release(&text);
}

static void a_signal_reaches_its_whole_tree(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--say-on", "USR1 main", "--mark"));
	stage_read(out, &text, "pid");
	kill_and_replace(s);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_read(out, &text, "main\n");
	fd_close(&out);
	buf_release(&text);
}

static void what_it_left_behind_is_killed(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char path[128];
	int outs[2] = { -1, -1 };
	pid_t pids[2];

	for (uint64_t g = 1; g <= 2; g++) {
		buf_clear(&text);
		pids[g - 1] = stage_actor(s, g, &outs[g - 1], WORDS("--setsid-grandchild", "--mark"));
		stage_read(outs[g - 1], &text, "pid");
	}
	path_of_ledger(s, path);
	stage_kill_keeper(s);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		(void)stage_wait(pids[i]);
	}
	assert_int_equal(unlink(path), 0);
	stage_next_keeper(s);
	for (uint64_t g = 1; g <= 2; g++) {
		assert_int_equal(stage_expect(s, KEEPER_SLOT, g)->state, KEEPER_STATE_EXITED);
		stage_say_ticket(s, KEEPER_KILL_TREE, g);
		stage_expect(s, KEEPER_TREE_GONE, g);
		stage_read_all(&outs[g - 1], &text);
	}
	buf_release(&text);
}

static void an_old_brain_is_gone_first(void **state)
{
	struct stage *s = *state;
	pid_t old = s->brain;
	int link = s->link;

	/* It hangs, and does not see that its keeper is gone. */
	stage_stop(s, old);
	s->inherits = true;
	kill(s->keeper, SIGKILL);
	(void)stage_wait(s->keeper);
	fd_close(&s->sock);
	s->link = -1;
	stage_next_keeper(s);
	assert_int_equal(WTERMSIG(stage_wait(old)), SIGKILL);
	fd_close(&link);
}

static void stop_all_stops_the_adopted_too(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;
	struct buf text = BUF_INIT;
	int out = -1, deaf = -1;

	stage_actor(s, 1, &out, WORDS("--say-on", "TERM heard", "--mark"));
	stage_actor(s, 2, &deaf, WORDS("--ignore", "TERM", "--setsid-grandchild", "--mark"));
	stage_read(out, &text, "pid");
	buf_clear(&text);
	stage_read(deaf, &text, "pid");
	kill_and_replace(s);
	keeper_msg_init(&m, KEEPER_STOP_ALL);
	m.grace_ms = 300;
	stage_say(s, &m, NULL, 0);
	stage_read(out, &text, "heard\n");
	stage_read_all(&out, &text);
	stage_read_all(&deaf, &text);
	fd_close(&s->link);
	assert_int_equal(stage_wait(s->keeper), 0);
	s->keeper = 0;
	/* All is over: the next one finds nothing, and does not look. */
	stage_next_keeper(s);
	assert_null(stage_seen(s, KEEPER_SLOT, 0));
	buf_release(&text);
}

/* Every process with a mark, main ones only. */
struct census {
	char token[32];
	struct env_mark_secret secret;
	pid_t pids[256];
	int count;
};

static bool count_marked(void *context, const struct proc *p)
{
	struct census *c = context;
	struct env_mark b;

	if (c->count < 256 && p->state != 'Z' && env_mark_of(&b, p->pid, c->token, &c->secret) &&
		b.ticket.slot && b.pid == p->pid)
		c->pids[c->count++] = p->pid;
	return true;
}

static void read_secret(const struct stage *s, struct census *c)
{
	char path[128];
	FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "%s/run/oxherd.lock", s->home);
	file = fopen(path, "re");
	assert_non_null(file);
	/* cppcheck-suppress nullPointer */
	assert_int_equal(fscanf(file, "%*d %31s %*[^\n]\n", c->token), 1);
	for (int i = 0; i < SIPHASH_KEY; i++) {
		char digits[3];

		assert_int_equal(fscanf(file, "%2s", digits), 1);
		c->secret.key[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	(void)fclose(file);
}

static void assert_all_known(struct stage *s, const struct census *c)
{
	for (int i = 0; i < c->count; i++) {
		bool is_known = false;

		for (int k = 0; k < s->note_count && !is_known; k++)
			is_known = s->notes[k].kind == KEEPER_SLOT && s->notes[k].pid == c->pids[i];
		if (!is_known) {
			stage_print_log(s);
			fail_msg("pid %d runs, and the new keeper does not know it", (int)c->pids[i]);
		}
	}
}

static void nothing_slips_through(void **state)
{
	struct stage *s = *state;
	uint64_t generation = 0;
	struct census c;

	srandom(7);
	read_secret(s, &c);
	for (int round = 0; round < 25; round++) {
		for (int i = 0; i < 6; i++) {
			struct spawn_order w;

			order_actor(&w, ++generation, NULL, WORDS("--mark"));
			order_say(s, &w);
		}
		usleep((useconds_t)(random() % 4000));
		stage_kill_keeper(s);
		c.count = 0;
		stage_next_keeper(s);
		/* By now every child of the old one runs its program. */
		procfs_each(count_marked, &c);
		assert_all_known(s, &c);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("82: what runs is adopted, again and again, and can be stopped and forgotten",
			what_runs_is_adopted),
		ON_STAGE("the exit code of an adopted one is learnt, whether its parent has reaped it or not",
			its_exit_code_is_learnt),
		ON_STAGE("an exit that no brain took is sent by the next keeper",
			an_exit_that_nobody_took_is_told_again),
		ON_STAGE(
			"a process that was stopped is known as such to the next brain, and to the next keeper's",
			who_was_asked_to_end_is_told_as_such),
		ON_STAGE("a process that ended while no keeper was there is reported as unseen",
			what_ended_unseen_is_told_as_that),
		ON_STAGE("without a ledger the marks tell what runs", without_a_ledger_marks_tell),
		ON_STAGE("a keeper that cannot have a ledger says so, and finds by the marks what runs",
			a_keeper_without_a_ledger_says_so),
		ON_STAGE("a ledger full of nonsense harms nobody", a_ledger_of_nonsense_harms_nobody),
		ON_STAGE("a stranger that has got the pid is left alone",
			a_stranger_with_its_pid_is_left_alone),
		ON_STAGE("the whole tree of an adopted one is killed, orphans among strangers too",
			its_whole_tree_is_killed),
		ON_STAGE(
			"a signal reaches the whole tree of an adopted one", a_signal_reaches_its_whole_tree),
		{ "without cgroups: a signal reaches the whole tree of an adopted one",
			a_signal_reaches_its_whole_tree, stage_open_without_cgroups, stage_close, NULL },
		{ "without cgroups: the whole tree of an adopted one is killed", its_whole_tree_is_killed,
			stage_open_without_cgroups, stage_close, NULL },
		ON_STAGE("what is left of one whose main process died unseen is killed",
			what_it_left_behind_is_killed),
		ON_STAGE("a brain that hangs is gone before there is another", an_old_brain_is_gone_first),
		ON_STAGE("STOP_ALL stops the adopted too, and then nothing is left to be adopted",
			stop_all_stops_the_adopted_too),
		ON_STAGE("whatever was being started when the keeper was killed is known to the next one",
			nothing_slips_through),
	};

	return cmocka_run_group_tests_name("keeper: adopt", tests, NULL, NULL);
}
