#include "lookup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "os/fd.h"
#include "rules/command_guess.h"
#include "wire/keeper_msg.h"

enum {
	FIRST_LINE_MAX = 255, /* of a script: what the kernel looks at */
	NEAR_LEAST = 4,
};

/* --- one file --------------------------------------------------------------------------------------------------------- */

/* 0, or why the kernel would not execute it. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	/* Root may execute what anybody may. */
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return EACCES;
	return 0;
}

/* The first of the places that has one, as execvp does; "not allowed" is the better complaint.  `path` gets where. */
static int find_on_path(const char *word, struct buf *path)
{
	struct buf places = BUF_INIT;
	struct keeper_list list;
	int worst = ENOENT;
	int rc = ENOENT;

	keeper_programs(&places, word, getenv("PATH"));
	list = (struct keeper_list){ .bytes = places.ptr, .len = places.len, .count = 1 };
	for (const char *at = keeper_list_next(&list, NULL); at && rc; at = keeper_list_next(&list, at)) {
		rc = check_program(at);
		if (!rc || (rc != ENOENT && rc != ENOTDIR && worst == ENOENT)) {
			buf_clear(path);
			buf_adds(path, at);
		}
		/* A folder of that name on PATH is passed over. */
		if (rc == EACCES || (strchr(word, '/') && rc))
			worst = rc;
	}
	buf_release(&places);
	return rc ? worst : 0;
}

/* The interpreter that a script names; false where it names none. */
static bool read_interpreter(const char *path, struct buf *out)
{
	char line[FIRST_LINE_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : read(fd, line, FIRST_LINE_MAX);
	const char *at = line + 2;

	fd_close(&fd);
	if (got < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	at += strspn(at, " \t");
	buf_add(out, at, strcspn(at, " \t"));
	return out->len > 0;
}

/* --- what was meant --------------------------------------------------------------------------------------------------- */

static bool is_program(void *context, const char *word)
{
	struct buf path = BUF_INIT;
	bool is_one = *word && find_on_path(word, &path) == 0;

	(void)context;
	buf_release(&path);
	return is_one;
}

static bool is_file(void *context, const char *word)
{
	struct stat st;

	(void)context;
	return stat(word, &st) == 0 && S_ISREG(st.st_mode);
}

/* A program whose name is one slip of the finger away, in this folder of PATH.  Short names are too near to each other. */
static bool find_nearest(const char *folder, const char *word, char near[NAME_MAX + 1])
{
	DIR *dir = opendir(folder);
	const struct dirent *entry = NULL;
	bool is_found = false;

	/* cppcheck-suppress readdirCalled */
	while (dir && !is_found && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < NEAR_LEAST || len > NAME_MAX || str_distance(word, entry->d_name) != 1 ||
			!is_program(NULL, entry->d_name))
			continue;
		memcpy(near, entry->d_name, len + 1);
		is_found = true;
	}
	if (dir)
		closedir(dir);
	return is_found;
}

static const char *nearest(void *context, const char *word)
{
	const char *path = getenv("PATH");
	char *near = context;
	bool is_found = false;

	if (strlen(word) < NEAR_LEAST || strchr(word, '/'))
		return NULL;
	for (const char *at = path; at && *at && !is_found; at += strspn(at, ":")) {
		char *folder = mem_strndup(at, strcspn(at, ":"));

		is_found = find_nearest(folder, word, near);
		at += strlen(folder);
		mem_free(folder);
	}
	return is_found ? near : NULL;
}

/* --- and what is said of it ------------------------------------------------------------------------------------------- */

static void add_reason(int why, const char *word, const char *path, struct buf *out)
{
	if (why == ENOENT && !strchr(word, '/'))
		buf_adds(out, "there is no such program in PATH");
	else if (why == EISDIR)
		buf_adds(out, "it is a folder");
	else if (why == EACCES && str_eq(word, path))
		buf_adds(out, "it is not executable (chmod +x makes it so)");
	else if (why == EACCES)
		buf_addf(out, "'%s' is not executable (chmod +x makes it so)", path);
	else
		buf_adds(out, strerror(why));
}

static int fail_lookup(const struct lookup_ask *ask, const char *reason)
{
	char near[NAME_MAX + 1] = "";
	const struct command_guess guess = {
		.name = ask->name,
		.argv = ask->argv,
		.options = ask->options,
		.is_program = is_program,
		.is_file = is_file,
		.nearest = nearest,
		.context = near,
	};
	struct buf meant = BUF_INIT;

	if (command_guess(&guess, &meant))
		daemon_call_fail(EXIT_FAILED,
			"cannot execute '%s': %s; nothing was started. Did you mean: %s", ask->argv[0],
			reason, meant.ptr);
	else
		daemon_call_fail(
			EXIT_FAILED, "cannot execute '%s': %s; nothing was started", ask->argv[0], reason);
	buf_release(&meant);
	return EXIT_FAILED;
}

/* A script that is there, but what its first line names is not. */
static int check_interpreter(const struct lookup_ask *ask, const char *path)
{
	struct buf interpreter = BUF_INIT;
	struct buf reason = BUF_INIT;
	int code = EXIT_DONE;

	if (read_interpreter(path, &interpreter) && check_program(interpreter.ptr) != 0) {
		if (str_ends(interpreter.ptr, "\r"))
			buf_adds(&reason,
				"its first line ends with a carriage return; save it with Unix line ends");
		else
			buf_addf(&reason, "its first line names '%s', which is not there or not executable",
				interpreter.ptr);
		code = daemon_call_fail(EXIT_FAILED, "cannot execute '%s': %s; nothing was started",
			ask->argv[0], reason.ptr);
	}
	buf_release(&interpreter);
	buf_release(&reason);
	return code;
}

int lookup_program(const struct lookup_ask *ask)
{
	struct buf path = BUF_INIT;
	struct buf reason = BUF_INIT;
	int why = find_on_path(ask->argv[0], &path);
	int code = EXIT_DONE;

	if (why) {
		add_reason(why, ask->argv[0], path.ptr, &reason);
		code = fail_lookup(ask, reason.ptr);
	} else {
		code = check_interpreter(ask, path.ptr);
	}
	buf_release(&reason);
	buf_release(&path);
	return code;
}
