#include "sense/usage.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sense/proctree.h"

/* What is remembered of a tree, for the next question. */
struct past {
	pid_t pid;
	uint64_t started_ticks; /* tells a pid that was used again */
	uint64_t cpu_ticks;
	int64_t at_ms;
	double percent;
	int64_t memory_bytes;
	int processes;
};

struct usage {
	struct past *pasts; /* by pid */
	size_t len;
};

struct sum {
	uint64_t pages;
	uint64_t cpu_ticks;
	int processes;
};

struct usage *usage_new(void)
{
	return mem_zalloc(1, sizeof(struct usage));
}

void usage_free(struct usage *m)
{
	if (!m)
		return;
	mem_free(m->pasts);
	mem_free(m);
}

/* Since boot, as start times of processes are. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int by_past_pid(const void *left, const void *right)
{
	const struct past *a = left;
	const struct past *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static const struct past *find_pid(const struct usage *m, pid_t pid)
{
	struct past wanted = { .pid = pid };

	return m->len ? bsearch(&wanted, m->pasts, m->len, sizeof(wanted), by_past_pid) : NULL;
}

static const struct past *find_past(const struct usage *m, const struct tree_proc *main)
{
	const struct past *found = find_pid(m, main->is.pid);

	return found && found->started_ticks == main->is.start_time ? found : NULL;
}

/* Answers from what was measured a moment ago, if all of them were. */
static bool read_fresh(const struct usage *m, struct usage_reading *readings, size_t count, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		const struct past *past = readings[i].pid > 0 ? find_pid(m, readings[i].pid) : NULL;

		if (readings[i].pid > 0 && (!past || now - past->at_ms >= USAGE_FRESH_MS))
			return false;
		readings[i].processes = past ? past->processes : 0;
		readings[i].memory_bytes = past ? past->memory_bytes : 0;
		readings[i].cpu_percent = past ? past->percent : 0;
	}
	return true;
}

static double percent_of(uint64_t ticks, int64_t ms)
{
	double seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);

	return ms > 0 ? seconds * 1000 / (double)ms * 100 : 0;
}

static struct past measure_process(
	const struct usage *m, const struct tree_proc *main, const struct sum *sum, int64_t now)
{
	const struct past *before = find_past(m, main);
	struct past after = {
		.pid = main->is.pid,
		.started_ticks = main->is.start_time,
		.cpu_ticks = sum->cpu_ticks,
		.at_ms = now,
		.memory_bytes = (int64_t)sum->pages * sysconf(_SC_PAGESIZE),
		.processes = sum->processes,
	};
	int64_t started_ms = (int64_t)(main->is.start_time * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));

	if (!before) {
		/* A start is known to a tick only. */
		after.percent =
			now - started_ms >= USAGE_LEAST_MS ? percent_of(sum->cpu_ticks, now - started_ms) : 0;
		return after;
	}
	/* Others started meanwhile: this one's share continues from the last count. */
	if (now - before->at_ms < USAGE_FRESH_MS) {
		after.cpu_ticks = before->cpu_ticks;
		after.at_ms = before->at_ms;
		after.percent = before->percent;
		return after;
	}
	/* A child that ended took its time along. */
	if (sum->cpu_ticks > before->cpu_ticks)
		after.percent = percent_of(sum->cpu_ticks - before->cpu_ticks, now - before->at_ms);
	return after;
}

static void sum_up(const struct proctree *t, struct sum *sums)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct tree_proc *p = &t->procs[i];

		if (p->owner == PROCTREE_NOBODY)
			continue;
		sums[p->owner].pages += p->is.rss_pages;
		sums[p->owner].cpu_ticks += p->is.cpu_ticks;
		/* A zombie has only its processor time left. */
		/* One whose first thread alone has ended lives. */
		sums[p->owner].processes += p->is.state != 'Z' || p->is.threads > 1;
	}
}

static void remember_pasts(struct usage *m, struct past *pasts, size_t len)
{
	mem_free(m->pasts);
	m->pasts = pasts;
	m->len = len;
	if (len)
		qsort(pasts, len, sizeof(*pasts), by_past_pid);
}

void usage_read(struct usage *m, struct usage_reading *readings, size_t count)
{
	struct proctree tree = PROCTREE_INIT;
	struct past *pasts = NULL;
	struct sum *sums = NULL;
	pid_t *roots = NULL;
	int64_t now = now_ms();
	size_t known = 0;

	if (read_fresh(m, readings, count, now))
		return;
	pasts = mem_zalloc(count, sizeof(*pasts));
	sums = mem_zalloc(count, sizeof(*sums));
	roots = mem_zalloc(count, sizeof(*roots));
	for (size_t i = 0; i < count; i++)
		roots[i] = readings[i].pid;
	if (proctree_scan(&tree) == 0) {
		proctree_assign(&tree, roots, count);
		sum_up(&tree, sums);
	}
	for (size_t i = 0; i < count; i++) {
		const struct tree_proc *main = roots[i] > 0 ? proctree_find(&tree, roots[i]) : NULL;

		readings[i].processes = sums[i].processes;
		readings[i].memory_bytes = (int64_t)sums[i].pages * sysconf(_SC_PAGESIZE);
		readings[i].cpu_percent = 0;
		if (!main)
			continue;
		pasts[known] = measure_process(m, main, &sums[i], now);
		readings[i].cpu_percent = pasts[known++].percent;
	}
	remember_pasts(m, pasts, known);
	proctree_release(&tree);
	mem_free(sums);
	mem_free(roots);
}
