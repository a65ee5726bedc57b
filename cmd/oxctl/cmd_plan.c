/*
 * oxctl plan: what a deploy would do, instance by instance: of an oxfile against what runs, or against another one.
 */
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "daemon_call.h"
#include "model/plan.h"
#include "options.h"
#include "request.h"
#include "rules/placement.h"
#include "view/plan.h"

static const char *from_path;
static const char *to_path;
static const char *profile;
static bool as_json;
static bool all;

const struct opt plan_options[] = {
	{ .name = "from",
		.kind = OPT_STRING,
		.at = &from_path,
		.value = "FILE",
		.help = "compare with this oxfile, and not with what runs" },
	{ .name = "to",
		.kind = OPT_STRING,
		.at = &to_path,
		.value = "FILE",
		.help = "the oxfile as it should be; without it the usual one" },
	OPTION_CONFIG(&to_path, "as --to"),
	SCOPE_ALL_ROW(&all),
	OPTION_PROFILE(&profile),
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

static void add_placement(struct vec *apps, const struct placement *p)
{
	struct plan_app *app = mem_zalloc(1, sizeof(*app));

	*app = (struct plan_app){ .spec = p->spec, .instances = p->instances, .ports = p->ports };
	vec_push(apps, app);
}

static void add_apps(struct vec *apps, const struct loaded *l)
{
	const struct placement *p = NULL;
	size_t i = 0;

	VEC_EACH (&l->placements, i, p) {
		add_placement(apps, p);
	}
}

static void print_plan(const struct plan *plan)
{
	struct buf out = BUF_INIT;

	plan_render(plan, &out, out_width(), out_has_colour());
	out_write(&out);
	buf_release(&out);
}

/* --- between two files --- */

static void compare_files(const struct loaded *from, const struct loaded *to)
{
	struct plan plan = PLAN_INIT;
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	struct buf json = BUF_INIT;

	add_apps(&before, from);
	add_apps(&after, to);
	plan_make(&plan, &before, &after);
	if (as_json) {
		emit_open(&json, NULL, '{');
		plan_write(&plan, &json);
		emit_close(&json, '}');
		out_json_text(&json);
	} else {
		print_plan(&plan);
	}
	vec_release_with(&before, mem_free);
	vec_release_with(&after, mem_free);
	plan_release(&plan);
	buf_release(&json);
}

static int plan_files(void)
{
	struct loaded from = { .diags = DIAGS_INIT };
	struct loaded to = { .diags = DIAGS_INIT };
	struct err e = ERR_INIT;
	char *path = load_find(to_path, &e);
	int code = EXIT_USAGE;

	if (!path) {
		daemon_call_fail(EXIT_USAGE, "%s", e.text.ptr);
		goto out;
	}
	code = load_oxfile(&from, from_path, profile);
	daemon_call_complaints(&from.diags);
	if (code != EXIT_DONE)
		goto out;
	code = load_oxfile(&to, path, profile);
	daemon_call_complaints(&to.diags);
	if (code == EXIT_DONE)
		compare_files(&from, &to);
out:
	load_release(&from);
	load_release(&to);
	err_release(&e);
	mem_free(path);
	return code;
}

/* --- against what runs --- */

static bool find_verb(const char *word, enum plan_verb *verb)
{
	for (*verb = PLAN_KEEP; *verb <= PLAN_REMOVE; ++*verb)
		if (str_eq(plan_verb_word(*verb), word))
			return true;
	return false;
}

/* A verb of a later daemon is left out of the table; --json has it. */
static void add_plan_step(struct plan *plan, const struct json *item)
{
	struct plan_step *step = NULL;
	enum plan_verb verb = PLAN_KEEP;

	if (!find_verb(json_string(json_get(item, "verb"), NULL), &verb))
		return;
	step = mem_zalloc(1, sizeof(*step));
	*step = (struct plan_step){
		.verb = verb,
		.app = mem_strdup(json_string(json_get(item, "name"), "?")),
		.instance = json_get_count(item, "instance"),
		.old_port = json_get_count(item, "old_port"),
		.new_port = json_get_count(item, "new_port"),
		.why = mem_strdup(json_string(json_get(item, "why"), "")),
	};
	plan->counts[verb]++;
	vec_push(&plan->steps, step);
}

static void print_steps(const struct json *result)
{
	const struct json *item = NULL;
	struct plan plan = PLAN_INIT;

	JSON_EACH (json_get(result, "steps"), item)
		add_plan_step(&plan, item);
	print_plan(&plan);
	plan_release(&plan);
}

static int plan_running(const struct opt_rest *rest)
{
	struct err none = ERR_INIT;
	bool is_all = all || targets_name_all(rest);
	char *path = is_all ? NULL : load_find(to_path, &none);
	struct daemon_call t = { .method = "plan", .path = path, .e = ERR_INIT };
	int code = EXIT_DONE;

	t.params = json_new_object();
	/* Without an oxfile here, each app is compared with the one that it came from. */
	if (path)
		code = request_add_oxfile(t.params, path);
	request_add_env(t.params);
	if (profile)
		json_set_string(t.params, "profile", profile);
	if (rest->count && !is_all)
		daemon_call_set_strings(t.params, "only", rest->items, rest->count);
	if (code == EXIT_DONE)
		code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		print_steps(t.result);
	daemon_call_release(&t);
	err_release(&none);
	mem_free(path);
	return code;
}

int cmd_plan(const struct opt_rest *rest)
{
	if (targets_check_all("plan", all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	if (from_path && rest->count)
		return daemon_call_fail(EXIT_USAGE,
			"'%s' is one argument too many: --from compares whole files", rest->items[0]);
	return out_finish(from_path ? plan_files() : plan_running(rest));
}
