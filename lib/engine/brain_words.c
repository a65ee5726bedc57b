/*
 * What the keeper's numbers mean, in words.
 */
#include <string.h>

#include "base/argv.h"
#include "engine/brain_private.h"

/* The one that was tried, whatever its port was. */
static void add_program(const struct spec *s, struct buf *out)
{
	char **words = command_words(&s->command, "1");

	buf_addf(out, "cannot execute '%s'", words[0]);
	argv_free(words);
}

/* The stages that are about something that the oxfile names: with that name. */
static bool add_named_stage(const struct spec *s, int64_t stage, struct buf *out)
{
	if (stage == KEEPER_STAGE_EXEC)
		add_program(s, out);
	else if (stage == KEEPER_STAGE_FOLDER)
		buf_addf(out, "cannot enter working_dir '%s'", s->working_dir ? s->working_dir : s->folder);
	else if (stage == KEEPER_STAGE_USER && s->user)
		buf_addf(out, "cannot become user '%s'", s->user);
	else
		return false;
	return true;
}

void brain_spawn_words(
	const struct brain *b, struct ticket ticket, int64_t stage, int64_t number, struct buf *out)
{
	const struct instance *i = herd_slot(b->herd, ticket.slot);
	const struct spec *s = i ? instance_spec(i) : NULL;

	if (!s || !add_named_stage(s, stage, out))
		buf_adds(out, keeper_spawn_stage_words((enum keeper_spawn_stage)stage));
	buf_addf(out, ": %s", strerror((int)number));
}
