#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/version.h"
#include "keeper/detach.h"
#include "keeper/keeper.h"
#include "keeper/lock.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/fd.h"
#include "wire/keeper_msg.h"

static void write_line(void *context, enum log_level level, const char *line, size_t len)
{
	struct buf out = BUF_INIT;

	(void)context;
	clock_write(&out, clock_wall_ms());
	buf_addf(&out, " oxherd %s: ", log_level_name(level));
	buf_add(&out, line, len);
	buf_addc(&out, '\n');
	(void)fd_write_all(STDERR_FILENO, out.ptr, out.len);
	buf_release(&out);
}

static struct keeper_options keeper_options_of(const struct options *o, const char *brain)
{
	return (struct keeper_options){
		.brain = brain,
		.ready_fd = -1,
		.patience_ms = o->patience_ms,
		.grace_ms = o->grace_ms,
		.answer_ms = o->answer_ms,
		.without_cgroups = o->without_cgroups,
		.is_verbose = o->verbose,
		.handover_fd = -1,
		.back_fd = -1,
	};
}

static int keep_herd(
	const struct options *o, const char *brain, const struct lock *lock, int tell_fd, struct err *e)
{
	struct keeper_options keeper = keeper_options_of(o, brain);
	int rc = lock_sign(lock, e);

	keeper.token = lock->token;
	keeper.secret = &lock->secret;
	keeper.run = lock->run;
	keeper.was_left = lock->was_left;
	keeper.run_lock = lock->run_fd;
	keeper.state_lock = lock->state_fd;
	keeper.ready_fd = tell_fd < 0 ? -1 : fcntl(tell_fd, F_DUPFD_CLOEXEC, 3);
	/* The program that started it would wait for the report for ever. */
	if (rc == 0 && tell_fd >= 0 && keeper.ready_fd < 0)
		rc = err_sys(e, errno, "cannot duplicate the descriptor that reports the start");
	log_to(write_line, NULL, o->verbose ? LOG_DEBUG : LOG_INFO);
	/* The one that it was started in may be on a file system that somebody wants to unmount. */
	if (rc == 0 && chdir("/") < 0)
		rc = err_sys(e, errno, "cannot enter '/'");
	if (rc == 0)
		rc = keeper_run(&keeper, e);
	if (rc == 0)
		lock_sign_off(lock);
	if (rc < 0 && tell_fd >= 0)
		(void)fd_write_all(tell_fd, e->text.ptr, e->text.len);
	return rc;
}

/* `path` as it is from anywhere; freed by the caller. */
static char *absolute(const char *path, struct err *e)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	char *whole = NULL;

	if (*path == '/')
		return mem_strdup(path);
	if (here)
		whole = path_join(here, path);
	else
		err_sys(e, errno, "cannot tell where '%s' is", path);
	mem_free(here);
	return whole;
}

/* The working folder of the daemon is another, and so is that of its children. */
static int make_folders_absolute(struct err *e)
{
	static const char *const names[] = { "OXHERD_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++) {
		const char *value = getenv(names[i]);
		char *path = value && *value && *value != '/' ? absolute(value, e) : NULL;

		if (path && setenv(names[i], path, 1) < 0)
			rc = err_sys(e, errno, "cannot say where %s is", names[i]);
		else if (value && *value && *value != '/' && !path)
			rc = -1;
		mem_free(path);
	}
	return rc;
}

/* Its path as it means the same from everywhere; one without a slash is looked for in PATH. */
static char *find_brain(const struct options *o, struct err *e)
{
	if (!o->brain)
		return dirs_program("oxherd-brain", e);
	return strchr(o->brain, '/') ? absolute(o->brain, e) : mem_strdup(o->brain);
}

int run(const struct options *o, struct err *e)
{
	struct lock lock = LOCK_INIT;
	struct dirs dirs = { .run = NULL };
	char *log = NULL;
	char *brain = NULL;
	int tell_fd = -1;
	int rc = -1;
	pid_t pid = 0;

	if (o->group && setenv("OXHERD_GROUP", o->group, 1) < 0)
		return err_sys(e, errno, "cannot say who else may control it");
	if (make_folders_absolute(e) < 0)
		return -1;
	brain = find_brain(o, e);
	if (!brain || dirs_find(&dirs, e) < 0 || dirs_check_home(&dirs, e) < 0 || dirs_make(&dirs, e) < 0 ||
		lock_take(&lock, dirs.run, dirs.state, e) < 0)
		goto out;
	log = path_join(dirs.log, "oxherd.log");
	if (o->daemon)
		pid = detach(log, &tell_fd, e);
	if (pid == 0)
		rc = keep_herd(o, brain, &lock, tell_fd, e);
	else if (pid > 0)
		rc = detach_wait(&tell_fd, e);
out:
	fd_close(&tell_fd);
	lock_release(&lock);
	dirs_release(&dirs);
	mem_free(log);
	mem_free(brain);
	return rc;
}

int run_again(const struct options *o, struct err *e)
{
	struct keeper_options keeper = keeper_options_of(o, o->brain ? o->brain : "");

	keeper.back_fd = (int)o->back;
	keeper.failed = o->failed;
	log_to(write_line, NULL, o->verbose ? LOG_DEBUG : LOG_INFO);
	/* Earlier versions stayed where they were started. */
	if (!o->brain || *o->brain == '/')
		(void)!chdir("/");
	return keeper_resume(&keeper, (int)o->handover, e);
}

int run_check(struct err *e)
{
	struct dirs dirs = { .run = NULL };
	struct buf out = BUF_INIT;
	int rc = dirs_find(&dirs, e);

	if (rc == 0)
		rc = keeper_check(dirs.run, e);
	if (rc == 0) {
		buf_addf(&out, "oxherd %s keep %d\n", ox_version, KEEPER_VERSION);
		rc = fd_write_all(STDOUT_FILENO, out.ptr, out.len);
	}
	buf_release(&out);
	dirs_release(&dirs);
	return rc;
}
