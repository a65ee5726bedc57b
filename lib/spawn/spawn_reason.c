#include "spawn/spawn_reason.h"

#include <errno.h>

#include "base/argv.h"
#include "base/buf.h"
#include "model/reason.h"
#include "model/spec.h"
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

struct reason *spawn_reason(const struct spec *s, int64_t stage, int64_t number)
{
	if (s && stage == KEEPER_STAGE_EXEC)
		return not_executed(s, number);
	if (s && stage == KEEPER_STAGE_FOLDER)
		return reason_copy(&REASON_OF(CANNOT_ENTER,
			.folder = s->working_dir ? s->working_dir : s->folder, .number = number));
	if (s && stage == KEEPER_STAGE_USER && s->user)
		return reason_copy(&REASON_OF(CANNOT_BECOME, .user = s->user, .number = number));
	if (s && stage == KEEPER_STAGE_PRIORITY && (s->nice || s->oom_score_adj))
		return not_prioritized(s, number);
	return reason_copy(&REASON_OF(SPAWN_FAILED,
		.detail = keeper_spawn_stage_words((enum keeper_spawn_stage)stage), .number = number));
}
