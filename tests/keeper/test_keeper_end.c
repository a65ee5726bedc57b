/* A tree is asked to end before it is killed: each of its processes once, and what takes its time has it. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "keeper/kill.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "os/fd.h"
#include "stage.h"
#include "unit.h"

/* A main process that ends by itself after a moment, or by a signal, and leaves one behind that counts the signals it gets. */
#define REST "(trap 'echo heard' TERM; trap 'echo done; exit' USR1; echo up; while :; do sleep 0.02; done) & "

static uint64_t say_signal(
	struct stage *s, enum keeper_msg_kind kind, uint64_t generation, int number, enum keeper_reach reach)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.ticket = (struct keeper_ticket){ 1, generation };
	m.signal = number;
	m.reach = reach;
	return stage_say(s, &m, NULL, 0);
}

static void end_tree(struct stage *s, uint64_t generation, int number)
{
	(void)say_signal(s, KEEPER_END_TREE, generation, number, KEEPER_REACH_MAIN);
}

/* Generation 1 in slot 1, until it has said "up". */
static void begin(struct stage *s, const char *script, int *out, struct buf *text)
{
	struct spawn_order w;

	order_program(&w, 1, out, WORDS("sh", "-c", script));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(*out, text, "up\n");
}

/* Reads to the end; how often did it hear its signal? */
static int heard(int *out, struct buf *text)
{
	int count = 0;

	stage_read_all(out, text);
	for (const char *at = text->ptr; (at = strstr(at, "heard")); at++)
		count++;
	return count;
}

/* All that was said before has been heard once this is answered. */
static void pass(struct stage *s)
{
	stage_expect_error(s, stage_say_ticket(s, KEEPER_KILL_TREE, 999));
}

static void what_is_left_gets_the_signal_and_its_time(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s,
		"(trap 'echo heard; sleep 0.3; echo done; exit' TERM; echo up; while :; do sleep 0.02; done) & sleep 0.3",
		&out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	stage_assert_has(&text, "heard\ndone\n");
	stage_until_count(s, 0);
	/* Asked again, answered again. */
	end_tree(s, 1, SIGTERM);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	buf_release(&text);
}

static void nobody_hears_it_twice(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, REST "exit 0", &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	stage_read(out, &text, "heard\n");
	end_tree(s, 1, SIGTERM);
	pass(s);
	/* The next brain says it again. */
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void nor_from_the_next_keeper(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, REST "exit 0", &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	stage_read(out, &text, "heard\n");
	pass(s);
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	/* That it ends is seen, though it is an orphan among strangers. */
	(void)say_signal(s, KEEPER_SIGNAL, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	stage_assert_has(&text, "done");
	buf_release(&text);
}

/* The old keeper has not sent it yet, the new one has: to that one it was sent once, too. */
static void nor_after_an_upgrade(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, "trap 'exit 0' USR1; " REST "while :; do sleep 0.02; done", &out, &text);
	end_tree(s, 1, SIGTERM);
	stage_upgrade(s);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_MAIN);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_read(out, &text, "heard\n");
	end_tree(s, 1, SIGTERM);
	pass(s);
	(void)poll(NULL, 0, STAGE_PATIENCE_MS);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void what_lives_is_not_told_to_end(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, "trap '' TERM; " REST "sleep 0.5; echo main; exit 0", &out, &text);
	end_tree(s, 1, SIGTERM);
	stage_read(out, &text, "heard\n");
	/* Its main process says so as its last deed. */
	stage_assert_has(&text, "main\nheard\n");
	stage_expect(s, KEEPER_EXITED, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	fd_close(&out);
	buf_release(&text);
}

static void a_stop_is_sent_once(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, "trap 'echo heard' TERM; echo up; while :; do sleep 0.02; done", &out, &text);
	(void)say_signal(s, KEEPER_STOP, 1, SIGTERM, KEEPER_REACH_MAIN);
	stage_read(out, &text, "heard\n");
	(void)say_signal(s, KEEPER_STOP, 1, SIGTERM, KEEPER_REACH_MAIN);
	pass(s);
	/* The next brain learns that it was asked to end. */
	stage_kill_brain(s);
	stage_accept(s, true);
	stage_expect(s, KEEPER_ASKED, 1);
	(void)say_signal(s, KEEPER_STOP, 1, SIGTERM, KEEPER_REACH_MAIN);
	pass(s);
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_ASKED, 1);
	(void)say_signal(s, KEEPER_STOP, 1, SIGTERM, KEEPER_REACH_MAIN);
	pass(s);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

/* By the stop; after its main process no other gets a signal again. */
static void a_stop_of_the_tree_reaches_all_once(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s, "trap 'echo main; exit' TERM; " REST "while :; do sleep 0.02; done", &out, &text);
	(void)say_signal(s, KEEPER_STOP, 1, SIGTERM, KEEPER_REACH_TREE);
	stage_read(out, &text, "heard\n");
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	pass(s);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	stage_assert_has(&text, "main");
	buf_release(&text);
}

/* What one does while it ends may need programs. */
static void who_comes_later_is_left_alone(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s,
		"(trap 'sleep 0.3 && echo cleaned; exit' TERM; echo up; while :; do sleep 0.02; done) & exit 0",
		&out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	end_tree(s, 1, SIGTERM);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_read_all(&out, &text);
	stage_assert_has(&text, "cleaned");
	buf_release(&text);
}

/* Nobody says a word to it but the keeper, which gives 200 ms. */
static void the_keepers_own_stop_asks_first(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	begin(s,
		"(trap 'echo heard; sleep 0.05; echo done; exit' TERM; echo up; while :; do sleep 0.01; done) & wait",
		&out, &text);
	stage_kill_brain(s);
	kill(s->keeper, SIGTERM);
	stage_read_all(&out, &text);
	stage_assert_has(&text, "heard\ndone\n");
	buf_release(&text);
}

static unsigned int written_as_signalled(struct ledger *l)
{
	struct ledger_record r;
	int index = 0;

	assert_true(ledger_next(l, &index, &r));
	return (unsigned int)(r.is_stopping >> 1);
}

/* A keeper that is killed before it sent anything leaves that to the next. */
static void what_was_not_sent_is_not_noted(void **state)
{
	char folder[] = "/tmp/oxherd-test-XXXXXX";
	static struct slots all;
	static struct ledger l;
	struct err e = ERR_INIT;
	struct slot *s = NULL;
	struct buf path = BUF_INIT;

	(void)state;
	assert_non_null(mkdtemp(folder));
	ledger_init(&l);
	assert_int_equal(ledger_open(&l, folder, false, &e), 0);
	all.ledger = &l;
	all.epoll = -1;
	s = slots_new(&all, (struct keeper_ticket){ 1, 1 }, "api:0");
	s->is_walked = true;
	s->start_time = 1;
	s->pidfd = -1;
	slots_born(&all, s, 77);
	s->state = KEEPER_STATE_RUNNING;
	kill_end_tree(&all, s, SIGTERM);
	ledger_note(&l, s);
	assert_int_equal(written_as_signalled(&l) & SIGNALLED_REST, 0);
	/* Its turn has come, but no walk has sent anything yet. */
	s->state = KEEPER_STATE_EXITED;
	slots_reaped(&all, s);
	ledger_note(&l, s);
	assert_int_equal(written_as_signalled(&l) & SIGNALLED_REST, 0);
	assert_int_equal(kill_round(&all, false, true, "none"), 0);
	assert_int_equal(written_as_signalled(&l) & SIGNALLED_REST, SIGNALLED_REST);
	slots_free(&all, s);
	ledger_close(&l);
	buf_addf(&path, "%s/oxherd.slots", folder);
	assert_int_equal(unlink(path.ptr), 0);
	assert_int_equal(rmdir(folder), 0);
	buf_release(&path);
}

/*
 * A process leaves its cgroup a moment before its parent can reap it, and a busy machine makes that moment long.  A tracer makes it as long as
 * the test likes: nobody else can reap the process before the tracer has.
 */
static void the_last_one_is_reaped_first(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct pollfd farewell = { .events = POLLRDHUP };
	int out = -1;
	pid_t pid = -1;

	stage_actor(s, 1, &out, WORDS("--fork-away", "--mark"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_read(out, &text, "\n");
	pid = (pid_t)strtol(text.ptr + strlen("pid "), NULL, 10);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	(void)say_signal(s, KEEPER_STOP_ALL, 0, 0, KEEPER_REACH_MAIN);
	/* Its descriptors are closed: it is dead, and the cgroup is empty. */
	stage_read_all(&out, &text);
	stage_until(stage_is_zombie, s, pid);
	farewell.fd = s->sock;
	assert_int_equal(poll(&farewell, 1, 300), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	fd_close(&s->sock);
	buf_release(&text);
}

int main(void)
{
#define BOTH(sentence, function)                                                                             \
	{ (sentence), (function), stage_open, stage_close, NULL },                                           \
	{                                                                                                    \
		"without cgroups: " sentence, (function), stage_open_without_cgroups, stage_close, NULL      \
	}
	const struct CMUnitTest tests[] = {
		BOTH("what is left of a tree gets the signal, and the time that it needs",
			what_is_left_gets_the_signal_and_its_time),
		BOTH("no process of a tree gets the signal twice, whichever brain sends it",
			nobody_hears_it_twice),
		BOTH("the next keeper does not send it again either", nor_from_the_next_keeper),
		BOTH("nor does the same keeper after an upgrade that came before the main process ended",
			nor_after_an_upgrade),
		BOTH("the rest of a tree is not told to end while its main process lives",
			what_lives_is_not_told_to_end),
		BOTH("a main process gets the stop signal once, whichever message asks for it",
			a_stop_is_sent_once),
		BOTH("a stop for the whole tree reaches all of it, once",
			a_stop_of_the_tree_reaches_all_once),
		BOTH("what a tree starts while it ends is left alone", who_comes_later_is_left_alone),
		BOTH("a keeper that stops all by itself asks every tree first",
			the_keepers_own_stop_asks_first),
		BOTH("the keeper does not end before the last process of a tree is reaped",
			the_last_one_is_reaped_first),
		PROMISE("the signal for the rest of a tree is noted when it is sent, not when it is asked for",
			what_was_not_sent_is_not_noted),
	};

	return cmocka_run_group_tests_name("keeper: end", tests, NULL, NULL);
}
