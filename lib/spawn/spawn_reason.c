#include "spawn/spawn_reason.h"

#include <errno.h>
#include <string.h>

#include "base/argv.h"
#include "base/buf.h"
#include "model/reason.h"
#include "model/snapshot.h"
#include "model/spec.h"
#include "os/affinity.h"
#include "wire/keeper_msg.h"

/* The program that was tried, whatever its port was. */
static struct reason *not_executed(const struct spec *s, int64_t number)
{
	char **words = command_words(&s->command, "1");
	struct reason *why = reason_copy(&REASON_OF(CANNOT_EXECUTE, .command = words[0], .number = number));

	argv_free(words);
	return why;
}

/* The keeper does not say which of the two it was; as a rule only one is set. */
static struct reason *not_prioritized(const struct spec *s, int64_t number)
{
	struct buf words = BUF_INIT;
	struct reason *why = NULL;

	buf_adds(&words, "cannot set ");
	if (s->nice)
		buf_addf(&words, "nice = %lld", (long long)s->nice);
	if (s->oom_score_adj)
		buf_addf(
			&words, "%soom_score_adj = %lld", s->nice ? " or " : "", (long long)s->oom_score_adj);
	/* Root in a container may lack it. */
	if (number == EACCES || number == EPERM)
		buf_addf(&words, " (to go below the daemon's own it needs root with %s)",
			s->nice ? "CAP_SYS_NICE" : "CAP_SYS_RESOURCE");
	why = reason_copy(&REASON_OF(SPAWN_FAILED, .detail = words.ptr, .number = number));
	buf_release(&words);
	return why;
}

/* A list that the app names, and those that a process here could use.  False where it names none. */
static bool look_at_cpus(const struct spec *s, struct cpu_list *wanted, struct cpu_list *reachable)
{
	return s->cpus && strcmp(s->cpus, CPUS_ONE_EACH) != 0 && cpu_list_parse(s->cpus, wanted, NULL) == 0 &&
		affinity_reachable(reachable) == 0;
}

static struct reason *cpus_reason(enum reason_kind kind, const struct spec *s, const struct cpu_list *usable)
{
	struct buf text = BUF_INIT;
	struct reason *why = NULL;

	cpu_list_print(usable, &text);
	why = reason_copy(&(const struct reason){
		.kind = kind, .cpus = s->cpus, .usable_cpus = text.ptr, .number = EINVAL });
	buf_release(&text);
	return why;
}

struct reason *spawn_cpus_note(const struct spec *s)
{
	struct cpu_list wanted;
	struct cpu_list usable;

	if (!s || !look_at_cpus(s, &wanted, &usable))
		return NULL;
	usable = cpu_list_both(&wanted, &usable);
	if (!cpu_list_count(&usable) || cpu_list_equal(&wanted, &usable))
		return NULL;
	return cpus_reason(REASON_FEWER_CPUS, s, &usable);
}

/* What keeps the kernel from telling where a process listens, and what can be done. */
static struct reason *not_hooked(int64_t number)
{
	const char *cause = "";
	struct buf words = BUF_INIT;
	struct reason *why = NULL;

	if (number == EBUSY)
		cause = " (the daemon runs below a program that has the one filter of this kind)";
	else if (number == EINVAL || number == ENOSYS)
		cause = " (the kernel has no seccomp notification: it needs Linux 5.9)";
	else if (number == EACCES || number == EPERM)
		cause = " (what the daemon runs in does not permit seccomp)";
	buf_addf(&words, "cannot see where it listens%s; set gate = \"preload\" or port_mode = \"each\"",
		cause);
	why = reason_copy(&REASON_OF(SPAWN_FAILED, .detail = words.ptr, .number = number));
	buf_release(&words);
	return why;
}

struct reason *spawn_refused_reason(const struct spec *s, int64_t number, const char *words)
{
	/* The parts of a spawn that earlier keepers do not know. */
	if (s && spec_has_gate(s) && number == EBADMSG)
		words = "the daemon runs a version that does not know port_mode = \"shared\"; run 'oxctl daemon upgrade'";
	else if (s && s->cpus && number == EBADMSG)
		words = "the daemon runs a version that does not know cpus; run 'oxctl daemon upgrade'";
	return reason_copy(&REASON_OF(LAUNCH_FAILED, .text = words, .number = number));
}

struct reason *spawn_reason(const struct spec *s, int64_t stage, int64_t number)
{
	struct cpu_list wanted;
	struct cpu_list reachable;

	if (s && stage == KEEPER_STAGE_EXEC)
		return not_executed(s, number);
	if (s && stage == KEEPER_STAGE_FOLDER)
		return reason_copy(&REASON_OF(CANNOT_ENTER,
			.folder = s->working_dir ? s->working_dir : s->folder, .number = number));
	if (s && stage == KEEPER_STAGE_USER && s->user)
		return reason_copy(&REASON_OF(CANNOT_BECOME, .user = s->user, .number = number));
	if (s && stage == KEEPER_STAGE_PRIORITY && (s->nice || s->oom_score_adj))
		return not_prioritized(s, number);
	if (s && stage == KEEPER_STAGE_CPUS && number == EINVAL && look_at_cpus(s, &wanted, &reachable))
		return cpus_reason(REASON_NO_CPUS, s, &reachable);
	if (stage == KEEPER_STAGE_HOOK)
		return not_hooked(number);
	return reason_copy(&REASON_OF(SPAWN_FAILED,
		.detail = keeper_spawn_stage_words((enum keeper_spawn_stage)stage), .number = number));
}

bool spawn_is_refusal(int64_t number)
{
	return number == EEXIST || number == ENOSPC || number == EBADMSG || number == ENOMEM;
}
