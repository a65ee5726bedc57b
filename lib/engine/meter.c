#include "engine/meter.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/proctree.h"

/* What is remembered of a tree, for the next question. */
struct past {
	pid_t pid;
	uint64_t started_ticks; /* tells a pid that was used again */
	uint64_t cpu_ticks;
	int64_t at_ms;
	double percent;
};

struct meter {
	struct past *pasts; /* by pid */
	size_t len;
};

struct sum {
	uint64_t pages;
	uint64_t cpu_ticks;
	int processes;
};

struct meter *meter_new(void)
{
	return mem_zalloc(1, sizeof(struct meter));
}

void meter_free(struct meter *m)
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

static int by_pid(const void *left, const void *right)
{
	const struct past *a = left;
	const struct past *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static const struct past *find_past(const struct meter *m, const struct tree_proc *main)
{
	struct past wanted = { .pid = main->is.pid };
	const struct past *found = m->len ? bsearch(&wanted, m->pasts, m->len, sizeof(wanted), by_pid) : NULL;

	return found && found->started_ticks == main->is.start_time ? found : NULL;
}

static double percent_of(uint64_t ticks, int64_t ms)
{
	double seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);

	return ms > 0 ? seconds * 1000 / (double)ms * 100 : 0;
}

static struct past judge(const struct meter *m, const struct tree_proc *main, uint64_t cpu_ticks, int64_t now)
{
	const struct past *before = find_past(m, main);
	struct past after = {
		.pid = main->is.pid,
		.started_ticks = main->is.start_time,
		.cpu_ticks = cpu_ticks,
		.at_ms = now,
	};
	int64_t started_ms = (int64_t)(main->is.start_time * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));

	if (!before) {
		/* A start is known to a tick only. */
		after.percent =
			now - started_ms >= METER_LEAST_MS ? percent_of(cpu_ticks, now - started_ms) : 0;
		return after;
	}
	if (now - before->at_ms < METER_LEAST_MS)
		return *before;
	/* A child that ended took its time along. */
	if (cpu_ticks > before->cpu_ticks)
		after.percent = percent_of(cpu_ticks - before->cpu_ticks, now - before->at_ms);
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
		sums[p->owner].processes++;
	}
}

static void remember(struct meter *m, struct past *pasts, size_t len)
{
	mem_free(m->pasts);
	m->pasts = pasts;
	m->len = len;
	if (len)
		qsort(pasts, len, sizeof(*pasts), by_pid);
}

void meter_read(struct meter *m, struct meter_reading *readings, size_t count)
{
	struct proctree tree = PROCTREE_INIT;
	struct past *pasts = mem_zalloc(count, sizeof(*pasts));
	struct sum *sums = mem_zalloc(count, sizeof(*sums));
	pid_t *roots = mem_zalloc(count, sizeof(*roots));
	int64_t now = now_ms();
	size_t known = 0;

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
		pasts[known] = judge(m, main, sums[i].cpu_ticks, now);
		readings[i].cpu_percent = pasts[known++].percent;
	}
	remember(m, pasts, known);
	proctree_release(&tree);
	mem_free(sums);
	mem_free(roots);
}
