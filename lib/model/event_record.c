#include "model/event_record.h"

#include "base/json.h"
#include "base/str.h"
#include "base/utc.h"
#include "model/reason.h"

/*
 * What names the rule that decided says by itself when it starts again.  Version 0.1.0 names no rule, and its words always say it.
 */
static bool is_delay_named(const struct json *cause)
{
	return !cause || json_get(cause, "rule") ||
		str_eq(json_get_string(cause, "code", NULL), reason_code(REASON_OTHER));
}

void event_record_read(const struct json *j, struct event_record *r)
{
	*r = (struct event_record){
		.kind = json_get_string(j, "kind", NULL),
		.id = json_get_string(j, "id", NULL),
		.app = json_get_string(j, "app", NULL),
		.instance = (int)json_get_int(j, "instance", -1),
		.from = json_get_string(j, "from", NULL),
		.to = json_get_string(j, "to", NULL),
		.on = json_get_string(j, "on", NULL),
		.why = json_get_string(j, "why", json_get_string(j, "words", NULL)),
		.names_delay = is_delay_named(json_get(j, "cause")),
		.delay_ms = json_get_int(j, "delay_ms", -1),
		.phase = json_get_string(j, "phase", NULL),
		.step = json_get_string(j, "step", NULL),
		.revision = (int)json_get_int(j, "revision", -1),
		.done = (int)json_get_int(j, "done", 0),
		.total = (int)json_get_int(j, "total", 0),
		.elapsed_ms = json_get_int(j, "elapsed_ms", 0),
		.is_spare = json_bool(json_get(j, "spare"), false),
	};
	if (!utc_parse(json_get_string(j, "at", ""), &r->at_ms))
		r->at_ms = EVENT_RECORD_NO_TIME;
}
