#include "spawn/program_check.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/spec.h"
#include "spawn/run.h"
#include "wire/keeper_msg.h"

extern char **environ;

static bool read_version(const char *line, const char *name, char version[PROGRAM_VERSION_MAX], int64_t *keep)
{
	size_t skip = strlen(name);
	size_t len = 0;

	if (strncmp(line, name, skip) != 0)
		return false;
	len = strcspn(line + skip, " ");
	if (!len || len >= PROGRAM_VERSION_MAX || strncmp(line + skip + len, " keep ", 6) != 0)
		return false;
	(void)snprintf(version, PROGRAM_VERSION_MAX, "%.*s", (int)len, line + skip);
	return str_to_int(line + skip + len + 6, keep);
}

int program_check_read(const char *path, const char *name, const struct run_result *result,
	char version[PROGRAM_VERSION_MAX], struct err *e)
{
	char *tail = mem_strndup(result->tail, result->tail_len);
	const char *last = NULL;
	int64_t keep = 0;
	int rc = 0;

	for (size_t len = strlen(tail); len && tail[len - 1] == '\n'; len--)
		tail[len - 1] = '\0';
	last = strrchr(tail, '\n') ? strrchr(tail, '\n') + 1 : tail;
	if (result->end != RUN_EXITED || result->code || result->signal)
		rc = err_set(e, "'%s --check': %s%s%s", path, result->words, *tail ? ": " : "", tail);
	else if (!read_version(last, name, version, &keep))
		rc = err_set(e, "'%s --check' does not say what it is", path);
	else if (keep != KEEPER_VERSION)
		rc = err_set(e,
			"'%s' speaks version %lld of the keeper's messages, and this daemon version %d: stop it and start the new one",
			path, (long long)keep, KEEPER_VERSION);
	mem_free(tail);
	return rc;
}

static void own_env(struct env *env)
{
	for (char **entry = environ; *entry; entry++) {
		size_t len = strcspn(*entry, "=");
		char *name = mem_strndup(*entry, len);

		if ((*entry)[len] == '=' && strcmp(name, KEEPER_MARK) != 0)
			env_put(env, name, *entry + len + 1);
		mem_free(name);
	}
}

struct run *program_check_start(
	struct runner *runner, const char *name, const char *path, run_done done, void *context)
{
	char *program = mem_strdup(path);
	char check[] = "--check";
	char *argv[] = { program, check, NULL };
	const struct command command = { .text = program, .argv = argv };
	struct env env = { .items = NULL };
	const struct run_request request = {
		.name = name,
		.command = &command,
		.folder = "/",
		.env = &env,
		.umask = 077,
		.timeout_ms = PROGRAM_CHECK_MS,
	};
	struct run *run = NULL;

	own_env(&env);
	run = run_start(runner, &request, done, context);
	env_release(&env);
	mem_free(program);
	return run;
}
