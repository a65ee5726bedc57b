#include "deploy_watch.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "model/event_record.h"
#include "os/clock.h"
#include "view/human.h"
#include "view/progress.h"

enum { TICK_MS = 200 };

enum show { SHOW_PICTURE, SHOW_LINES, SHOW_JSON };

struct deploy_watch {
	enum show show;
	struct progress progress;
	struct strings apps; /* whose rollout was heard of */
	size_t drawn;        /* lines of the picture that stands there */
};

/* --- the picture -------------------------------------------------------------------------------------------------------- */

/* Over the one that stands there.  What does not fit on the screen is left out at the end. */
static void draw_progress(void *context)
{
	struct deploy_watch *r = context;
	struct buf text = BUF_INIT;
	struct buf screen = BUF_INIT;
	size_t height = out_height();
	size_t most = height > 2 ? height - 1 : 1000;
	const char *at = NULL;
	size_t drawn = 0;

	if (r->show != SHOW_PICTURE || !progress_has_any(&r->progress))
		return;
	progress_render(&r->progress, clock_ms(), &text, out_width(), out_has_colour());
	if (r->drawn)
		buf_addf(&screen, "\033[%zuA\r", r->drawn);
	for (at = text.ptr; *at && drawn < most; drawn++) {
		size_t len = strcspn(at, "\n");

		buf_add(&screen, at, len);
		buf_adds(&screen, "\033[K\n");
		at += len + (at[len] == '\n');
	}
	buf_adds(&screen, "\033[J");
	r->drawn = drawn;
	out_write(&screen);
	(void)out_flush(EXIT_DONE);
	buf_release(&screen);
	buf_release(&text);
}

/* --- what comes ----------------------------------------------------------------------------------------------------------- */

static void remember_app(struct deploy_watch *r, const struct json *event)
{
	const char *app = json_string(json_get(event, "app"), NULL);

	if (!app || !str_eq(json_string(json_get(event, "kind"), NULL), "rollout"))
		return;
	for (size_t k = 0; k < r->apps.len; k++)
		if (str_eq(r->apps.items[k], app))
			return;
	strings_add(&r->apps, app);
}

static void print_json_line(const struct json *j)
{
	struct buf line = BUF_INIT;

	json_write(&line, j);
	buf_addc(&line, '\n');
	out_write(&line);
	(void)out_flush(EXIT_DONE);
	buf_release(&line);
}

static void hear(void *context, const char *method, const struct json *params)
{
	struct deploy_watch *r = context;
	struct event_record event;
	struct buf line = BUF_INIT;

	if (!str_eq(method, "progress"))
		return;
	event_record_read(params, &event);
	remember_app(r, params);
	progress_hear(&r->progress, &event, clock_ms());
	if (r->show == SHOW_JSON) {
		print_json_line(params);
	} else if (r->show == SHOW_LINES) {
		progress_line(&event, &line);
		out_write(&line);
		(void)out_flush(EXIT_DONE);
	} else {
		draw_progress(r);
	}
	buf_release(&line);
}

/* --- how it ended ------------------------------------------------------------------------------------------------------------ */

/* Does the verdict say how it ended?  A daemon of an earlier version tells no results: then of every app that was rolled out, if of any. */
static bool has_verdict(const struct json *answer, const struct json *app)
{
	const struct json *results = json_get(answer, "results");
	const struct json *result = NULL;
	const char *name = json_string(json_get(app, "name"), NULL);

	if (!results)
		return *json_string(json_get(answer, "verdict"), "") &&
			str_eq(json_string(json_get(app, "did"), NULL), "rolled");
	JSON_EACH (results, result)
		if (!json_get(result, "instance") && str_eq(json_string(json_get(result, "app"), NULL), name))
			return true;
	return false;
}

/* What was done with one app, where no verdict says it. */
static void add_did(struct buf *out, const struct json *app)
{
	const char *name = json_string(json_get(app, "name"), "?");
	const char *did = json_string(json_get(app, "did"), "");
	const char *compared = json_string(json_get(app, "compared"), NULL);

	if (str_eq(did, "rolled"))
		did = "does not run; the next start uses the new definition";
	else if (str_eq(did, "changed"))
		did = "changed in place";
	buf_addf(out, "%s: %s", name, did);
	if (compared) {
		buf_adds(out, " (");
		human_safe(out, compared, strlen(compared));
		buf_addf(out, "); use 'oxctl reload %s' to restart it anyway", name);
	}
	buf_addc(out, '\n');
}

static void add_build(struct buf *out, const struct json *app)
{
	const char *build = json_string(json_get(app, "build"), NULL);

	if (!build)
		return;
	buf_addf(out, "%s: the build changed: ", json_string(json_get(app, "name"), "?"));
	human_safe(out, build, strlen(build));
	buf_addc(out, '\n');
}

static void print_deploy_result(const struct json *result)
{
	const char *verdict = json_string(json_get(result, "verdict"), "");
	const struct json *app = NULL;
	struct buf out = BUF_INIT;

	JSON_EACH (json_get(result, "apps"), app) {
		add_build(&out, app);
		if (!has_verdict(result, app))
			add_did(&out, app);
	}
	for (const char *at = verdict; *at;) {
		size_t len = strcspn(at, "\n");

		human_safe(&out, at, len);
		buf_addc(&out, '\n');
		at += len + (at[len] == '\n');
	}
	out_write(&out);
	buf_release(&out);
}

/* Nothing was begun, and the data say why. */
static bool was_refused(const struct daemon_call *t)
{
	return t->data && !json_get(t->data, "results");
}

static struct json *clone_answer(const struct daemon_call *t)
{
	const struct json *answer = t->result ? t->result : t->data;

	return answer ? json_clone(answer) : json_new_object();
}

static void print_json_end(const struct daemon_call *t, int code)
{
	struct json *end = clone_answer(t);

	json_set_bool(end, "ok", code == EXIT_DONE);
	if (code != EXIT_DONE)
		json_set_string(end, "verdict", t->e.text.ptr);
	print_json_line(end);
	json_free(end);
}

static void finish_watch(struct deploy_watch *r, struct daemon_call *t, int code)
{
	const struct json *note = NULL;

	draw_progress(r);
	JSON_EACH (json_get(t->result, "notes"), note)
		daemon_call_fail(EXIT_DONE, "%s", json_string(note, ""));
	if (r->show == SHOW_JSON && !was_refused(t))
		print_json_end(t, code);
	if (code == EXIT_DONE && r->show != SHOW_JSON)
		print_deploy_result(t->result);
	else
		daemon_call_tell(t, code);
}

/* --- asking --------------------------------------------------------------------------------------------------------------- */

/* A deploy that has begun continues under the next brain, which is asked for its result; any other request is sent again. */
static int await_again(struct deploy_watch *r, struct client **client, struct daemon_call *t)
{
	int code = daemon_reconnect(client, &t->e);

	if (code != EXIT_DONE)
		return code;
	if (r->apps.len) {
		t->method = "await";
		json_free(t->params);
		t->params = json_new_object();
		daemon_call_set_strings(t->params, "targets", r->apps.items, (int)r->apps.len);
	}
	client_on_note(*client, hear, r);
	client_on_tick(*client, TICK_MS, r->show == SHOW_PICTURE ? draw_progress : NULL, r);
	return daemon_call_try_call(*client, t);
}

int deploy_watch(struct daemon_call *t, bool as_json)
{
	struct deploy_watch r = { .show = as_json ? SHOW_JSON
			: out_is_terminal()       ? SHOW_PICTURE
						  : SHOW_LINES,
		.progress = PROGRESS_INIT };
	struct client *client = NULL;
	int code = daemon_call_check(t);

	if (code == EXIT_DONE)
		code = t->may_launch ? daemon_launch(&client) : daemon_connect(&client);
	if (code != EXIT_DONE)
		return code;
	client_on_note(client, hear, &r);
	client_on_tick(client, TICK_MS, r.show == SHOW_PICTURE ? draw_progress : NULL, &r);
	code = daemon_call_try_call(client, t);
	for (int tries = 0; code == EXIT_NO_DAEMON && tries < 10; tries++)
		code = await_again(&r, &client, t);
	finish_watch(&r, t, code);
	client_free(client);
	progress_release(&r.progress);
	strings_release(&r.apps);
	return code;
}
