#include "keeper/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/affinity.h"
#include "os/bind_hook.h"
#include "os/fd.h"
#include "os/oom.h"
#include "os/sock.h"

/* Of Linux 5.9 and 5.11; older headers have neither. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define RANGE_CLOEXEC 4U

/* Higher than programs expect, and low enough for the table of descriptors that every process begins with. */
enum { HOOK_FD = 60 };

/* "LISTEN_PID=" and the number, by hand, as stdio may not be used here. */
static void write_listen_pid(char *at, pid_t pid)
{
	static const char variable[] = "LISTEN_PID=";
	char digits[16];
	size_t len = 0;

	memcpy(at, variable, sizeof(variable) - 1);
	at += sizeof(variable) - 1;
	for (pid_t rest = pid; rest > 0; rest /= 10)
		digits[len++] = (char)('0' + rest % 10);
	while (len)
		*at++ = digits[--len];
	*at = '\0';
}

/* One that cannot be moved goes without: it is known by its session and its mark. */
static void join_group(const struct child_plan *plan)
{
	int fd = plan->group_fd < 0 ? -1 : openat(plan->group_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

/* SIGPIPE is the only signal that the keeper treats in a way that exec would pass on. */
static int begin_session(struct child_plan *plan)
{
	join_group(plan);
	(void)signal(SIGPIPE, SIG_DFL);
	write_listen_pid(plan->listen_pid, getpid());
	env_mark_seal(plan->mark, plan->mark_pid, getpid(), plan->secret);
	return setsid() < 0 ? -1 : 0;
}

static int pin(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;

	return spawn->flags & KEEPER_SPAWN_CPUS ? affinity_set(&spawn->cpus) : 0;
}

static int set_priority(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;

	if ((spawn->flags & KEEPER_SPAWN_NICE) && setpriority(PRIO_PROCESS, 0, (int)spawn->nice) < 0)
		return -1;
	if (spawn->flags & KEEPER_SPAWN_OOM)
		return oom_set_score(spawn->oom_score_adj);
	return plan->oom == OOM_KEEP ? 0 : oom_set_score(plan->oom);
}

/* Open both ways, so that the child itself keeps it alive.  Others cannot put something of theirs in its place. */
static int open_fifo(const char *path)
{
	struct stat st;
	int fd = -1;

	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -1;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	/* The folder is ours alone: what is another's there we gave away for an earlier run. */
	if (S_ISFIFO(st.st_mode) &&
		(st.st_uid == geteuid() || (geteuid() == 0 && fchown(fd, 0, (gid_t)-1) == 0)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static int open_log_pipes(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;

	for (size_t i = 0; i < spawn->descriptor_count; i++) {
		if (spawn->descriptors[i].from != KEEPER_FROM_FIFO)
			continue;
		plan->sources[i] = open_fifo(spawn->descriptors[i].name);
		if (plan->sources[i] < 0)
			return -1;
	}
	return 0;
}

/* A source or the report may stand where a target shall be: first all of them move out of the way. */
static int move_sources(struct child_plan *plan, int null_fd)
{
	const struct keeper_spawn *spawn = plan->spawn;

	plan->report_fd = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, plan->spare);
	if (plan->report_fd < 0)
		return -1;
	for (size_t i = 0; i < spawn->descriptor_count; i++) {
		int from = spawn->descriptors[i].from == KEEPER_FROM_NULL ? null_fd : plan->sources[i];

		plan->sources[i] = fcntl(from, F_DUPFD_CLOEXEC, plan->spare);
		if (plan->sources[i] < 0)
			return -1;
	}
	for (int i = 0; i < plan->listen_count; i++) {
		plan->listening[i] = fcntl(plan->listening[i], F_DUPFD_CLOEXEC, plan->spare);
		if (plan->listening[i] < 0)
			return -1;
	}
	return 0;
}

static int arrange_descriptors(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;
	int report = plan->report_fd;
	int null_fd = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (null_fd < 0)
		return -1;
	if (move_sources(plan, null_fd) < 0) {
		plan->report_fd = report;
		return -1;
	}
	/* Everything is close-on-exec from birth; this is for what a library might have opened. */
	(void)syscall(SYS_close_range, 3U, ~0U, RANGE_CLOEXEC);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null_fd, fd) < 0)
			return -1;
	for (size_t i = 0; i < spawn->descriptor_count; i++)
		if (dup2(plan->sources[i], (int)spawn->descriptors[i].target) < 0)
			return -1;
	for (int i = 0; i < plan->listen_count; i++)
		if (dup2(plan->listening[i], LISTEN_FD + i) < 0)
			return -1;
	return 0;
}

/*
 * Who has the listener can answer the calls of all that come from it, and put descriptors into them: of a setuid program too, unless new privileges are
 * forbidden.  So another user's process gets none.
 */
static bool may_have_listener(const struct keeper_spawn *spawn)
{
	bool stays = !(spawn->flags & KEEPER_SPAWN_USER) || spawn->uid == geteuid();

	return stays || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/*
 * The keeper gets the listener.  A copy stays open here where it may: should the keeper be killed, the calls wait for the next one, which finds it, where
 * without a copy they fail.
 */
static int hook(struct child_plan *plan)
{
	int least = plan->spare > HOOK_FD ? plan->spare : HOOK_FD;
	int listener = -1;
	int rc = -1;

	if (!(plan->spawn->flags & KEEPER_SPAWN_GATE) || plan->spawn->hook != KEEPER_HOOK_SECCOMP)
		return 0;
	listener = bind_hook_install();
	if (listener < 0)
		return -1;
	if (!may_have_listener(plan->spawn) || fcntl(listener, F_DUPFD, least) >= 0)
		rc = sock_send(plan->report_fd, "", 1, &listener, 1);
	fd_close(&listener);
	return rc;
}

static int set_limits(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;

	if (setrlimit(RLIMIT_NOFILE, &plan->nofile) < 0)
		return -1;
	for (size_t i = 0; i < spawn->rlimit_count; i++) {
		const struct keeper_rlimit *asked = &spawn->rlimits[i];
		struct rlimit limit = { .rlim_cur = asked->soft, .rlim_max = asked->hard };

		if (setrlimit((int)asked->resource, &limit) < 0)
			return -1;
	}
	return 0;
}

/*
 * Who opens /dev/stdout opens the pipe anew, and only its owner may.  It gives no right that the descriptor itself does not: nobody else
 * gets into the folder.  Where it cannot be done the user cannot be become either, and that says so.
 */
static void give_pipes(const struct keeper_spawn *spawn, uid_t uid)
{
	struct stat st;

	for (size_t i = 0; i < spawn->descriptor_count; i++) {
		int fd = (int)spawn->descriptors[i].target;

		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != uid)
			(void)!fchown(fd, uid, (gid_t)-1);
	}
}

/* Not believed until tried: what could become root again is not started. */
static int become_user(struct child_plan *plan)
{
	const struct keeper_spawn *spawn = plan->spawn;
	uid_t uid = (uid_t)spawn->uid;
	gid_t gid = (gid_t)spawn->gid;
	uid_t uids[3];
	gid_t gids[3];

	if (!(spawn->flags & KEEPER_SPAWN_USER))
		return 0;
	give_pipes(spawn, uid);
	if (setgroups(spawn->group_count, plan->groups) < 0 || setresgid(gid, gid, gid) < 0 ||
		setresuid(uid, uid, uid) < 0)
		return -1;
	errno = EPERM;
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (uids[i] != uid || gids[i] != gid)
			return -1;
	if (uid != 0 && (setuid(0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static int enter_folder(struct child_plan *plan)
{
	umask((mode_t)plan->spawn->umask);
	return chdir(plan->spawn->folder);
}

/* As execvp: what is not there or not allowed is passed over, and "not allowed" is the better complaint. */
static int execute(struct child_plan *plan)
{
	sigset_t none;
	int worst = ENOENT;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (char **program = plan->programs; *program; program++) {
		execve(*program, plan->argv, plan->env);
		if (errno == EACCES)
			worst = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV &&
			errno != ETIMEDOUT)
			return -1;
		else if (!plan->programs[1])
			return -1;
	}
	errno = worst;
	return -1;
}

/*
 * Limits come after the descriptors, which may need higher numbers than the limit allows, and before the user, who may not raise
 * them.  The folder is entered as the user, who may see another one than root does.
 */
static const struct {
	enum keeper_spawn_stage stage;
	int (*take)(struct child_plan *plan);
} steps[] = {
	{ KEEPER_STAGE_SESSION, begin_session },
	{ KEEPER_STAGE_CPUS, pin },
	{ KEEPER_STAGE_PRIORITY, set_priority },
	{ KEEPER_STAGE_LOG_PIPE, open_log_pipes },
	{ KEEPER_STAGE_DESCRIPTORS, arrange_descriptors },
	{ KEEPER_STAGE_HOOK, hook },
	{ KEEPER_STAGE_LIMITS, set_limits },
	{ KEEPER_STAGE_USER, become_user },
	{ KEEPER_STAGE_FOLDER, enter_folder },
	{ KEEPER_STAGE_EXEC, execute },
};

_Noreturn void child_run(struct child_plan *plan)
{
	struct child_failure failure = { .stage = 0 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].take(plan) == 0)
			continue;
		failure = (struct child_failure){ (int32_t)steps[i].stage, errno };
		break;
	}
	(void)!write(plan->report_fd, &failure, sizeof(failure));
	_exit(127);
}
