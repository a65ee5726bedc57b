/* Memory and processor time of trees of real processes. */
#include "sense/usage.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "sense/proctree.h"
#include "unit.h"

enum { BLOCK = 32 * 1024 * 1024 };

struct tree {
	pid_t pid;
};

static void touch(size_t size)
{
	int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	static void *block;

	block = mmap(NULL, size, PROT_READ | PROT_WRITE, how, -1, 0);
	if (block == MAP_FAILED)
		_exit(1);
}

/* Where the block is: below the main process; there, in a session of its own; in its session, its parent dead. */
enum kin { CHILD, CHILD_APART, ORPHAN };

static void be_kin(enum kin kin, bool is_busy, int ready)
{
	volatile unsigned int turns = 0;

	if (kin == ORPHAN && fork() != 0)
		_exit(0);
	if (kin == CHILD_APART)
		setsid();
	/* Nobody's death ends an orphan, so time does, should the test fail. */
	if (kin == ORPHAN)
		alarm(30);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	touch(BLOCK);
	/* Only once its parent has been reaped does it belong to nobody. */
	while (kin == ORPHAN && getppid() != 1 && turns < 100000)
		turns++;
	if (write(ready, "x", 1) != 1)
		_exit(1);
	if (!is_busy)
		pause();
	for (;;)
		turns++;
}

static struct tree start_tree(bool is_busy, enum kin kin)
{
	struct tree t;
	int ready[2];
	char byte = '\0';

	assert_int_equal(pipe(ready), 0);
	t.pid = fork();
	if (t.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		if (fork() == 0)
			be_kin(kin, is_busy, ready[1]);
		if (kin == ORPHAN)
			wait(NULL);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return t;
}

static void end_tree(struct tree *t)
{
	kill(-t->pid, SIGKILL);
	while (waitpid(-t->pid, NULL, 0) > 0)
		continue;
}

static void memory_counts_over_the_whole_tree(void **state)
{
	struct usage *m = usage_new();

	(void)state;
	for (enum kin kin = CHILD; kin <= ORPHAN; kin++) {
		struct tree t = start_tree(false, kin);
		struct usage_reading readings[] = { { .pid = t.pid }, { .pid = 0 }, { .pid = 999999999 } };

		usage_read(m, readings, 3);
		assert_int_equal(readings[0].processes, 2);
		assert_true(readings[0].memory_bytes >= BLOCK);
		assert_true(readings[0].memory_bytes < 2LL * BLOCK);
		for (int i = 1; i < 3; i++) {
			assert_int_equal(readings[i].processes, 0);
			assert_int_equal(readings[i].memory_bytes, 0);
		}
		end_tree(&t);
	}
	usage_free(m);
}

static void an_idle_tree_takes_nothing_and_a_busy_one_a_processor(void **state)
{
	struct usage *m = usage_new();
	struct tree idle = start_tree(false, CHILD);
	struct tree busy = start_tree(true, CHILD);
	struct usage_reading readings[] = { { .pid = idle.pid }, { .pid = busy.pid } };
	double first = 0;
	int64_t end = clock_ms() + USAGE_FRESH_MS + 20;

	(void)state;
	usage_read(m, readings, 2);
	first = readings[1].cpu_percent;
	usage_read(m, readings, 2);
	assert_true(first == readings[1].cpu_percent);
	while (clock_ms() < end)
		continue;
	usage_read(m, readings, 2);
	assert_true(readings[0].cpu_percent < 5);
	assert_true(readings[1].cpu_percent > 15);
	assert_true(readings[1].cpu_percent < 130);
	end_tree(&idle);
	end_tree(&busy);
	usage_free(m);
}

static void what_was_measured_is_given_again_for_a_moment(void **state)
{
	struct usage *m = usage_new();
	struct tree t = start_tree(false, CHILD);
	struct tree later = start_tree(false, CHILD);
	struct usage_reading one = { .pid = t.pid };
	struct usage_reading both[] = { { .pid = t.pid }, { .pid = later.pid }, { .pid = 0 } };

	(void)state;
	/* The last of a tree is reaped here, not when some init gets to it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	usage_read(m, &one, 1);
	assert_int_equal(one.processes, 2);
	end_tree(&t);
	one = (struct usage_reading){ .pid = t.pid };
	usage_read(m, &one, 1);
	assert_int_equal(one.processes, 2);
	assert_true(one.memory_bytes >= BLOCK);
	/* Somebody new is never answered for without a look. */
	usage_read(m, both, 3);
	assert_int_equal(both[0].processes, 0);
	assert_int_equal(both[1].processes, 2);
	assert_int_equal(both[2].processes, 0);
	end_tree(&later);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	usage_free(m);
}

static void the_nearer_root_owns(void **state)
{
	struct tree t = start_tree(false, CHILD);
	struct proctree tree = PROCTREE_INIT;
	pid_t roots[] = { getpid(), t.pid };
	size_t of_test = 0;
	size_t of_child = 0;

	(void)state;
	assert_int_equal(proctree_scan(&tree), 0);
	proctree_assign(&tree, roots, 2);
	for (size_t i = 0; i < tree.len; i++) {
		of_test += tree.procs[i].owner == 0;
		of_child += tree.procs[i].owner == 1;
	}
	assert_int_equal(of_test, 1);
	assert_int_equal(of_child, 2);
	assert_int_equal(proctree_find(&tree, getpid())->is.parent, getppid());
	assert_null(proctree_find(&tree, 999999999));
	proctree_release(&tree);
	end_tree(&t);
}

static void a_thousand_instances_are_measured_in_milliseconds(void **state)
{
	enum { COUNT = 1000 };
	static struct usage_reading readings[COUNT];
	int64_t best = INT64_MAX;
	int counted = 0;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		readings[i].pid = fork();
		if (readings[i].pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	for (int round = 0; round < 3; round++) {
		struct usage *m = usage_new();
		int64_t began = clock_us();

		usage_read(m, readings, COUNT);
		if (clock_us() - began < best)
			best = clock_us() - began;
		usage_free(m);
	}
	for (int i = 0; i < COUNT; i++) {
		counted += readings[i].processes;
		kill(readings[i].pid, SIGKILL);
		waitpid(readings[i].pid, NULL, 0);
	}
	printf("# 1000 instances: %lld us\n", (long long)best);
	assert_int_equal(counted, COUNT);
	/* A few milliseconds on an idle machine; a crowded one may take many times as long. */
	assert_true(best < 500000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("memory counts over the whole tree, with sessions of its own and orphans of its session",
			memory_counts_over_the_whole_tree),
		PROMISE("an idle tree takes nothing and a busy one a processor",
			an_idle_tree_takes_nothing_and_a_busy_one_a_processor),
		PROMISE("what was measured is given again for a moment, but not for somebody new",
			what_was_measured_is_given_again_for_a_moment),
		PROMISE("a process below two roots belongs to the nearer one", the_nearer_root_owns),
		PROMISE("a thousand instances are measured in milliseconds",
			a_thousand_instances_are_measured_in_milliseconds),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
