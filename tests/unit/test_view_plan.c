#include "view/plan.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "unit.h"

static void add(struct plan *p, struct plan_step step)
{
	struct plan_step *own = mem_dup(&step, sizeof(step));

	own->app = mem_strdup(step.app);
	own->why = mem_strdup(step.why);
	vec_push(&p->steps, own);
	p->counts[step.verb]++;
}

#define STEP(verb_, app_, instance_, old_, new_, why_)                                                       \
	((struct plan_step){                                                                                 \
		.verb = (verb_),                                                                             \
		.app = (char[]){ app_ },                                                                     \
		.instance = (instance_),                                                                     \
		.old_port = (old_),                                                                          \
		.new_port = (new_),                                                                          \
		.why = (char[]){ why_ },                                                                     \
	})

static void plan_reads(struct plan *p, size_t width, bool colour, const char *text)
{
	struct buf out = BUF_INIT;

	plan_render(p, &out, width, colour);
	assert_string_equal(out.ptr, text);
	buf_release(&out);
}

static void every_change_has_its_line(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	add(&p, STEP(PLAN_REPLACE, "api", 0, 3000, 3000, "command changed"));
	add(&p, STEP(PLAN_REPLACE, "api", 1, 3001, 3001, "command changed"));
	add(&p, STEP(PLAN_START, "api", 2, 0, 3002, "instances 2 -> 3"));
	add(&p, STEP(PLAN_MOVE, "web", 0, 8080, 8081, "port 8080 -> 8081"));
	add(&p, STEP(PLAN_KEEP, "worker", 0, 0, 0, ""));
	add(&p, STEP(PLAN_KEEP, "worker", 1, 0, 0, ""));
	add(&p, STEP(PLAN_KEEP, "worker", 2, 0, 0, ""));
	add(&p, STEP(PLAN_KEEP, "worker", 3, 0, 0, ""));
	add(&p, STEP(PLAN_REMOVE, "old", 0, 9000, 0, "the app is no longer in the oxfile"));
	plan_reads(&p, 0, false,
		"api:0   replace  3000  command changed\n"
		"api:1   replace  3001  command changed\n"
		"api:2   start    3002  instances 2 -> 3\n"
		"web:0   move     8081  port 8080 -> 8081\n"
		"worker  keep     (×4)\n"
		"old:0   remove   9000  the app is no longer in the oxfile\n"
		"1 to start, 2 to replace, 1 to move, 1 to remove, 4 kept\n");
	plan_reads(&p, 40, false,
		"api:0   replace  3000  command changed\n"
		"api:1   replace  3001  command changed\n"
		"api:2   start    3002  instances 2 -> 3\n"
		"web:0   move     8081  port 8080 -> 8081\n"
		"worker  keep     (×4)\n"
		"old:0   remove   9000  the app is no lo…\n"
		"1 to start, 2 to replace, 1 to move, 1 to remove, 4 kept\n");
	plan_release(&p);
}

static void a_verdict_leaves_zeroes_out(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	add(&p, STEP(PLAN_START, "api", 0, 0, 0, "the app is new"));
	plan_reads(&p, 0, false, "api:0  start    the app is new\n1 to start\n");
	add(&p, STEP(PLAN_REMOVE, "old", 0, 0, 0, "the app is disabled now"));
	plan_reads(&p, 0, false,
		"api:0  start     the app is new\n"
		"old:0  remove    the app is disabled now\n"
		"1 to start, 1 to remove\n");
	plan_release(&p);
}

static void nothing_to_do_is_said(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	plan_reads(&p, 80, false, "nothing to do\n");
	add(&p, STEP(PLAN_KEEP, "api", 0, 3000, 3000, ""));
	plan_reads(&p, 80, false, "api:0  keep  3000\nnothing to do, 1 kept\n");
	add(&p, STEP(PLAN_KEEP, "api", 1, 3001, 3001, ""));
	plan_reads(&p, 80, false, "api  keep  (×2)\nnothing to do, 2 kept\n");
	plan_release(&p);
}

static void keeps_are_told_by_app_and_reason(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	add(&p, STEP(PLAN_KEEP, "api", 0, 0, 0, ""));
	add(&p, STEP(PLAN_REPLACE, "api", 1, 0, 0, "env changed"));
	add(&p, STEP(PLAN_KEEP, "api", 2, 0, 0, "stop_timeout_ms changed, applied in place"));
	add(&p, STEP(PLAN_KEEP, "web", 0, 0, 0, ""));
	add(&p, STEP(PLAN_KEEP, "api", 3, 0, 0, ""));
	add(&p, STEP(PLAN_KEEP, "api", 4, 0, 0, "stop_timeout_ms changed, applied in place"));
	plan_reads(&p, 0, false,
		"api    keep     (×2)\n"
		"api:1  replace        env changed\n"
		"api    keep     (×2)  stop_timeout_ms changed, applied in place\n"
		"web:0  keep\n"
		"1 to replace, 5 kept\n");
	plan_release(&p);
}

static void colour_marks_the_verbs_alone(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	add(&p, STEP(PLAN_START, "a", 0, 0, 3000, "the app is new"));
	add(&p, STEP(PLAN_REMOVE, "b", 0, 3001, 0, "gone"));
	add(&p, STEP(PLAN_KEEP, "c", 0, 0, 0, ""));
	plan_reads(&p, 0, true,
		"a:0  \033[32mstart\033[0m   3000  the app is new\n"
		"b:0  \033[31mremove\033[0m  3001  gone\n"
		"c:0  \033[2mkeep\033[0m\n"
		"1 to start, 1 to remove, 1 kept\n");
	plan_release(&p);
}

static void ten_thousand_keeps_are_one_line(void **state)
{
	struct plan p = PLAN_INIT;

	(void)state;
	for (int i = 0; i < APP_INSTANCES_MAX; i++)
		add(&p, STEP(PLAN_KEEP, "api", i, 0, 0, ""));
	plan_reads(&p, 80, false, "api  keep  (×10000)\nnothing to do, 10000 kept\n");
	plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every change has its line, and the reason gives way to the width",
			every_change_has_its_line),
		PROMISE("a verdict leaves zeroes out", a_verdict_leaves_zeroes_out),
		PROMISE("nothing to do is said, with what is kept", nothing_to_do_is_said),
		PROMISE("keeps are shown once for each app and reason", keeps_are_told_by_app_and_reason),
		PROMISE("colour marks the verbs alone", colour_marks_the_verbs_alone),
		PROMISE("ten thousand keeps are one line", ten_thousand_keeps_are_one_line),
	};

	return cmocka_run_group_tests_name("view_plan", tests, NULL, NULL);
}
