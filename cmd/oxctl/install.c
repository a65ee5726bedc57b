#include "install.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd.h"
#include "daemon_call.h"
#include "launch.h"
#include "os/dirs.h"
#include "os/file.h"

enum { UNIT_MODE = 0644 };

static const char unit_name[] = "oxherd.service";

/* --- the unit --- */

static const char head[] =
	"[Unit]\n"
	"Description=Oxherd, which runs commands as herds of instances and keeps them serving\n"
	"Documentation=man:oxherd(8) man:oxctl(1)\n";

/*
 * `systemctl stop` kills the keeper alone, and the next start adopts its services: so neither `systemctl restart` nor the upgrade of a package
 * touches one.  A shutdown of the machine stops them in order.  Exit code 0 means `oxctl daemon stop`: systemd must not start the daemon again.
 */
static const char life[] = "Restart=always\n"
			   "RestartPreventExitStatus=0\n"
			   "RestartSec=100ms\n"
			   "KillMode=process\n"
			   "KillSignal=SIGKILL\n"
			   "SuccessExitStatus=SIGKILL\n"
			   "TimeoutStopSec=5min\n"
			   "Delegate=yes\n"
			   "OOMPolicy=continue\n"
			   "TasksMax=infinity\n"
			   "LimitNOFILE=1024:524288\n"
			   "UMask=0077\n";

/*
 * Whatever stands here holds for every service too: so only what serves no website, worker or database, and each with its reason beside it in
 * the unit.  There is no ProtectClock: before systemd 253 it takes every device away as well, from /dev/dri to /dev/net/tun.
 */
static const char hardening[] =
	"# What this unit forbids it forbids to the services as well, so here is only what hardly any of them needs.\n"
	"# Something is missing: see oxherd(8), \"Under systemd\", for a drop-in. Not forbidden enough: oxctl daemon install --strict.\n"
	"# The machine's own: its kernel, log, name, clock, power and swap, mandatory access control, audit and accounting.\n"
	"ProtectKernelLogs=yes\n"
	"ProtectKernelModules=yes\n"
	"ProtectKernelTunables=yes\n"
	"ProtectHostname=yes\n"
	"CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_PACCT CAP_SYS_TTY_CONFIG\n"
	"CapabilityBoundingSet=~CAP_SYSLOG CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_AUDIT_CONTROL CAP_AUDIT_READ\n"
	"CapabilityBoundingSet=~CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_LINUX_IMMUTABLE CAP_LEASE\n"
	"SystemCallFilter=~@clock @module @raw-io @reboot @swap\n"
	"# Calls of other times, and of programs for other processors.\n"
	"SystemCallFilter=~@obsolete @cpu-emulation\n"
	"SystemCallArchitectures=native\n"
	"SystemCallErrorNumber=EPERM\n"
	"LockPersonality=yes\n"
	"# A program that runs away cannot take the processors, nor leave behind a door to root.\n"
	"RestrictRealtime=yes\n"
	"RestrictSUIDSGID=yes\n"
	"# The network as programs know it, and the kernel's own sockets that say who listens; no raw frames.\n"
	"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
	"# The lines above give them a view of the mounts of their own already; nothing that they mount gets out of it.\n"
	"PrivateMounts=yes\n";

/* What plain network programs do not need; Oxherd itself does without, too. */
static const char strict[] =
	"# Plain network programs have no use for sudo, devices, containers, debuggers and mounts, nor for writing below /usr and /boot.\n"
	"NoNewPrivileges=yes\n"
	"PrivateDevices=yes\n"
	"ProtectClock=yes\n"
	"ProtectSystem=yes\n"
	"RestrictNamespaces=yes\n"
	"CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_NET_ADMIN CAP_MKNOD\n"
	"CapabilityBoundingSet=~CAP_BPF CAP_PERFMON\n"
	"SystemCallFilter=~@debug @mount\n";

/* systemd reads % and $ in a command line, and blanks end a word. */
static int add_unit_word(struct buf *out, const char *word, struct err *e)
{
	if (strpbrk(word, "%$\"'\\ \t\n;"))
		return err_set(e, "'%s' cannot stand in a unit; install the programs elsewhere", word);
	buf_adds(out, word);
	return 0;
}

static int add_start(struct buf *out, const struct install_options *o, const char *keeper, struct err *e)
{
	buf_adds(out, "ExecStart=");
	if (add_unit_word(out, keeper, e) < 0)
		return -1;
	if (o->group) {
		buf_adds(out, " --group ");
		if (add_unit_word(out, o->group, e) < 0)
			return -1;
	}
	buf_addc(out, '\n');
	return 0;
}

static int add_stop(struct buf *out, const struct install_options *o, const char *ctl, struct err *e)
{
	buf_addf(out, "ExecStop=-/bin/sh -c '[ \"$$(systemctl%s is-system-running)\" != stopping ] || exec ",
		o->for_user ? " --user" : "");
	if (add_unit_word(out, ctl, e) < 0)
		return -1;
	buf_adds(out, " daemon stop'\n");
	return 0;
}

static int write_unit_text(struct buf *out, const struct install_options *o, struct err *e)
{
	char *keeper = dirs_program("oxherd", e);
	char *ctl = keeper ? dirs_program("oxctl", e) : NULL;
	int rc = ctl ? 0 : -1;

	buf_adds(out, head);
	if (!o->for_user)
		buf_adds(out, "Wants=network-online.target\nAfter=network-online.target\n");
	buf_adds(out, "\n[Service]\nType=notify\n");
	if (rc == 0)
		rc = add_start(out, o, keeper, e);
	if (rc == 0)
		rc = add_stop(out, o, ctl, e);
	buf_adds(out, life);
	if (!o->for_user)
		buf_addf(out, "\n%s%s", hardening, o->is_strict ? strict : "");
	buf_addf(out, "\n[Install]\nWantedBy=%s\n", o->for_user ? "default.target" : "multi-user.target");
	mem_free(keeper);
	mem_free(ctl);
	return rc;
}

/* --- installing it --- */

static char *unit_folder(const struct install_options *o, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (!o->for_user)
		return mem_strdup("/etc/systemd/system");
	if (config && *config == '/')
		return path_join(config, "systemd/user");
	if (home && *home == '/')
		return path_join(home, ".config/systemd/user");
	err_set(e, "neither HOME nor XDG_CONFIG_HOME says where units are");
	return NULL;
}

static int enable(const struct install_options *o, struct err *e)
{
	char ctl[] = "systemctl", reload[] = "daemon-reload", on[] = "enable", user[] = "--user";
	char name[sizeof(unit_name)];
	char *reloads[] = { ctl, reload, o->for_user ? user : NULL, NULL };
	char *enables[] = { ctl, on, name, o->for_user ? user : NULL, NULL };

	memcpy(name, unit_name, sizeof(unit_name));
	return launch_program(reloads, e) < 0 ? -1 : launch_program(enables, e);
}

static int write_unit(const struct install_options *o, const struct buf *text, struct buf *at, struct err *e)
{
	char *folder = unit_folder(o, e);
	char *path = folder ? path_join(folder, unit_name) : NULL;
	int rc = -1;

	if (path && file_make_folder(path) < 0)
		err_sys(e, errno, "cannot make the folder '%s'", folder);
	else if (path)
		rc = file_write(path, text->ptr, text->len, UNIT_MODE, e);
	if (rc == 0)
		buf_adds(at, path);
	mem_free(folder);
	mem_free(path);
	return rc;
}

static int install_service(const struct install_options *o, const struct buf *text, struct err *e)
{
	struct buf path = BUF_INIT;
	struct buf line = BUF_INIT;
	int rc = write_unit(o, text, &path, e);

	if (rc == 0) {
		buf_addf(&line, "wrote %s\n", path.ptr);
		out_write(&line);
		(void)out_flush(EXIT_DONE);
		rc = enable(o, e);
	}
	if (rc == 0) {
		buf_clear(&line);
		buf_addf(&line, "enabled; start it with 'systemctl%s start oxherd'\n",
			o->for_user ? " --user" : "");
		out_write(&line);
	}
	buf_release(&path);
	buf_release(&line);
	return rc;
}

int install_unit(const struct install_options *o)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int code = EXIT_DONE;
	int rc = -1;

	if (o->is_strict && o->for_user)
		return daemon_call_fail(EXIT_USAGE,
			"--strict is for the unit of the machine: that of --user forbids nothing");
	rc = write_unit_text(&text, o, &e);
	if (rc == 0 && o->only_print)
		out_write(&text);
	else if (rc == 0)
		rc = install_service(o, &text, &e);
	if (rc < 0)
		code = daemon_call_fail(EXIT_FAILED, "%s", e.text.ptr);
	err_release(&e);
	buf_release(&text);
	return code;
}
