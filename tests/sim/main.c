/*
 * sim [SEED [STEPS [SEEDS]]]: runs seeds one after the other.  For a broken invariant it says which, with which seed, and then leaves out
 * actions for as long as it still breaks, so that the trace shows the few that matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim.h"

enum { SHRINK_SECS = 60, TRACE_TOLD = 60 };

/* What makes two failures the same one: the words without their numbers and names would be too few, so up to the first digit. */
static bool is_same(const char *a, const char *b)
{
	const char *digit = strpbrk(a, "0123456789");
	const char *colon = strchr(a, ':');
	const char *from = colon ? strchr(colon, ' ') : NULL;
	const char *other = strchr(b, ':') ? strchr(strchr(b, ':'), ' ') : NULL;

	if (from && other)
		return strncmp(from, other, strcspn(from, "0123456789(")) == 0;
	return digit ? strncmp(a, b, (size_t)(digit - a)) == 0 : str_eq(a, b);
}

/* Runs with some actions left out; true when it breaks in the same way, and then `s` may be looked at (and is released by the caller). */
static bool breaks(
	struct sim *s, uint64_t seed, uint64_t limit, const bool *skips, size_t len, const char *failure)
{
	bool is_ok = false;

	sim_init(s, seed, limit);
	s->skips = skips;
	s->skips_len = len;
	s->is_shrunk = true;
	is_ok = sim_run(s);
	return !is_ok && is_same(failure, s->failure);
}

static bool still_breaks(
	uint64_t seed, uint64_t limit, const bool *skips, size_t len, const char *failure, uint64_t *steps)
{
	struct sim *s = mem_zalloc(1, sizeof(*s));
	bool is = breaks(s, seed, limit, skips, len, failure);

	if (is)
		*steps = s->steps;
	sim_release(s);
	mem_free(s);
	return is;
}

/* SIM_SHRINK_SECS of the environment: 0 where only the verdict matters. */
static int64_t shrink_secs(void)
{
	const char *given = getenv("SIM_SHRINK_SECS");
	int64_t secs = SHRINK_SECS;

	return given && str_to_int(given, &secs) ? secs : SHRINK_SECS;
}

/* Leaves out ever smaller stretches of actions as long as the same thing breaks. */
static size_t shrink(uint64_t seed, uint64_t steps, bool *skips, size_t len, const char *failure)
{
	time_t end = time(NULL) + shrink_secs();
	bool *trial = mem_zalloc(len, sizeof(*trial));
	size_t left = 0;

	for (size_t stretch = len; stretch && time(NULL) < end; stretch /= 2) {
		for (size_t from = 1; from < len && time(NULL) < end; from += stretch) {
			bool is_any = false;

			memcpy(trial, skips, len * sizeof(*trial));
			for (size_t k = from; k < from + stretch && k < len; k++) {
				is_any |= !trial[k];
				trial[k] = true;
			}
			if (is_any && still_breaks(seed, steps + 1000, trial, len, failure, &steps))
				memcpy(skips, trial, len * sizeof(*trial));
		}
	}
	for (size_t k = 0; k < len; k++)
		left += !skips[k];
	mem_free(trial);
	return left;
}

static void print_trace(const struct sim *s)
{
	uint64_t from = s->traced > TRACE_TOLD ? s->traced - TRACE_TOLD : 0;

	for (uint64_t k = from; k < s->traced; k++)
		printf("%s\n", s->trace[k % SIM_TRACE_LINES]);
}

static void explain(uint64_t seed, const struct sim *broken)
{
	size_t len = broken->actions + 1;
	bool *skips = mem_zalloc(len, sizeof(*skips));
	struct sim *s = mem_zalloc(1, sizeof(*s));
	size_t left = 0;

	printf("seed %llu, step %llu: %s\n", (unsigned long long)seed, (unsigned long long)broken->steps,
		broken->failure);
	left = shrink(seed, broken->steps, skips, len, broken->failure);
	sim_init(s, seed, broken->limit);
	s->skips = skips;
	s->skips_len = len;
	s->is_shrunk = left < len;
	s->is_tracing = true;
	s->trace = mem_zalloc(SIM_TRACE_LINES, sizeof(*s->trace));
	sim_run(s);
	printf("with %zu of %zu actions it breaks at step %llu: %s\n", left, len,
		(unsigned long long)s->steps, s->failure);
	print_trace(s);
	sim_release(s);
	mem_free(s);
	mem_free(skips);
}

static bool run(uint64_t seed, uint64_t steps)
{
	struct sim *s = mem_zalloc(1, sizeof(*s));
	struct timespec begin = { 0 };
	struct timespec end = { 0 };
	bool is_ok = false;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	sim_init(s, seed, steps);
	is_ok = sim_run(s);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (is_ok)
		printf("seed %llu: %llu steps, %llu actions, %llu processes, %llu new brains, %llu answers, %.1f s\n",
			(unsigned long long)seed, (unsigned long long)s->steps,
			(unsigned long long)s->actions, (unsigned long long)s->spawns,
			(unsigned long long)s->restores, (unsigned long long)s->settled,
			(double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	else
		explain(seed, s);
	fflush(stdout);
	sim_release(s);
	mem_free(s);
	return is_ok;
}

int main(int argc, char **argv)
{
	int64_t seed = 1;
	int64_t steps = 100000;
	int64_t seeds = 10;
	int failed = 0;

	if ((argc > 1 && !str_to_int(argv[1], &seed)) || (argc > 2 && !str_to_int(argv[2], &steps)) ||
		(argc > 3 && !str_to_int(argv[3], &seeds)) || argc > 4 || steps < 1 || seeds < 1) {
		fprintf(stderr, "usage: sim [SEED [STEPS [SEEDS]]]\n");
		return 2;
	}
	for (int64_t k = 0; k < seeds; k++)
		failed += !run((uint64_t)(seed + k), (uint64_t)steps);
	printf("%d passed, %d failed\n", (int)seeds - failed, failed);
	return failed ? 1 : 0;
}
