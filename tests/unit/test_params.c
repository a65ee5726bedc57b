#include "wire/methods.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "unit.h"

struct decoded {
	struct json *json;
	struct params params;
};

static struct decoded decode(enum method method, const char *text)
{
	struct decoded d;
	struct err e = ERR_INIT;

	d.json = json_parse(text, strlen(text), 4096, &e);
	if (!d.json || params_decode(&d.params, method, d.json, &e) < 0)
		fail_msg("%s", e.text.ptr);
	err_release(&e);
	return d;
}

static void release(struct decoded *d)
{
	params_release(&d->params);
	json_free(d->json);
}

static void every_kind_has_its_member(void **state)
{
	struct decoded d = decode(METHOD_DEPLOY,
		"{\"oxfile\":\"/a\",\"only\":[\"b\",\"c\"],\"force\":true,\"umask\":18,\"env\":{\"A\":\"1\",\"B\":\"\"}}");
	const struct params_deploy *p = &d.params.deploy;

	(void)state;
	assert_int_equal(d.params.method, METHOD_DEPLOY);
	assert_int_equal(p->given, 5);
	assert_string_equal(p->oxfile, "/a");
	assert_int_equal(p->only.count, 2);
	assert_string_equal(p->only.items[1], "c");
	assert_null(p->only.items[2]);
	assert_true(p->force);
	assert_true(p->umask.is_given);
	assert_int_equal(p->umask.value, 18);
	assert_int_equal(p->env.env.len, 2);
	assert_string_equal(p->env.env.items[0].name, "A");
	assert_string_equal(p->env.env.items[1].value, "");
	release(&d);
	d = decode(METHOD_LOGS, "{\"cursor\":{\"from_ms\":7},\"follow\":true}");
	assert_non_null(json_get(d.params.logs.cursor, "from_ms"));
	assert_true(d.params.logs.follow);
	release(&d);
}

static void what_is_left_out_is_zero(void **state)
{
	struct decoded d = decode(METHOD_DEPLOY, "{}");
	const struct params_deploy *p = &d.params.deploy;

	(void)state;
	assert_int_equal(p->given, 0);
	assert_null(p->oxfile);
	assert_null(p->only.items);
	assert_false(p->only.is_given || p->force || p->timeout_ms.is_given || p->env.is_given);
	assert_int_equal(p->timeout_ms.value, 0);
	release(&d);
	/* An empty one is there. */
	d = decode(METHOD_DEPLOY, "{\"only\":[],\"env\":{}}");
	assert_true(p->only.is_given && p->env.is_given);
	assert_int_equal(p->only.count, 0);
	release(&d);
}

static void counts_keep_how_they_were_written(void **state)
{
	struct decoded d = decode(METHOD_SCALE, "{\"counts\":{\"api\":4,\"web\":\"+2\",\"db\":\"7\"}}");
	const struct params_scale *p = &d.params.scale;

	(void)state;
	assert_int_equal(p->counts.count, 3);
	assert_string_equal(p->counts.items[0].name, "api");
	assert_null(p->counts.items[0].count.text);
	assert_int_equal(p->counts.items[0].count.number, 4);
	assert_string_equal(p->counts.items[1].count.text, "+2");
	assert_string_equal(p->counts.items[2].count.text, "7");
	release(&d);
	d = decode(METHOD_START, "{\"name\":\"a\",\"instances\":\"max\"}");
	assert_string_equal(d.params.start.instances.text, "max");
	assert_true(d.params.start.instances.is_given);
	release(&d);
}

static void what_many_have_is_found_by_name(void **state)
{
	struct decoded d = decode(METHOD_STOP, "{\"timeout_ms\":50}");
	const struct param_int *timeout = params_member(&d.params, "timeout_ms", PARAM_INT);

	(void)state;
	assert_ptr_equal(timeout, &d.params.stop.timeout_ms);
	assert_int_equal(timeout->value, 50);
	assert_null(params_member(&d.params, "timeout_ms", PARAM_STRING));
	assert_null(params_member(&d.params, "oxfile", PARAM_STRING));
	release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a call's parameters are decoded into the struct of its method",
			every_kind_has_its_member),
		PROMISE("a parameter that is left out is zero, and an empty one is given",
			what_is_left_out_is_zero),
		PROMISE("a count is kept as it was written, so that +2 is not 2",
			counts_keep_how_they_were_written),
		PROMISE("a parameter of many methods is found by its name and type",
			what_many_have_is_found_by_name),
	};

	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
