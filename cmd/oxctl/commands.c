/*
 * The commands: one row each, and what is printed from the rows.
 */
#include <string.h>

#include "cmd.h"

/* "nginx haproxy …" */
static const char export_words[] =
#define EXPORTER(id, side, about) #id " "
#include "export/exporters.def"
#undef EXPORTER
	;

static const char export_details[] =
	"Without a name every app is printed, and for a proxy every app that has a port. The lines of nginx.options are nginx's and "
	"appear for nginx alone."
#define EXPORTER(id, side, about) " " #id ": " about "."
#include "export/exporters.def"
#undef EXPORTER
	;

const struct cmd commands[] = {
	{ .name = "start",
		.arguments = "[TARGET...] | NAME -- COMMAND",
		.group = GROUP_EVERYDAY,
		.brief = "bring apps up",
		.about = "bring apps up; what runs already is left alone",
		.least = 0,
		.most = -1,
		.options = start_options,
		.run = cmd_start,
		.example = "oxctl start --wait",
		.details =
			"Without a target all apps of the oxfile are started. Where there is no oxfile, and with --all, the apps that the "
			"daemon knows are. "
			"A name and a command behind -- make an app without an oxfile: oxctl start web -i 2 --port 3000 -- "
			"node server.js. The program is looked up first, and where it is not there nothing is made. "
			"The daemon is started if there is none." },
	{ .name = "stop",
		.arguments = "[TARGET...]",
		.group = GROUP_EVERYDAY,
		.brief = "stop apps or instances",
		.about = "stop apps or instances, and wait until they are gone",
		.least = 0,
		.most = -1,
		.options = stop_options,
		.run = cmd_stop,
		.is_harsh = true,
		.example = "oxctl stop api:2",
		.details =
			"A target is an app, an instance (api:2), a namespace, or all. Without one the apps of the oxfile of this folder are "
			"meant, as with --config oxfile.toml: what the daemon has from that file, also where it was changed or removed "
			"since. Everything is meant only by --all." },
	{ .name = "restart",
		.arguments = "[TARGET...]",
		.group = GROUP_EVERYDAY,
		.brief = "stop, then start again",
		.about = "stop apps or instances, then start them",
		.least = 0,
		.most = -1,
		.options = restart_options,
		.run = cmd_restart,
		.is_harsh = true,
		.example = "oxctl restart api --wait",
		.details =
			"Without a target the apps of the oxfile of this folder are meant, and with --all every app. "
			"A changed oxfile is not applied, but a note names the apps whose definition changed; 'oxctl deploy' applies it." },
	{ .name = "deploy",
		.arguments = "[TARGET...] | --abort [APP] | --continue [APP]",
		.group = GROUP_DEPLOYING,
		.brief = "roll out what changed",
		.about = "read the oxfile again and roll out what changed",
		.least = 0,
		.most = -1,
		.options = deploy_options,
		.run = cmd_deploy,
		.example = "oxctl deploy api",
		.details =
			"Without a target the apps of the usual oxfile are meant, and with --all every oxfile that apps came from. "
			"The new definition is first tested on a spare instance beside the old ones; then they are replaced one "
			"after the other, each out of its upstream and drained before it stops. If anything fails, the old revision stays, or "
			"is rolled back to, and the exit code is 1. Changed means: the definition, or the build (the folder that a link leads to, the "
			"files that the command names, env files, the git commit). What may exist only once, such as a bot without a port, is "
			"replaced in place (deploy.surge in oxfile(5)). Ctrl-C ends the waiting, not the deploy. Apps that did not change are "
			"not touched, and the answer names what was compared; apps that are no longer in the "
			"oxfile are stopped, unless apps are named. A second deploy replaces one in progress. The daemon "
			"is started if there is none." },
	{ .name = "reload",
		.arguments = "[TARGET...]",
		.group = GROUP_DEPLOYING,
		.brief = "rolling restart",
		.about = "rolling restart, for example after a new build",
		.least = 0,
		.most = -1,
		.options = reload_options,
		.run = cmd_reload,
		.example = "oxctl reload api",
		.details =
			"Without a target the apps of the oxfile of this folder are meant, and with --all every app. "
			"As deploy, but the oxfile is not read, and unchanged apps are rolled too. Files named by env_file are read "
			"again. An app that was rolled back stays in the folder of that revision while it is there. A reload is no revision to go back to, "
			"unless a link led it to another folder." },
	{ .name = "rollback",
		.arguments = "[APP]",
		.group = GROUP_DEPLOYING,
		.brief = "back to the last revision",
		.about = "roll an app back to the revision before",
		.least = 0,
		.most = 1,
		.options = rollback_options,
		.run = cmd_rollback,
		.example = "oxctl rollback api",
		.details =
			"The previous revision is rolled out as by deploy: its definition, in the folder that it ran in (releases/1, "
			"whatever a link says by now). Where its files were replaced or removed it is refused, and names them. During a deploy "
			"it is the same as deploy --abort. Where there is only one app it need not be named. The oxfile "
			"and the links are not changed: the next deploy brings back what stands there." },
	{ .name = "delete",
		.arguments = "[TARGET...]",
		.group = GROUP_EVERYDAY,
		.brief = "stop and remove apps",
		.about = "stop apps and remove them",
		.least = 0,
		.most = -1,
		.options = delete_options,
		.run = cmd_delete,
		.is_harsh = true,
		.example = "oxctl delete worker",
		.details =
			"Without a target the apps of the oxfile of this folder are meant, and with --all every app." },
	{ .name = "scale",
		.arguments = "APP N | APP=N...",
		.group = GROUP_EVERYDAY,
		.brief = "set how many instances",
		.about = "set how many instances apps have",
		.least = 1,
		.most = -1,
		.options = scale_options,
		.run = cmd_scale,
		.example = "oxctl scale api=4 worker=+1",
		.details =
			"N is a number, +2, -1, max, max-1 or 50%. Instances that stay keep their pid and their port. The count "
			"outlives the daemon." },
	{ .name = "status",
		.also = "ls list ps",
		.arguments = "[TARGET...]",
		.group = GROUP_LOOKING,
		.brief = "show instances",
		.about = "show instances",
		.least = 0,
		.most = -1,
		.options = status_options,
		.run = cmd_status,
		.example = "oxctl status --json",
		.details =
			"Troubled instances come first: crashed, unhealthy, backoff, blocked. On a terminal no line is wider than the screen, down to "
			"40 columns: where a row does not fit, REASON takes a line of its own below it; then columns give way, first those "
			"that hold nothing but -, then HEALTH, PID, RESTARTS, CPU, PORT, MEM and UPTIME; a name longer than half of the line "
			"is cut before its number. Where the list is higher than the terminal, instances of an app with the same status, health "
			"and reason share a row, the largest number first (api:0-31, 32 running): with the shortest uptime, and the sums of "
			"restarts, processor and memory. Named targets and --all-instances show each, and so does a file or a pipe. "
			"With --watch the arrows, j and k, PgUp and PgDn, Home and End scroll, and q or Ctrl-C ends." },
	{ .name = "logs",
		.arguments = "[TARGET...]",
		.group = GROUP_LOOKING,
		.brief = "show logs",
		.about = "show logs",
		.least = 0,
		.most = -1,
		.options = logs_options,
		.run = cmd_logs,
		.example = "oxctl logs -f api",
		.details =
			"The newest 100 lines of all instances together, in the order of their times, each behind its [app:number]. "
			"With --since all lines from then on. A time is how long ago (10m), 10:30, 2026-11-20 or 2026-11-20T10:30. "
			"Following continues over rotations and restarts of apps and of the daemon, and includes new instances. On a "
			"terminal control characters are not passed on." },
	{ .name = "why",
		.arguments = "TARGET",
		.group = GROUP_LOOKING,
		.brief = "explain a crash or restart",
		.about = "explain crashes and restarts",
		.least = 1,
		.most = 1,
		.options = why_options,
		.run = cmd_why,
		.example = "oxctl why api:2",
		.details =
			"One timeline: exits with their signal or code, commands with their user, the rule that was applied, and what "
			"comes next. A spare that has ended is shown for an hour after its deploy, here and in logs." },
	{ .name = "events",
		.arguments = "[TARGET...]",
		.group = GROUP_LOOKING,
		.brief = "show the event history",
		.about = "show the event history",
		.least = 0,
		.most = -1,
		.options = events_options,
		.run = cmd_events,
		.example = "oxctl events -f api" },
	{ .name = "plan",
		.also = "diff",
		.arguments = "[TARGET...] | --from OLD [--to NEW]",
		.group = GROUP_DEPLOYING,
		.brief = "show what deploy would do",
		.about = "show what a deploy would change, instance by instance",
		.least = 0,
		.most = -1,
		.options = plan_options,
		.run = cmd_plan,
		.example = "oxctl plan --from old/oxfile.toml --to oxfile.toml",
		.details =
			"Each instance is kept, started, replaced, moved to another port or removed, with the reason. "
			"What runs is compared with the oxfile of this folder, as deploy does it; where there is none, and with --all, with "
			"those that the apps came from. With --from two oxfiles are compared, and no daemon is needed. "
			"Values of environment variables are never shown." },
	{ .name = "signal",
		.arguments = "SIGNAL TARGET... | SIGNAL --all",
		.group = GROUP_EVERYDAY,
		.brief = "send a signal",
		.about = "send a signal to the main process of instances",
		.least = 1,
		.most = -1,
		.options = signal_options,
		.run = cmd_signal,
		.example = "oxctl signal HUP api" },
	{ .name = "reset",
		.arguments = "[TARGET...]",
		.group = GROUP_EVERYDAY,
		.brief = "clear the crash count",
		.about = "clear the crash count and start crashed apps again",
		.least = 0,
		.most = -1,
		.options = reset_options,
		.run = cmd_reset,
		.example = "oxctl reset api",
		.details =
			"Without a target the apps of the oxfile of this folder are meant, and with --all every app." },
	{ .name = "save",
		.arguments = "[APP...]",
		.group = GROUP_FILES,
		.brief = "print the apps' oxfile",
		.about = "print an oxfile for the apps that are known",
		.least = 0,
		.most = -1,
		.options = save_options,
		.run = cmd_save,
		.example = "oxctl save web -o oxfile.toml",
		.details = "A new file is readable for its owner only, since env may hold secrets." },
	{ .name = "daemon",
		.arguments = "start|stop|restart|status|upgrade|install",
		.words = "start stop restart status upgrade install",
		.group = GROUP_DAEMON,
		.brief = "manage the daemon",
		.about = "manage the daemon (install: start at boot)",
		.least = 1,
		.most = 1,
		.options = daemon_options,
		.run = cmd_daemon,
		.example = "oxctl daemon status",
		.details =
			"Stop stops the services too, in order; restart does not touch them. Upgrade lets the programs beside this oxctl take over, "
			"or those in the folder that --from names. They are checked against the state first; if that or the change "
			"itself fails, the old ones keep running. Install writes a unit for systemd and enables it; a restart of that unit does not "
			"touch the services either." },
	{ .name = "validate",
		.arguments = "[FILE...]",
		.group = GROUP_FILES,
		.brief = "check an oxfile",
		.about = "check oxfiles and say what they define",
		.least = 0,
		.most = -1,
		.options = validate_options,
		.run = cmd_validate,
		.example = "oxctl validate oxfile.toml",
		.details =
			"Every mistake is shown at once, with its file, line and column. Nothing is started or changed. "
			"Likely mistakes are warnings, and the exit code is 0: a missing env_file or "
			"working_dir, a user or group that this machine does not have, a bare number below 100 that means "
			"milliseconds, a command that uses the logs of Oxmgr, a name or line that nginx refuses, a log file that "
			"two apps name, a port that the kernel may give away. Of these, commands that change something tell only of the port." },
	{ .name = "nginx",
		.arguments = "[APP...]",
		.group = GROUP_FILES,
		.brief = "print nginx upstreams",
		.about = "print the nginx upstream of apps",
		.least = 0,
		.most = -1,
		.options = nginx_options,
		.run = cmd_nginx,
		.example = "oxctl nginx api --server api.example.com --output /etc/nginx/conf.d/api.conf",
		.details =
			"Without a name every app that has a port is printed, one server line for each instance." },
	{ .name = "export",
		.arguments = "FORMAT [APP...]",
		.words = export_words,
		.group = GROUP_FILES,
		.brief = "print in another format",
		.about = "print apps in the format of another program",
		.least = 1,
		.most = -1,
		.options = nginx_options,
		.run = cmd_export,
		.example = "oxctl export haproxy api --output /etc/haproxy/conf.d/api.cfg",
		.details = export_details },
	{ .name = "schema",
		.arguments = "",
		.group = GROUP_FILES,
		.brief = "print the oxfile's schema",
		.about = "print the JSON schema of the oxfile, for editors",
		.least = 0,
		.most = 0,
		.run = cmd_schema,
		.example = "oxctl schema > oxfile.schema.json" },
	{ .name = "completion",
		.arguments = "bash|zsh|fish",
		.words = "bash zsh fish",
		.group = GROUP_FILES,
		.brief = "print shell completions",
		.about = "print completions for a shell",
		.least = 1,
		.most = 1,
		.run = cmd_completion,
		.example = "oxctl completion bash > /etc/bash_completion.d/oxctl" },
	{ .name = "version",
		.arguments = "",
		.group = GROUP_DAEMON,
		.brief = "print the version",
		.about = "print the version",
		.least = 0,
		.most = 0,
		.options = version_options,
		.run = cmd_version,
		.example = "oxctl version --json" },
	{ .name = "help",
		.arguments = "[COMMAND | TOPIC | oxfile TOPIC]",
		.group = GROUP_DAEMON,
		.brief = "explain commands and keys",
		.about = "explain a command, or a table of the oxfile",
		.least = 0,
		.most = 2,
		.options = help_options,
		.run = cmd_help,
		.example = "oxctl help limits",
		.details =
			"A topic is a table of the oxfile (limits, health), app for the keys in no table, or one key (memory_mb). "
			"'oxctl help topics' lists them. A word that is also a command shows the command: 'oxctl help oxfile deploy' is the "
			"table." },
	{ .name = NULL },
};

/* Is `name` one of the words, with a blank between them? */
static bool is_other_name(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = words; at && *at && len; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == len && !memcmp(at, name, len))
			return true;
		at += word;
	}
	return false;
}

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name) || is_other_name(cmd->also, name))
			return cmd;
	return NULL;
}

void cmd_names(const struct cmd *cmd, const char *between, struct buf *out)
{
	buf_adds(out, cmd->name);
	if (cmd->also)
		buf_adds(out, between);
	for (const char *c = cmd->also; c && *c; c++) {
		if (*c == ' ')
			buf_adds(out, between);
		else
			buf_addc(out, *c);
	}
}

/* The other names, with "oxctl" before each. */
static void add_also(const struct cmd *cmd, struct buf *out)
{
	struct buf names = BUF_INIT;

	cmd_names(cmd, ", oxctl ", &names);
	buf_addf(out, "\nalso: %s\n", names.ptr + strlen(cmd->name) + strlen(", "));
	buf_release(&names);
}

void cmd_print_help(const struct cmd *cmd, struct buf *out)
{
	buf_addf(out, "usage: oxctl %s%s%s%s\n", cmd->name, cmd->options ? " [OPTION...]" : "",
		*cmd->arguments ? " " : "", cmd->arguments);
	buf_addf(out, "\n  %s\n", cmd->about);
	if (cmd->details)
		buf_addf(out, "\n%s\n", cmd->details);
	if (cmd->also)
		add_also(cmd, out);
	if (cmd->options) {
		buf_adds(out, "\noptions:\n");
		opt_help(out, cmd->options);
	}
	buf_addf(out, "\nexample:\n  %s\n", cmd->example);
}
