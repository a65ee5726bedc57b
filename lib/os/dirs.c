#include "os/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

/* A variable that says where; an empty or relative one says nothing, as the XDG rules have it. */
static const char *folder_of(const char *variable)
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

static int find_user(struct dirs *d, struct err *e)
{
	const char *run = folder_of("XDG_RUNTIME_DIR");
	const char *state = folder_of("XDG_STATE_HOME");
	const char *home = folder_of("HOME");
	struct buf own = BUF_INIT;

	if (!state && !home)
		return err_set(
			e, "neither HOME nor XDG_STATE_HOME says where to keep state; set OXHERD_HOME");
	buf_addf(&own, "/tmp/oxherd-%lu", (unsigned long)geteuid());
	d->run = run ? path_join(run, "oxherd") : mem_strdup(own.ptr);
	buf_release(&own);
	d->state = state ? path_join(state, "oxherd") : path_join(home, ".local/state/oxherd");
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
static int make_folder(const char *path, struct err *e)
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
static int check_folder(const char *path, struct err *e)
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
	if (make_folder(d->run, e) < 0 || make_folder(d->state, e) < 0 || make_folder(d->log, e) < 0)
		return -1;
	return check_folder(d->run, e) < 0 || check_folder(d->state, e) < 0 || check_folder(d->log, e) < 0
		? -1
		: 0;
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
