/*
 * oxherd: finds its folders and its brain, makes sure that it is the only one, and keeps.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/version.h"
#include "keeper/keeper.h"
#include "os/fd.h"
#include "run.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static int print_options(const struct opt *table)
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

/* What we were given is not for services; but for what another build of us has left open. */
static int run_keeper(const struct options *o, struct err *e)
{
	if (o->handover >= 0)
		return run_again(o, e);
	fd_close_from(STDERR_FILENO + 1);
	return o->check ? run_check(e) : run(o, e);
}

int main(int argc, char **argv)
{
	struct options o = {
		.patience_ms = KEEPER_PATIENCE_MS,
		.grace_ms = KEEPER_GRACE_MS,
		.answer_ms = KEEPER_ANSWER_MS,
		.handover = -1,
		.back = -1,
	};
	const struct opt table[] = {
		{ "daemon", 'd', OPT_FLAG, &o.daemon, NULL, "go into the background; return once it serves" },
		{ "brain", '\0', OPT_STRING, &o.brain, "PROGRAM",
			"the brain, if it is not beside this program" },
		{ "patience", '\0', OPT_INT, &o.patience_ms, "MS",
			"how long SIGTERM waits for a brain that is not there" },
		{ "grace", '\0', OPT_INT, &o.grace_ms, "MS",
			"between SIGTERM and SIGKILL when the keeper itself stops services" },
		{ "answer", '\0', OPT_INT, &o.answer_ms, "MS",
			"how long the brain may leave the keeper without an answer before it is replaced" },
		{ "no-cgroups", '\0', OPT_FLAG, &o.without_cgroups, NULL,
			"kill process trees by session, descent and mark alone" },
		{ "group", '\0', OPT_STRING, &o.group, "NAME[:METHOD,...]",
			"who may use it too: 'read' only looks, 'control' (the default) also starts, stops and deploys" },
		{ "check", '\0', OPT_FLAG, &o.check, NULL,
			"say whether this build understands what the running keeper has written down" },
		/* Inner: what another build says when it becomes this one. */
		{ "luggage", '\0', OPT_INT, &o.handover, "FD", NULL },
		{ "back", '\0', OPT_INT, &o.back, "FD", NULL },
		{ "failed", '\0', OPT_STRING, &o.failed, "WORDS", NULL },
		{ "verbose", 'v', OPT_FLAG, &o.verbose, NULL, "log every little thing" },
		{ "help", 'h', OPT_FLAG, &o.help, NULL, "print this" },
		{ "version", 'V', OPT_FLAG, &o.version, NULL, "print the version" },
		{ .name = NULL },
	};
	struct opt_rest rest = { .items = argv };
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	/* Nothing else may get the numbers 0, 1 and 2. */
	if (fd_fill_standard() < 0) {
		perror("oxherd: cannot open '/dev/null'");
		return EXIT_FAILED;
	}
	if (opt_parse(table, argc - 1, argv + 1, &rest, &e) < 0 ||
		(rest.count && err_set(&e, "'%s' is one word too many", rest.items[0])))
		code = EXIT_USAGE;
	else if (o.help)
		print_options(table);
	else if (o.version)
		printf("oxherd %s\n", ox_version);
	else if (run_keeper(&o, &e) < 0)
		code = EXIT_FAILED;
	if (code != EXIT_DONE)
		fprintf(stderr, "oxherd: %s\n", e.text.ptr);
	err_release(&e);
	return code;
}
