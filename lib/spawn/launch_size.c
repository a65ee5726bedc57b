/*
 * Whether the kernel takes so many words and variables: it says only "argument list too long", and the message should name which.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "spawn/launch.h"

/* As in the kernel's fs/exec.c. */
enum {
	STRING_MAX = 32 * 4096, /* one string, its end counted */
	TOTAL_LEAST = 128 * 1024,
	TOTAL_MOST = 6 << 20,
	STACK_PART = 4,
};

static double kilobytes(size_t bytes)
{
	return (double)bytes / 1024;
}

static int too_long(struct err *e, const char *what, size_t len)
{
	err_set(e, "%s is %.0f KB long, and the kernel takes %d KB", what, kilobytes(len), STRING_MAX / 1024);
	e->number = E2BIG;
	return -1;
}

static int check_words(const struct keeper_list *argv, struct err *e)
{
	const char *word = NULL;
	char what[64];
	int at = 0;

	while ((word = keeper_list_next(argv, word))) {
		at++;
		snprintf(what, sizeof(what), "word %d of the command", at);
		if (strlen(word) >= STRING_MAX)
			return too_long(e, what, strlen(word));
	}
	return 0;
}

static int check_variables(const struct keeper_list *env, struct err *e)
{
	const char *entry = NULL;
	char what[96];

	while ((entry = keeper_list_next(env, entry))) {
		snprintf(what, sizeof(what), "the variable '%.*s'", (int)strcspn(entry, "="), entry);
		if (strlen(entry) >= STRING_MAX)
			return too_long(e, what, strlen(entry));
	}
	return 0;
}

static size_t total_max(const struct keeper_spawn *spawn)
{
	struct rlimit stack = { .rlim_cur = RLIM_INFINITY };
	size_t most = 0;

	(void)getrlimit(RLIMIT_STACK, &stack);
	for (size_t i = 0; i < spawn->rlimit_count; i++)
		if (spawn->rlimits[i].resource == RLIMIT_STACK)
			stack.rlim_cur = spawn->rlimits[i].soft;
	most = stack.rlim_cur / STACK_PART < TOTAL_MOST ? stack.rlim_cur / STACK_PART : TOTAL_MOST;
	return most > TOTAL_LEAST ? most : TOTAL_LEAST;
}

int launch_check_size(const struct launch *l, struct err *e)
{
	const struct keeper_spawn *spawn = &l->message.spawn;
	size_t total =
		spawn->argv.len + spawn->env.len + (spawn->argv.count + spawn->env.count) * sizeof(char *);

	if (check_words(&spawn->argv, e) < 0 || check_variables(&spawn->env, e) < 0)
		return -1;
	if (spawn->argv.count > KEEPER_LIST_MAX || spawn->env.count > KEEPER_LIST_MAX)
		return err_set(e, "%zu words and %zu variables are more than %d each", spawn->argv.count,
			spawn->env.count, KEEPER_LIST_MAX);
	if (total <= total_max(spawn))
		return 0;
	err_set(e,
		"its command and environment take %.0f KB, and the kernel takes %.0f KB (a quarter of the stack limit)",
		kilobytes(total), kilobytes(total_max(spawn)));
	e->number = E2BIG;
	return -1;
}
