#include "wire/methods.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "unit.h"

static int check(enum method method, const char *params, struct err *e)
{
	struct json *j = json_parse(params, strlen(params), 4096, e);
	struct params p;
	int rc = 0;

	assert_non_null(j);
	rc = params_decode(&p, method, j, e);
	params_release(&p);
	json_free(j);
	return rc;
}

static void every_method_is_found_by_its_name(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (enum method m = 0; m < METHOD_COUNT; m++) {
		assert_int_equal(method_find(method_name(m), &e), m);
		assert_true(strlen(method_doc(m)) > 0);
	}
	err_release(&e);
}

static void an_unknown_method_is_answered_with_a_suggestion(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(method_find("statsu", &e), METHOD_COUNT);
	assert_string_equal(e.text.ptr, "unknown method 'statsu' (did you mean 'status'?)");
	assert_int_equal(method_find("Status", &e), METHOD_COUNT);
	assert_int_equal(method_find("", &e), METHOD_COUNT);
	assert_int_equal(method_find("frobnicate", &e), METHOD_COUNT);
	assert_string_equal(e.text.ptr, "unknown method 'frobnicate'; oxherd-protocol(7) lists them");
	err_release(&e);
}

static void right_parameters_pass(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(check(METHOD_STATUS, "null", &e), 0);
	assert_int_equal(check(METHOD_STATUS, "{}", &e), 0);
	assert_int_equal(check(METHOD_STOP, "{\"targets\":[\"api\",\"api:2\"],\"timeout_ms\":5}", &e), 0);
	assert_int_equal(check(METHOD_STOP, "{\"targets\":[]}", &e), 0);
	assert_int_equal(
		check(METHOD_SCALE, "{\"counts\":{\"api\":4,\"web\":\"+2\"},\"wait\":false}", &e), 0);
	assert_int_equal(
		check(METHOD_APPLY, "{\"oxfile\":\"/a\",\"env\":{\"A\":\"b\"},\"dry_run\":true}", &e), 0);
	assert_int_equal(check(METHOD_START, "{\"instances\":\"max\"}", &e), 0);
	err_release(&e);
}

static void wrong_parameters_are_refused_with_words(void **state)
{
	static const struct {
		enum method method;
		const char *params;
		const char *words;
	} rows[] = {
		{ METHOD_START, "{\"instance\":1}",
			"start: unknown parameter 'instance' (did you mean 'instances'?)" },
		{ METHOD_PING, "{\"x\":1}", "ping: unknown parameter 'x'" },
		{ METHOD_STOP, "{\"targets\":\"api\"}", "stop: 'targets' is to be an array of strings" },
		{ METHOD_STOP, "{\"targets\":[1]}", "stop: 'targets' is to be an array of strings" },
		{ METHOD_STOP, "{\"targets\":null}", "stop: 'targets' is to be an array of strings" },
		{ METHOD_STOP, "{\"timeout_ms\":\"5\"}", "stop: 'timeout_ms' is to be a whole number" },
		{ METHOD_STOP, "{\"timeout_ms\":1.5}", "stop: 'timeout_ms' is to be a whole number" },
		{ METHOD_APPLY, "{\"oxfile\":\"/a\",\"wait\":1}", "apply: 'wait' is to be true or false" },
		{ METHOD_APPLY, "{}",
			"apply: 'oxfile' is missing: its path, absolute; members of the control group may only name one that an "
			"app came from" },
		{ METHOD_APPLY, "{\"oxfile\":\"/a\",\"env\":{\"A\":1}}",
			"apply: 'env' is to be an object of strings" },
		{ METHOD_SCALE, "{\"counts\":{\"a\":true}}",
			"scale: 'counts' is to be an object of whole numbers or strings" },
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(check(rows[i].method, rows[i].params, &e), -1);
		assert_string_equal(e.text.ptr, rows[i].words);
	}
	err_release(&e);
}

static void check_list(enum method method, const char *name, int members, const char *words)
{
	struct json *params = json_new_object();
	struct json *list = json_set(params, name, json_new_array());
	struct params p;
	struct err e = ERR_INIT;

	for (int i = 0; i < members; i++)
		json_push(list, json_new_string("api"));
	assert_int_equal(params_decode(&p, method, params, &e), words ? -1 : 0);
	params_release(&p);
	assert_string_equal(e.text.ptr, words ? words : "");
	json_free(params);
	err_release(&e);
}

static void a_list_has_an_end(void **state)
{
	(void)state;
	check_list(METHOD_STATUS, "targets", 4096, NULL);
	check_list(
		METHOD_STATUS, "targets", 4097, "status: 'targets' has 4097 members, and 4096 is the most");
	check_list(METHOD_STOP, "oxfiles", 4097, "stop: 'oxfiles' has 4097 members, and 4096 is the most");
	/* The words of a command have the kernel's limit, and only the owner sends them. */
	check_list(METHOD_START, "argv", 5000, NULL);
}

static void looking_needs_no_right_to_change(void **state)
{
	(void)state;
	assert_int_equal(method_rights(METHOD_STATUS), METHOD_READ);
	assert_int_equal(method_rights(METHOD_SUBSCRIBE), METHOD_READ);
	assert_int_equal(method_rights(METHOD_STOP), METHOD_CONTROL);
	assert_false(method_changes(METHOD_STATUS));
	assert_true(method_changes(METHOD_STOP));
	assert_false(method_is_owners(METHOD_STOP));
}

static const char *owners_param(enum method method, const char *params)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(params, strlen(params), 4096, &e);
	const char *name = NULL;
	struct params p;

	assert_int_equal(params_decode(&p, method, j, &e), 0);
	name = params_owners(&p);
	params_release(&p);
	json_free(j);
	err_release(&e);
	return name;
}

/* A command, a text, a path's folder, an environment: each lets somebody choose what the daemon's user reads or runs. */
static void what_chooses_a_command_is_the_owners(void **state)
{
	(void)state;
	assert_true(method_is_owners(METHOD_SAVE));
	assert_false(method_changes(METHOD_SAVE));
	assert_true(method_is_owners(METHOD_DAEMON_UPGRADE));
	assert_true(method_changes(METHOD_DAEMON_UPGRADE));
	assert_true(method_is_owners(METHOD_DAEMON_SHUTDOWN));
	assert_string_equal(owners_param(METHOD_START, "{\"targets\":[],\"name\":\"x\"}"), "name");
	assert_string_equal(owners_param(METHOD_START, "{\"argv\":[\"sh\"]}"), "argv");
	assert_string_equal(owners_param(METHOD_PLAN, "{\"text\":\"\"}"), "text");
	assert_string_equal(owners_param(METHOD_PLAN, "{\"env\":{}}"), "env");
	assert_string_equal(owners_param(METHOD_APPLY, "{\"oxfile\":\"/a\",\"folder\":\"/\"}"), "folder");
	assert_string_equal(owners_param(METHOD_DEPLOY, "{\"rlimits\":{}}"), "rlimits");
	assert_string_equal(owners_param(METHOD_DEPLOY, "{\"umask\":0}"), "umask");
	assert_null(owners_param(METHOD_DEPLOY, "{\"oxfile\":\"/a\",\"only\":[\"b\"],\"force\":true}"));
	assert_null(owners_param(METHOD_START, "{\"targets\":[\"api\"],\"wait\":true}"));
	assert_null(owners_param(METHOD_STOP, "{}"));
}

static void the_manual_names_every_method_and_parameter(void **state)
{
	static const char *const parts[] = { ".It Ic scale Pq control\n",
		".It Va counts : an object of whole numbers or strings, required\n",
		".It Ic daemon.info Pq read\n", ".It Ic save Pq owner\n",
		".It Va text : a string, owner only\n" };
	struct buf text = BUF_INIT;

	(void)state;
	methods_print_mdoc(&text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(strstr(text.ptr, parts[i]));
	assert_null(strstr(text.ptr, "\n\n"));
	buf_release(&text);
}

static void a_list_says_what_is_allowed(void **state)
{
	bool may[METHOD_COUNT] = { false };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(method_list("read,restart", may, &e), 0);
	assert_true(may[METHOD_STATUS] && may[METHOD_SUBSCRIBE] && may[METHOD_RESTART]);
	assert_false(may[METHOD_STOP] || may[METHOD_APPLY] || may[METHOD_DAEMON_SHUTDOWN]);
	memset(may, 0, sizeof(may));
	assert_int_equal(method_list("restart", may, &e), 0);
	assert_true(may[METHOD_RESTART] && may[METHOD_PING]);
	assert_false(may[METHOD_STATUS]);
	assert_int_equal(method_list("", may, &e), 0);
	assert_int_equal(method_list("control", may, &e), 0);
	for (enum method m = 0; m < METHOD_COUNT; m++)
		assert_int_equal(may[m], !method_is_owners(m));
	assert_int_equal(method_list("read,save", may, &e), -1);
	assert_string_equal(e.text.ptr, "'save' is for the owner of the daemon alone; leave it out");
	assert_int_equal(method_list("status,restrat", may, &e), -1);
	assert_non_null(strstr(e.text.ptr, "did you mean 'restart'?"));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a list says what a group may ask for, and read is all that only looks",
			a_list_says_what_is_allowed),
		PROMISE("every method is found by its name and has a line of help",
			every_method_is_found_by_its_name),
		PROMISE("an unknown method is answered with a suggestion",
			an_unknown_method_is_answered_with_a_suggestion),
		PROMISE("parameters of the right names and types pass", right_parameters_pass),
		PROMISE("unknown, missing and wrong parameters are refused with words",
			wrong_parameters_are_refused_with_words),
		PROMISE("what shows a secret, or chooses what the daemon reads or runs, is for the owner alone",
			what_chooses_a_command_is_the_owners),
		PROMISE("a list of names has 4,096 members at most", a_list_has_an_end),
		PROMISE("looking needs no right to change", looking_needs_no_right_to_change),
		PROMISE("the manual names every method and parameter",
			the_manual_names_every_method_and_parameter),
	};

	return cmocka_run_group_tests_name("methods", tests, NULL, NULL);
}
