/*
 * [defaults] and [logging]: what is written for all apps fits each of them as far as it can, and is no mistake where it cannot.
 */
#include <string.h>

#include "model/fields.h"
#include "oxfiles.h"
#include "unit.h"

/* The app `a` of a file without mistakes. */
static const struct spec *app_of(struct oxfile **o, const char *text)
{
	struct diags d = DIAGS_INIT;

	*o = read_with(text, NULL, &d);
	if (!*o)
		print_error("%s\n", ((struct diag *)d.list.items[0])->text);
	assert_non_null(*o);
	assert_int_equal(d.list.len, 0);
	diags_release(&d);
	return oxfile_find(*o, "a");
}

static void assert_wrong(const char *text, const char *complaint)
{
	struct diags d = DIAGS_INIT;

	assert_null(read_with(text, NULL, &d));
	assert_string_equal(((struct diag *)d.list.items[0])->text, complaint);
	diags_release(&d);
}

static void unused_settings_are_no_mistake(void **state)
{
	static const char *const defaults[] = {
		"health_interval_secs = 15\nhealth_timeout_secs = 3\nhealth_max_failures = 3\n",
		"health_check = { interval_secs = 1, initial_delay_secs = 2, healthy_threshold = 2 }\n",
		"health_check = { tcp = true }\nready = \"listen\"\n",
		"wait_ready = true\n",
		"ready = \"health\"\n",
		"interpreter = \"node\"\n",
		"deploy = { canary = 3, drain_secs = 5 }\n",
		"nginx = { options = [\"least_conn\"], test = \"true\" }\n",
		"logs = { compress = true, max_files = 3 }\n",
		"restart_delay_max_ms = 300\n",
		"cluster_mode = true\n",
		"port_step = 10\n",
		"gate = \"seccomp\"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		struct buf text = BUF_INIT;
		struct oxfile *o = NULL;
		const struct spec *s = NULL;

		buf_addf(&text, "[defaults]\n%s[processes.a]\ncommand = \"x\"\nrestart_delay_ms = 500\n",
			defaults[i]);
		s = app_of(&o, text.ptr);
		assert_false(spec_has_health(s));
		assert_int_equal(spec_ready(s), READY_ALIVE);
		assert_in_range(s->deploy.canary, 0, 1);
		oxfile_free(o);
		buf_release(&text);
	}
}

static void in_the_app_itself_they_are(void **state)
{
	(void)state;
	assert_wrong(
		"[defaults]\nhealth_interval_secs = 15\n[processes.a]\ncommand = \"x\"\nhealth_interval_secs = 5\n",
		"this health check has nothing to check");
	assert_wrong("[processes.a]\ncommand = \"x\"\n[processes.a.profiles.dev]\n"
		     "health_interval_secs = 5\n[[apps]]\nname = \"b\"\ncommand = \"y\"\nwait_ready = true\n",
		"'wait_ready' needs a health check");
	assert_wrong("[defaults]\nready = \"alive\"\n[processes.a]\ncommand = \"x\"\nready = \"health\"\n",
		"ready = \"health\" needs a health check");
	assert_wrong("[defaults]\ndeploy.canary = 1\n[processes.a]\ncommand = \"x\"\ndeploy.canary = 2\n",
		"'canary' is more than the 1 instances");
}

static void an_apps_own_way_stands_for_the_one_of_all(void **state)
{
	struct oxfile *o = NULL;
	const struct spec *s = app_of(&o,
		"[defaults]\nhealth_check = { url = \"http://localhost/\", interval_secs = 7 }\n"
		"script = \"main.py\"\n[logging]\ncombined = \"all.log\"\n"
		"[processes.a]\ncommand = \"x\"\nhealth_check = { command = \"true\" }\nlogs = { stdout = \"a.log\" }\n"
		"[processes.b]\nlogs = { combined = \"b.log\" }\n");

	(void)state;
	assert_null(s->health.endpoint);
	assert_non_null(s->health.command.argv);
	assert_int_equal(s->health.interval_ms, 7000);
	assert_null(s->logs.combined);
	assert_string_equal(s->logs.out, "a.log");
	assert_string_equal(s->command.argv[0], "x");
	s = oxfile_find(o, "b");
	assert_string_equal(s->command.argv[1], "main.py");
	assert_string_equal(s->health.endpoint, "http://localhost/");
	oxfile_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("inherited settings that an app has no use for are no mistake",
			unused_settings_are_no_mistake),
		PROMISE("in the app itself they are one", in_the_app_itself_they_are),
		PROMISE("an app's own check, command and log file stand for those of all apps",
			an_apps_own_way_stands_for_the_one_of_all),
	};

	return cmocka_run_group_tests_name("oxfile inherit", tests, NULL, NULL);
}
