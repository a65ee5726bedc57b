#include "journal/event_replay.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utc.h"
#include "model/reason.h"
#include "rules/rollout.h"

/* Its words stay, whatever becomes of the line. */
static void replay_rollout(const struct json *line, struct herd_event *event)
{
	const char *word = json_string(json_get(line, "step"), NULL);
	enum rollout_phase phase = ROLLOUT_PROOF;
	enum rollout_step step = ROLLOUT_STEP_WAITS;
	int64_t number = 0;

	if (rollout_phase_parse(json_string(json_get(line, "phase"), ""), &phase))
		event->phase = rollout_phase_word(phase);
	if (rollout_step_parse(word, &step))
		event->step = rollout_step_word(step);
	else if (word)
		event->step = "over";
	event->revision = json_int(json_get(line, "revision"), &number) ? (int)number : 0;
	event->done = json_int(json_get(line, "done"), &number) ? (int)number : 0;
	event->total = json_int(json_get(line, "total"), &number) ? (int)number : 0;
	(void)json_int(json_get(line, "elapsed_ms"), &event->elapsed_ms);
	event->is_spare = json_bool(json_get(line, "spare"), false);
}

/* Version 0.1.0 has words alone.  The lines of the instance stand below the first. */
static struct reason *read_why(const struct json *line, const char **lines)
{
	const char *words = json_string(json_get(line, "why"), "");
	size_t len = strcspn(words, "\n");
	char *first = NULL;
	struct reason *why = reason_read(json_get(line, "cause"));

	*lines = words[len] ? words + len : NULL;
	if (why || !len)
		return why;
	first = mem_strndup(words, len);
	why = reason_copy(&REASON_OF(OTHER, .text = first));
	mem_free(first);
	return why;
}

bool event_replay_read(const struct json *line, int64_t ahead_ms, struct herd_event *event,
	struct reason **why, int64_t *wall_ms)
{
	const char *app = json_string(json_get(line, "app"), NULL);
	const char *to = json_string(json_get(line, "to"), NULL);
	const char *from = json_string(json_get(line, "from"), to);
	const char *on = json_string(json_get(line, "on"), NULL);
	int64_t instance = -1;
	int64_t run = 0;

	*why = NULL;
	if (!utc_parse(json_string(json_get(line, "at"), ""), wall_ms))
		return false;
	*event = (struct herd_event){
		.at = *wall_ms + ahead_ms,
		.app = app,
		.delay_ms = -1,
	};
	(void)json_int(json_get(line, "instance"), &instance);
	(void)json_int(json_get(line, "pid"), &event->pid);
	(void)json_int(json_get(line, "delay_ms"), &event->delay_ms);
	(void)json_int(json_get(line, "run"), &run);
	event->run = run > 0 ? (uint64_t)run : 0;
	event->instance = (int)instance;
	*why = read_why(line, &event->lines);
	event->why = *why;
	replay_rollout(line, event);
	return app && herd_event_parse(json_string(json_get(line, "kind"), ""), &event->kind) &&
		(instance < 0 || (to && state_parse(to, &event->to) && state_parse(from, &event->from))) &&
		(!on || event_parse(on, &event->on));
}
