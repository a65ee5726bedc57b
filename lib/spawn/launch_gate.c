#include "spawn/launch_gate.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/bind_hook.h"
#include "os/dirs.h"
#include "os/preload_call.h"
#include "os/procfs.h"
#include "os/program_file.h"

static const char preload[] = "LD_PRELOAD";

char *launch_gate_library(void)
{
	return dirs_program("liboxgate.so", NULL);
}

const struct gate_abilities *launch_gate_abilities(void)
{
	static struct gate_abilities can;
	static bool is_known;
	char *library = NULL;

	if (is_known)
		return &can;
	is_known = true;
	library = launch_gate_library();
	can.has_seccomp = bind_hook_can();
	can.is_without_nnp = !bind_hook_takes_rights();
	can.has_library = library;
	mem_free(library);
	return &can;
}

/* The file that would be executed; NULL where there is none. */
static char *find_program(const char *word, const struct env *env, const char *folder)
{
	struct buf run = BUF_INIT;
	struct keeper_list programs;
	const char *at = NULL;
	char *found = NULL;

	keeper_programs(&run, word, env_get(env, "PATH"));
	programs = keeper_list_of(&run);
	while (!found && (at = keeper_list_next(&programs, at))) {
		found = path_join(folder, at);
		if (access(found, X_OK) < 0) {
			mem_free(found);
			found = NULL;
		}
	}
	buf_release(&run);
	return found;
}

static enum program_kind kind_of(const char *path)
{
	static const enum program_kind kinds[] = {
		[PROGRAM_FILE_UNKNOWN] = PROGRAM_UNKNOWN,
		[PROGRAM_FILE_DYNAMIC] = PROGRAM_DYNAMIC,
		[PROGRAM_FILE_STATIC] = PROGRAM_STATIC,
		[PROGRAM_FILE_GO] = PROGRAM_GO,
	};

	return path ? kinds[program_file_kind(path)] : PROGRAM_UNKNOWN;
}

enum gate_hook launch_gate_hook(
	const struct spawn_effect *effect, const char *word, const struct env *env, const char *folder)
{
	const struct gate_abilities *can = launch_gate_abilities();
	enum program_kind kind = PROGRAM_UNKNOWN;
	int setting = effect->spec->gate;
	char *path = NULL;

	/* The file is looked at only where that makes a difference. */
	if (gate_hook_pick(setting, can, PROGRAM_DYNAMIC) != gate_hook_pick(setting, can, PROGRAM_STATIC)) {
		path = find_program(word, env, folder);
		kind = kind_of(path);
		mem_free(path);
	}
	return gate_hook_pick(setting, can, kind);
}

enum gate_hook launch_gate_hook_of(const struct spec *s, pid_t pid)
{
	char value[PRELOAD_NAME_MAX];

	if (pid <= 0 || s->gate != GATE_AUTO)
		return gate_hook_pick(s->gate, launch_gate_abilities(), PROGRAM_UNKNOWN);
	return procfs_environ(pid, PRELOAD_VARIABLE, value, sizeof(value)) ? GATE_PRELOAD : GATE_SECCOMP;
}

enum keeper_hook launch_gate_keeper_hook(enum gate_hook hook)
{
	if (hook == GATE_PRELOAD)
		return KEEPER_HOOK_PRELOAD;
	return hook == GATE_FDS ? KEEPER_HOOK_FDS : KEEPER_HOOK_SECCOMP;
}

void launch_gate_preload(struct env *env, const char *library)
{
	const char *others = env_get(env, preload);
	struct buf all = BUF_INIT;

	if (!(others && strstr(others, library))) {
		if (others && *others)
			buf_addf(&all, "%s:", others);
		buf_adds(&all, library);
		env_put(env, preload, all.ptr);
	}
	buf_release(&all);
}
