#include "spawn/spawn_reason.h"

#include "base/argv.h"
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

struct reason *spawn_reason(const struct spec *s, int64_t stage, int64_t number)
{
	if (s && stage == KEEPER_STAGE_EXEC)
		return not_executed(s, number);
	if (s && stage == KEEPER_STAGE_FOLDER)
		return reason_copy(&REASON_OF(CANNOT_ENTER,
			.folder = s->working_dir ? s->working_dir : s->folder, .number = number));
	if (s && stage == KEEPER_STAGE_USER && s->user)
		return reason_copy(&REASON_OF(CANNOT_BECOME, .user = s->user, .number = number));
	return reason_copy(&REASON_OF(SPAWN_FAILED,
		.detail = keeper_spawn_stage_words((enum keeper_spawn_stage)stage), .number = number));
}
