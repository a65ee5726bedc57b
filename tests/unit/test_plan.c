#include "model/plan.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "unit.h"

static int ports[] = { 3000, 3001, 3002, 3003 };
static int others[] = { 4000, 3001, 3002, 3003 };
static int none[] = { 0, 0, 0, 0 };

static struct spec *make(const char *name, const char *command)
{
	struct spec *s = spec_new(name);

	s->folder = mem_strdup("/srv");
	assert_int_equal(command_from_line(&s->command, command, NULL), 0);
	return s;
}

/* A line a step: "api:0 replace 3000 3000 command changed". */
static char *plan_of(struct plan_app *from, struct plan_app *to)
{
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	struct plan plan = PLAN_INIT;
	struct buf out = BUF_INIT;
	const struct plan_step *step = NULL;
	size_t i = 0;

	if (from)
		vec_push(&before, from);
	if (to)
		vec_push(&after, to);
	plan_make(&plan, &before, &after);
	VEC_EACH (&plan.steps, i, step) {
		buf_addf(&out, "%s:%d %s %d %d %s\n", step->app, step->instance, plan_verb_word(step->verb),
			step->old_port, step->new_port, step->why);
	}
	plan_release(&plan);
	vec_release(&before);
	vec_release(&after);
	return buf_detach(&out);
}

static void expect(struct plan_app *from, struct plan_app *to, const char *lines)
{
	char *plan = plan_of(from, to);

	assert_string_equal(plan, lines);
	mem_free(plan);
}

static void the_same_herd_is_kept(void **state)
{
	struct spec *a = make("api", "node x.js");
	struct spec *b = spec_clone(a);
	struct plan_app from = { .spec = a, .instances = 2, .ports = ports };
	struct plan_app to = { .spec = b, .instances = 2, .ports = ports };

	(void)state;
	expect(&from, &to, "api:0 keep 3000 3000 \napi:1 keep 3001 3001 \n");
	spec_free(a);
	spec_free(b);
}

static void a_new_app_starts_and_a_gone_one_is_removed(void **state)
{
	struct spec *a = make("api", "x");
	struct plan_app app = { .spec = a, .instances = 1, .ports = ports };

	(void)state;
	expect(NULL, &app, "api:0 start 0 3000 the app is new\n");
	expect(&app, NULL, "api:0 remove 3000 0 the app is no longer in the oxfile\n");
	spec_free(a);
}

static void a_disabled_app_is_removed_with_that_reason(void **state)
{
	struct spec *a = make("api", "x");
	struct spec *b = spec_clone(a);
	struct plan_app from = { .spec = a, .instances = 1, .ports = ports };
	struct plan_app to = { .spec = b, .instances = 1, .ports = ports };

	(void)state;
	b->disabled = true;
	expect(&from, &to, "api:0 remove 3000 0 the app is disabled now\n");
	spec_free(a);
	spec_free(b);
}

static void changes_that_need_a_new_process_replace_it(void **state)
{
	struct spec *a = make("api", "x");
	struct spec *b = make("api", "y");
	struct plan_app from = { .spec = a, .instances = 1, .ports = ports };
	struct plan_app to = { .spec = b, .instances = 1, .ports = ports };

	(void)state;
	env_put(&a->env, "GONE", "1");
	env_put(&a->env, "SAME", "1");
	env_put(&b->env, "SAME", "1");
	env_put(&b->env, "NEW", "secret");
	env_put(&b->file_env, "FILE", "secret");
	expect(&from, &to, "api:0 replace 3000 3000 command, env (NEW, GONE), env_file (FILE) changed\n");
	spec_free(a);
	spec_free(b);
}

static void other_changes_are_applied_in_place(void **state)
{
	struct spec *a = make("api", "x");
	struct spec *b = make("api", "x");
	struct plan_app from = { .spec = a, .instances = 1, .ports = ports };
	struct plan_app to = { .spec = b, .instances = 1, .ports = ports };

	(void)state;
	b->stop_timeout_ms = 1;
	b->max_restarts = 7;
	expect(&from, &to, "api:0 keep 3000 3000 max_restarts, stop_timeout_ms changed, applied in place\n");
	spec_free(a);
	spec_free(b);
}

static void more_and_fewer_instances_touch_only_those(void **state)
{
	struct spec *a = make("api", "x");
	struct plan_app two = { .spec = a, .instances = 2, .ports = ports };
	struct plan_app three = { .spec = a, .instances = 3, .ports = ports };

	(void)state;
	expect(&two, &three,
		"api:0 keep 3000 3000 \napi:1 keep 3001 3001 \napi:2 start 0 3002 instances 2 -> 3\n");
	expect(&three, &two,
		"api:0 keep 3000 3000 \napi:1 keep 3001 3001 \napi:2 remove 3002 0 instances 3 -> 2\n");
	spec_free(a);
}

static void another_port_moves_the_instance(void **state)
{
	struct spec *a = make("api", "x");
	struct plan_app from = { .spec = a, .instances = 2, .ports = ports };
	struct plan_app to = { .spec = a, .instances = 2, .ports = others };

	(void)state;
	expect(&from, &to, "api:0 move 3000 4000 port 3000 -> 4000\napi:1 keep 3001 3001 \n");
	spec_free(a);
}

static void writing_a_command_in_another_way_changes_nothing(void **state)
{
	struct spec *a = make("api", "node  'x.js'");
	struct spec *b = make("api", "node x.js");
	struct plan_app from = { .spec = a, .instances = 1, .ports = none };
	struct plan_app to = { .spec = b, .instances = 1, .ports = none };

	(void)state;
	env_put(&a->env, "A", "1");
	env_put(&a->env, "B", "2");
	env_put(&b->env, "B", "2");
	env_put(&b->env, "A", "1");
	expect(&from, &to, "api:0 keep 0 0 \n");
	spec_free(a);
	spec_free(b);
}

static void json_names_every_step(void **state)
{
	struct spec *a = make("api", "x");
	struct plan_app app = { .spec = a, .instances = 1, .ports = none };
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	struct plan plan = PLAN_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	vec_push(&after, &app);
	plan_make(&plan, &before, &after);
	assert_false(plan_is_empty(&plan));
	plan_write(&plan, &out);
	assert_string_equal(out.ptr,
		"\"version\":1,\"steps\":[{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,\"verb\":\"start\","
		"\"old_port\":null,\"new_port\":null,\"why\":\"the app is new\"}]");
	buf_release(&out);
	plan_release(&plan);
	vec_release(&after);
	spec_free(a);
}

static void one_plan_is_made_of_two(void **state)
{
	struct spec *a = make("api", "x");
	struct spec *b = make("web", "x");
	struct plan_app first = { .spec = a, .instances = 1, .ports = none };
	struct plan_app second = { .spec = b, .instances = 1, .ports = none };
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	struct vec later = VEC_INIT;
	struct plan plan = PLAN_INIT;
	struct plan other = PLAN_INIT;

	(void)state;
	vec_push(&after, &first);
	vec_push(&later, &second);
	plan_make(&plan, &before, &after);
	plan_make(&other, &before, &later);
	plan_take(&plan, &other);
	assert_int_equal(plan.steps.len, 2);
	assert_int_equal(plan.counts[PLAN_START], 2);
	assert_string_equal(((const struct plan_step *)plan.steps.items[1])->app, "web");
	assert_true(plan_is_empty(&other));
	plan_release(&other);
	plan_release(&plan);
	vec_release(&after);
	vec_release(&later);
	spec_free(a);
	spec_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a herd that did not change is kept", the_same_herd_is_kept),
		PROMISE("a new app starts, an app that is gone is removed",
			a_new_app_starts_and_a_gone_one_is_removed),
		PROMISE("an app that is disabled now is removed, with that reason",
			a_disabled_app_is_removed_with_that_reason),
		PROMISE("changes that need a new process replace it, and name no value of env",
			changes_that_need_a_new_process_replace_it),
		PROMISE("other changes are applied to the running process",
			other_changes_are_applied_in_place),
		PROMISE("more and fewer instances touch only those",
			more_and_fewer_instances_touch_only_those),
		PROMISE("another port moves the instance", another_port_moves_the_instance),
		PROMISE("writing the same in another way changes nothing",
			writing_a_command_in_another_way_changes_nothing),
		PROMISE("JSON names every step", json_names_every_step),
		PROMISE("the plans of two oxfiles become one", one_plan_is_made_of_two),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
