#include "result_text.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "view/human.h"

static void add_app_name(struct buf *out, const struct json *app)
{
	const char *name = json_string(json_get(app, "name"), "?");

	human_safe(out, name, strlen(name));
}

static void add_count_text(struct buf *out, int64_t count)
{
	human_count(out, count > 0 ? (size_t)count : 0, "instance", "instances");
}

/* "3000-3003", "3000, 3010, 3020", "3000" for one that all share. */
static void add_app_ports(struct buf *out, const struct json *app)
{
	const struct json *member = NULL;
	const char *between = " on ";
	int64_t first = 0;
	int64_t last = 0;

	JSON_EACH (json_get(app, "ports"), member) {
		int64_t port = 0;

		if (!json_int(member, &port) || port <= 0 || (first && port == last))
			continue;
		if (first && port == last + 1) {
			last = port;
			continue;
		}
		if (last > first)
			buf_addf(out, "-%lld", (long long)last);
		buf_addf(out, "%s%lld", between, (long long)port);
		between = ", ";
		first = last = port;
	}
	if (last > first)
		buf_addf(out, "-%lld", (long long)last);
	if (!first && json_get_int(app, "port", 0) > 0)
		buf_addf(out, " on %lld", (long long)json_get_int(app, "port", 0));
}

static void add_started(struct buf *out, const struct json *app)
{
	const char *state = json_string(json_get(app, "state"), "");
	int64_t started = json_get_int(app, "started", 0);
	int64_t instances = json_get_int(app, "instances", 0);

	if (str_eq(state, "disabled")) {
		buf_adds(out, "disabled");
		return;
	}
	/* Nobody counted: it was known, and is wanted again. */
	if (!json_get(app, "started")) {
		buf_adds(out, "started");
		return;
	}
	if (!started && json_get(app, "running") && json_get_int(app, "running", 0) < instances) {
		buf_addf(out, "already started, %lld of ", (long long)json_get_int(app, "running", 0));
		add_count_text(out, instances);
		buf_adds(out, instances == 1 ? " runs" : " run");
	} else if (!started) {
		buf_adds(out, instances ? "already running" : "has no instances");
	} else if (started < instances) {
		buf_addf(out, "%lld of ", (long long)started);
		add_count_text(out, instances);
		buf_adds(out, " started");
	} else {
		add_count_text(out, started);
		buf_adds(out, " started");
		add_app_ports(out, app);
	}
	if (str_eq(state, "changed"))
		buf_adds(out, ", as defined before");
}

/* A line an app. */
static bool each_app(const struct json *result, void (*add)(struct buf *, const struct json *))
{
	const struct json *apps = json_get(result, "apps");
	const struct json *app = NULL;
	struct buf out = BUF_INIT;

	JSON_EACH (apps, app) {
		add_app_name(&out, app);
		buf_adds(&out, ": ");
		add(&out, app);
		buf_addc(&out, '\n');
	}
	out_write(&out);
	buf_release(&out);
	return json_count(apps) > 0;
}

/* Counted before it was waited for. */
static void add_ready(struct buf *out, const struct json *app)
{
	bool is_counted = json_get(app, "started") && json_get(app, "running");

	if (is_counted && !json_get_int(app, "started", 0) &&
		json_get_int(app, "running", 0) < json_get_int(app, "instances", 0))
		buf_adds(out, "was starting already, and is ready");
	else
		add_started(out, app);
}

bool result_text_started(const struct json *result, bool is_ready)
{
	return each_app(result, is_ready ? add_ready : add_started);
}

void result_text_would_start(const struct json *result)
{
	const struct json *apps = json_get(result, "would_start");
	const struct json *app = NULL;
	struct buf out = BUF_INIT;

	buf_adds(&out, "Would start: ");
	JSON_EACH (apps, app) {
		if (app != json_first(apps))
			buf_adds(&out, ", ");
		add_app_name(&out, app);
		if (json_get_int(app, "instances", 0) > 1)
			buf_addf(&out, " (×%lld instances)", (long long)json_get_int(app, "instances", 0));
	}
	buf_adds(&out, json_count(apps) ? "\n" : "nothing\n");
	out_write(&out);
	buf_release(&out);
}

bool result_text_done(const struct json *result, const char *word)
{
	const struct json *apps = json_get(result, "apps");
	const struct json *app = NULL;
	struct buf out = BUF_INIT;

	JSON_EACH (apps, app) {
		add_app_name(&out, app);
		buf_addf(&out, ": %s\n", word);
	}
	out_write(&out);
	buf_release(&out);
	return json_count(apps) > 0;
}

bool result_text_signalled(const struct json *result, const char *signal)
{
	const struct json *app = NULL;
	struct buf out = BUF_INIT;
	bool is_any = false;

	JSON_EACH (json_get(result, "apps"), app) {
		int64_t count = json_get_int(app, json_get(app, "signalled") ? "signalled" : "instances", 0);

		is_any |= count > 0;
		add_app_name(&out, app);
		if (count)
			buf_addf(&out, ": %s sent to ", signal), add_count_text(&out, count);
		else
			buf_addf(&out, ": %s not sent: nothing of it runs", signal);
		buf_addc(&out, '\n');
	}
	out_write(&out);
	buf_release(&out);
	return is_any;
}

static void add_scaled_line(struct buf *out, const struct json *app)
{
	int64_t from = json_get_int(app, "from", 0);
	int64_t to = json_get_int(app, "to", 0);

	if (from == to)
		buf_adds(out, "already ");
	else
		buf_addf(out, "%lld -> ", (long long)from);
	add_count_text(out, to);
}

bool result_text_scaled(const struct json *result)
{
	return each_app(result, add_scaled_line);
}
