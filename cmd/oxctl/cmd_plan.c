/*
 * oxctl plan: what a deploy from one oxfile to another would do, instance by instance.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/plan.h"
#include "rules/placement.h"
#include "view/plan.h"

static const char *from_path;
static const char *to_path;
static const char *profile;
static bool as_json;

const struct opt plan_options[] = {
	{ .name = "from",
		.kind = OPT_STRING,
		.at = &from_path,
		.value = "FILE",
		.help = "the oxfile as it is" },
	{ .name = "to",
		.kind = OPT_STRING,
		.at = &to_path,
		.value = "FILE",
		.help = "the oxfile as it should be; without it the usual one" },
	{ .name = "env",
		.kind = OPT_STRING,
		.at = &profile,
		.value = "PROFILE",
		.help = "lay this profile over the apps" },
	{ .name = "json", .kind = OPT_FLAG, .at = &as_json, .help = "print JSON" },
	{ .name = NULL },
};

static void add_app(struct vec *apps, const struct placement *p)
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
		add_app(apps, p);
	}
}

static void print_plan(const struct loaded *from, const struct loaded *to)
{
	struct plan plan = PLAN_INIT;
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	struct buf out = BUF_INIT;
	struct json *json = NULL;

	add_apps(&before, from);
	add_apps(&after, to);
	plan_make(&plan, &before, &after);
	if (as_json) {
		json = plan_to_json(&plan);
		json_write_pretty(&out, json);
		json_free(json);
	} else {
		plan_render(&plan, &out, out_width(), out_has_colour());
	}
	out_write(&out);
	vec_release_with(&before, mem_free);
	vec_release_with(&after, mem_free);
	plan_release(&plan);
	buf_release(&out);
}

int cmd_plan(const struct opt_rest *rest)
{
	struct loaded from = { .diags = DIAGS_INIT };
	struct loaded to = { .diags = DIAGS_INIT };
	struct err e = ERR_INIT;
	char *path = NULL;
	int code = EXIT_USAGE;

	(void)rest;
	if (!from_path)
		return talk_fail(EXIT_USAGE, "say what to compare with: oxctl plan --from OLD --to NEW");
	path = load_find(to_path, &e);
	if (!path) {
		talk_fail(EXIT_USAGE, "%s", e.text.ptr);
		goto out;
	}
	code = load_oxfile(&from, from_path, profile);
	talk_complaints(&from.diags);
	if (code != EXIT_DONE)
		goto out;
	code = load_oxfile(&to, path, profile);
	talk_complaints(&to.diags);
	if (code == EXIT_DONE)
		print_plan(&from, &to);
out:
	load_release(&from);
	load_release(&to);
	err_release(&e);
	mem_free(path);
	return out_finish(code);
}
