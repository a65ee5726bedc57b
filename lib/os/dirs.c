#include "os/dirs.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/unixsock.h"

enum { LOCK_TEXT_MAX = 4096 };

/* A variable that says where; an empty or relative one says nothing, as the XDG rules have it. */
static const char *folder_from_env(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value == '/' ? value : NULL;
}

static int find_home(struct dirs *d, const char *home, struct err *e)
{
	char *here = NULL;
	char *base = NULL;

	if (*home != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return err_sys(e, errno, "cannot tell the working folder");
	}
	base = path_join(here ? here : "/", home);
	d->run = path_join(base, "run");
	d->state = path_join(base, "state");
	d->log = path_join(base, "log");
	mem_free(base);
	mem_free(here);
	return 0;
}

/* A folder, no link, that nobody else can have made or write to. */
static bool is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

/* The run folder of a daemon that has not ended well, or has not ended: it stands in the lock of its state (keeper/lock.h), "PID TOKEN kept RUN". */
static char *last_run_folder(const char *state)
{
	static const char kept[] = " kept ";
	char *path = path_join(state, "oxherd.lock");
	struct buf text = BUF_INIT;
	const char *at = NULL;
	char *run = NULL;

	if (is_private(state) && file_read(path, LOCK_TEXT_MAX, &text, NULL) == 0)
		at = strstr(text.ptr, kept);
	if (at) {
		at += sizeof(kept) - 1;
		run = mem_strndup(at, strcspn(at, "\n"));
	}
	if (run && (*run != '/' || !is_private(run))) {
		mem_free(run);
		run = NULL;
	}
	buf_release(&text);
	mem_free(path);
	return run;
}

/*
 * Without XDG_RUNTIME_DIR.  Nobody else's doing decides: a name in /tmp counts only once it is ours, and then it cannot be taken from us.  It is where
 * version 0.1.0 has its run folder.
 */
static char *find_run(const char *state)
{
	struct buf tmp = BUF_INIT;
	struct buf session = BUF_INIT;
	char *run = last_run_folder(state);

	buf_addf(&tmp, "/tmp/oxherd-%lu", (unsigned long)geteuid());
	buf_addf(&session, "/run/user/%lu", (unsigned long)geteuid());
	if (!run && is_private(tmp.ptr))
		run = mem_strdup(tmp.ptr);
	if (!run && is_private(session.ptr))
		run = path_join(session.ptr, "oxherd");
	if (!run)
		run = path_join(state, "run");
	/* A socket's path has its limit; what is too long for it would be of no use. */
	if (strlen(run) + sizeof("/oxherd.sock") - 1 > UNIXSOCK_PATH_MAX) {
		mem_free(run);
		run = mem_strdup(tmp.ptr);
	}
	buf_release(&tmp);
	buf_release(&session);
	return run;
}

/* As the XDG rules have it, another user's is none: su keeps that variable. */
static bool is_anothers(const char *folder)
{
	struct stat st;

	return stat(folder, &st) == 0 && st.st_uid != geteuid();
}

static int find_user(struct dirs *d, struct err *e)
{
	const char *run = folder_from_env("XDG_RUNTIME_DIR");
	const char *state = folder_from_env("XDG_STATE_HOME");
	const char *home = folder_from_env("HOME");

	if (!state && !home)
		return err_set(
			e, "neither HOME nor XDG_STATE_HOME says where to keep state; set OXHERD_HOME");
	d->state = state ? path_join(state, "oxherd") : path_join(home, ".local/state/oxherd");
	d->run = run && !is_anothers(run) ? path_join(run, "oxherd") : find_run(d->state);
	d->log = path_join(d->state, "log");
	return 0;
}

/* The machine's own daemon, for members of its control group. */
static bool wants_system(void)
{
	const char *system = getenv("OXHERD_SYSTEM");

	return system && *system;
}

int dirs_find(struct dirs *d, struct err *e)
{
	const char *home = getenv("OXHERD_HOME");

	memset(d, 0, sizeof(*d));
	if (home && *home)
		return find_home(d, home, e);
	if (geteuid() != 0 && !wants_system())
		return find_user(d, e);
	d->run = mem_strdup("/run/oxherd");
	d->state = mem_strdup("/var/lib/oxherd");
	d->log = mem_strdup("/var/log/oxherd");
	return 0;
}

void dirs_release(struct dirs *d)
{
	mem_free(d->run);
	mem_free(d->state);
	mem_free(d->log);
	memset(d, 0, sizeof(*d));
}

/* The parents get what the umask leaves of 0755; the last one is private. */
static int make_private_folder(const char *path, struct err *e)
{
	char *part = mem_strdup(path);
	int rc = 0;

	for (char *slash = strchr(part + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			rc = err_sys(e, errno, "cannot make the folder '%s'", part);
		*slash = '/';
	}
	if (rc == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		rc = err_sys(e, errno, "cannot make the folder '%s'", path);
	mem_free(part);
	return rc;
}

/* In /tmp anybody may have been there first. */
static int check_own_folder(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_sys(e, errno, "cannot look at '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "'%s' is not a folder; move it away", path);
	if (st.st_uid != geteuid())
		return err_set(e, "'%s' belongs to uid %lu, not to us; set OXHERD_HOME or XDG_RUNTIME_DIR",
			path, (unsigned long)st.st_uid);
	if (st.st_mode & 022)
		return err_set(e, "others may write to '%s'; run chmod 700 on it", path);
	return 0;
}

int dirs_make(const struct dirs *d, struct err *e)
{
	if (make_private_folder(d->run, e) < 0 || make_private_folder(d->state, e) < 0 ||
		make_private_folder(d->log, e) < 0)
		return -1;
	return check_own_folder(d->run, e) < 0 || check_own_folder(d->state, e) < 0 ||
			check_own_folder(d->log, e) < 0
		? -1
		: 0;
}

static int check_folder_above(const char *path, struct err *e)
{
	struct stat st;

	/* What is not there yet is made by us. */
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot look at '%s'", path);
	if (st.st_uid != geteuid() && st.st_uid != 0 && strcmp(path, "/") != 0)
		return err_set(e,
			"'%s' belongs to uid %lu, who could put another folder in the place of OXHERD_HOME; set "
			"OXHERD_HOME to a folder of your own",
			path, (unsigned long)st.st_uid);
	if (folder_others_may_write(&st) && !(st.st_mode & S_ISVTX))
		return err_set(e,
			"others may write to '%s', and could put another folder in the place of OXHERD_HOME; run "
			"chmod go-w on it, or set OXHERD_HOME to another folder",
			path);
	return 0;
}

/* From the root down, so that each step is looked at where nobody can change it any more. */
static int check_steps(const char *path, struct err *e)
{
	char *part = mem_strdup(path);
	int rc = check_folder_above("/", e);

	for (char *slash = strchr(part + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = check_folder_above(part, e);
		*slash = '/';
	}
	if (rc == 0)
		rc = check_folder_above(part, e);
	mem_free(part);
	return rc;
}

int dirs_check_home(const struct dirs *d, struct err *e)
{
	const char *home = getenv("OXHERD_HOME");
	char real[PATH_MAX];
	char *base = NULL;
	int rc = 0;

	if (!home || !*home)
		return 0;
	base = path_folder(d->run);
	rc = check_steps(base, e);
	/* As it is named, and where its links lead. */
	if (rc == 0 && realpath(base, real))
		rc = check_steps(real, e);
	mem_free(base);
	return rc;
}

char *dirs_program(const char *name, struct err *e)
{
	static const char *const places[] = { ".", "../libexec/oxherd", "../../bin", "../bin" };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *own = NULL;
	char *path = NULL;

	self[len < 0 ? 0 : len] = '\0';
	own = path_folder(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *folder = path_join(own, places[i]);

		mem_free(path);
		path = path_join(folder, name);
		mem_free(folder);
		if (access(path, X_OK) == 0)
			break;
	}
	if (access(path, X_OK) < 0) {
		err_set(e, "there is no '%s' beside '%s', nor where it is installed", name, self);
		mem_free(path);
		path = NULL;
	}
	mem_free(own);
	return path;
}
