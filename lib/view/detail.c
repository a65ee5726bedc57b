#include "view/detail.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "view/human.h"
#include "view/list.h"
#include "view/timeline.h"

static void add_instance_head(const struct json *instance, const struct timeline *t, struct buf *out)
{
	const char *id = json_get_string(instance, "id", "");
	const char *status = json_get_string(instance, "status", "");
	const char *reason = json_get_string(instance, "reason", "");
	int64_t next = json_get_int(instance, "next_restart_ms", -1);
	int64_t gone = json_get_int(instance, "gone_secs", -1);

	human_tint(out, TINT_BOLD, t->colour);
	human_safe(out, id, strlen(id));
	human_untint(out, t->colour);
	if (gone >= 0) {
		buf_adds(out, " (a spare): removed ");
		if (gone > 0)
			human_duration(out, gone * 1000);
		buf_adds(out, gone > 0 ? " ago" : "a moment ago");
	} else {
		buf_adds(out, ": ");
		human_tint(out, list_tint(status), t->colour);
		human_safe(out, status, strlen(status));
		human_untint(out, t->colour);
	}
	if (next >= 0)
		buf_adds(out, ", ");
	list_reason(out, NULL, next);
	buf_addc(out, '\n');
	if (!*reason)
		return;
	buf_adds(out, "  ");
	human_safe(out, reason, strlen(reason));
	buf_addc(out, '\n');
}

static void add_last_exit(const struct json *instance, const struct timeline *t, struct buf *out)
{
	const struct json *end = json_get(instance, "last_exit");
	const char *signal = json_string(json_get(end, "signal"), NULL);

	if (!json_is_object(end))
		return;
	if (signal) {
		buf_adds(out, ", last exit by ");
		human_safe(out, signal, strlen(signal));
	} else if (json_is_null(json_get(end, "code"))) {
		buf_adds(out, ", last exit unseen, before ");
		timeline_time(t, json_get_string(end, "at", ""), out);
		return;
	} else {
		buf_addf(out, ", last exit with code %lld", (long long)json_get_int(end, "code", 0));
	}
	buf_adds(out, " at ");
	timeline_time(t, json_get_string(end, "at", ""), out);
}

static void add_restart_counts(const struct json *instance, const struct timeline *t, struct buf *out)
{
	int64_t restarts = json_get_int(instance, "restarts", 0);
	int64_t crashes = json_get_int(instance, "crashes", 0);

	buf_adds(out, "  ");
	human_count(out, restarts > 0 ? (size_t)restarts : 0, "restart", "restarts");
	buf_adds(out, ", ");
	human_count(out, crashes > 0 ? (size_t)crashes : 0, "crash", "crashes");
	if (crashes > 1)
		buf_adds(out, " in a row");
	add_last_exit(instance, t, out);
	buf_addc(out, '\n');
}

static void add_timeline(const struct json *instance, struct timeline t, struct buf *out)
{
	const struct json *entry = NULL;

	JSON_EACH (json_get(instance, "timeline"), entry)
		timeline_entry(&t, entry, out);
}

int detail_render(const struct json *why, const struct timeline *t, struct buf *out, struct err *e)
{
	const struct json *instances = json_get(why, "instances");
	const struct json *instance = NULL;

	if (!json_is_array(instances))
		return err_set(e, "the answer has no 'instances'");
	if (!json_count(instances))
		buf_adds(out, "nothing to tell: it has no instance\n");
	JSON_EACH (instances, instance) {
		if (instance != json_first(instances))
			buf_addc(out, '\n');
		add_instance_head(instance, t, out);
		add_restart_counts(instance, t, out);
		add_timeline(instance, *t, out);
	}
	return 0;
}
