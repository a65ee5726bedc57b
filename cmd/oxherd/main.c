/*
 * oxherd: finds its folders and its brain, makes sure that it is the only one, and keeps.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/path.h"
#include "base/version.h"
#include "keeper/detach.h"
#include "keeper/keeper.h"
#include "keeper/lock.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/fd.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct options {
	bool daemon, help, version, verbose, without_cgroups;
	const char *brain;
	int64_t patience_ms, grace_ms;
};

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

static int keep(
	const struct options *o, const char *brain, const struct lock *lock, int tell_fd, struct err *e)
{
	struct keeper_options keeper = {
		.brain = brain,
		.token = lock->token,
		.run = lock->run,
		.was_left = lock->was_left,
		.ready_fd = tell_fd < 0 ? -1 : fcntl(tell_fd, F_DUPFD_CLOEXEC, 3),
		.patience_ms = o->patience_ms,
		.grace_ms = o->grace_ms,
		.without_cgroups = o->without_cgroups,
	};
	int rc = lock_sign(lock, e);

	log_to(write_line, NULL, o->verbose ? LOG_DEBUG : LOG_INFO);
	if (rc == 0)
		rc = keeper_run(&keeper, e);
	if (rc == 0)
		lock_sign_off(lock);
	if (rc < 0 && tell_fd >= 0)
		(void)fd_write_all(tell_fd, e->text.ptr, e->text.len);
	return rc;
}

static int run(const struct options *o, struct err *e)
{
	struct lock lock = LOCK_INIT;
	struct dirs dirs = { .run = NULL };
	char *log = NULL;
	char *brain = NULL;
	int tell_fd = -1;
	int rc = -1;
	pid_t pid = 0;

	brain = o->brain ? mem_strdup(o->brain) : dirs_program("oxherd-brain", e);
	if (!brain || dirs_find(&dirs, e) < 0 || dirs_make(&dirs, e) < 0 ||
		lock_take(&lock, dirs.run, dirs.state, e) < 0)
		goto out;
	log = path_join(dirs.log, "oxherd.log");
	if (o->daemon)
		pid = detach(log, &tell_fd, e);
	if (pid == 0)
		rc = keep(o, brain, &lock, tell_fd, e);
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

static int print_help(const struct opt *table)
{
	struct buf out = BUF_INIT;

	buf_adds(&out,
		"oxherd [OPTION...]: the daemon that keeps the herd; 'oxctl start' starts it when it is needed\n\n");
	opt_help(&out, table);
	buf_adds(&out, "\nexample: OXHERD_HOME=/tmp/herd oxherd --daemon\n");
	(void)fd_write_all(STDOUT_FILENO, out.ptr, out.len);
	buf_release(&out);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options o = { .patience_ms = KEEPER_PATIENCE_MS, .grace_ms = KEEPER_GRACE_MS };
	const struct opt table[] = {
		{ "daemon", 'd', OPT_FLAG, &o.daemon, NULL, "go into the background; return once it serves" },
		{ "brain", '\0', OPT_STRING, &o.brain, "PROGRAM",
			"the brain, if it is not beside this program" },
		{ "patience", '\0', OPT_INT, &o.patience_ms, "MS",
			"how long SIGTERM waits for a brain that is not there" },
		{ "grace", '\0', OPT_INT, &o.grace_ms, "MS",
			"between SIGTERM and SIGKILL when the keeper itself stops services" },
		{ "no-cgroups", '\0', OPT_FLAG, &o.without_cgroups, NULL,
			"kill process trees by session, descent and mark alone" },
		{ "verbose", 'v', OPT_FLAG, &o.verbose, NULL, "log every little thing" },
		{ "help", 'h', OPT_FLAG, &o.help, NULL, "print this" },
		{ "version", 'V', OPT_FLAG, &o.version, NULL, "print the version" },
		{ .name = NULL },
	};
	struct opt_rest rest = { .items = argv };
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	/* What we were given is not for services, and nothing else may get the numbers 0, 1 and 2. */
	if (fd_fill_standard() < 0)
		return EXIT_FAILED;
	fd_close_from(STDERR_FILENO + 1);
	if (opt_parse(table, argc - 1, argv + 1, &rest, &e) < 0 ||
		(rest.count && err_set(&e, "'%s' is one word too many", rest.items[0])))
		code = EXIT_USAGE;
	else if (o.help)
		print_help(table);
	else if (o.version)
		printf("oxherd %s\n", OX_VERSION);
	else if (run(&o, &e) < 0)
		code = EXIT_FAILED;
	if (code != EXIT_DONE)
		fprintf(stderr, "oxherd: %s\n", e.text.ptr);
	err_release(&e);
	return code;
}
