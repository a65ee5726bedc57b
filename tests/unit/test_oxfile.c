#include "model/oxfile.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/fields.h"
#include "oxfiles.h"
#include "unit.h"

/* The file is right; the caller frees it. */
static struct oxfile *read_good(const char *text)
{
	struct diags d = DIAGS_INIT;
	struct oxfile *o = read_with(text, NULL, &d);

	if (!o)
		print_error("%s\n", ((struct diag *)d.list.items[0])->text);
	assert_non_null(o);
	assert_int_equal(d.list.len, 0);
	diags_release(&d);
	return o;
}

static void the_four_line_file_is_four_instances(void **state)
{
	struct oxfile *o = read_good(
		"[processes.api]\ncommand = \"node dist/server.js\"\ninstances = 4\nrestart_on_exit = true\n");
	const struct spec *s = oxfile_find(o, "api");

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->command.argv[0], "node");
	assert_string_equal(s->command.argv[1], "dist/server.js");
	assert_null(s->command.argv[2]);
	assert_int_equal(s->instances.value, 4);
	assert_int_equal(s->restart, RESTART_ALWAYS);
	assert_string_equal(s->folder, "/srv/app");
	assert_int_equal(spec_ready(s), READY_ALIVE);
	oxfile_free(o);
}

static void every_row_has_the_default_that_the_contract_names(void **state)
{
	struct oxfile *o = read_good("processes.a.command = \"x\"");
	const struct spec *s = oxfile_find(o, "a");

	(void)state;
	assert_int_equal(s->instances.value, 1);
	assert_int_equal(s->port_step, 1);
	assert_int_equal(s->restart, RESTART_ON_FAILURE);
	assert_int_equal(s->restart_delay_ms, 100);
	assert_int_equal(s->restart_delay_max_ms, 30000);
	assert_int_equal(s->restart_window_ms, 60000);
	assert_int_equal(s->max_restarts, 0);
	assert_string_equal(s->stop_signal, "SIGTERM");
	assert_int_equal(s->stop_timeout_ms, 10000);
	assert_int_equal(s->ready_timeout_ms, 30000);
	assert_int_equal(s->health.interval_ms, 10000);
	assert_int_equal(s->health.timeout_ms, 5000);
	assert_int_equal(s->health.healthy_threshold, 1);
	assert_int_equal(s->health.unhealthy_threshold, 3);
	assert_int_equal(s->deploy.surge, FIELD_AUTO_VALUE);
	assert_int_equal(s->deploy.max_unavailable, 1);
	assert_int_equal(s->deploy.min_healthy_ms, 2000);
	assert_true(s->deploy.rollback);
	assert_int_equal(s->logs.max_size_bytes, 100 * 1024 * 1024);
	assert_int_equal(s->logs.max_files, 5);
	assert_false(s->logs.compress);
	oxfile_free(o);
}

static void shell_syntax_goes_through_the_shell_and_nothing_else_does(void **state)
{
	struct oxfile *o = read_good("[processes.a]\ncommand = \"node migrate.js && echo 'done'\"\n"
				     "[processes.b]\ncommand = \"echo 'two words' plain\"\n"
				     "[processes.c]\ncommand = [\"a b\", \"$HOME\", \"\"]\n");

	(void)state;
	assert_string_equal(oxfile_find(o, "a")->command.argv[0], "/bin/sh");
	assert_string_equal(oxfile_find(o, "a")->command.argv[2], "node migrate.js && echo 'done'");
	assert_string_equal(oxfile_find(o, "b")->command.argv[1], "two words");
	assert_string_equal(oxfile_find(o, "c")->command.argv[0], "a b");
	assert_string_equal(oxfile_find(o, "c")->command.argv[1], "$HOME");
	assert_string_equal(oxfile_find(o, "c")->command.argv[2], "");
	oxfile_free(o);
}

/* A value under one name, and what the row then holds, as it would be written in an oxfile. */
static const struct {
	const char *written;
	const char *key;
	const char *value;
} alias_cases[] = {
	{ "cwd = \"x\"", "working_dir", "\"x\"" },
	{ "port_offset = 10", "port_step", "10" },
	{ "restart_policy = \"on_failure\"", "restart", "\"on-failure\"" },
	{ "restart_on_exit = true", "restart", "\"always\"" },
	{ "restart_on_exit = false", "restart", "\"never\"" },
	{ "autorestart = false", "restart", "\"never\"" },
	{ "restart_delay = 5000", "restart_delay_ms", "\"5s\"" },
	{ "restart_delay = \"250ms\"", "restart_delay_ms", "\"250ms\"" },
	{ "restart_delay_secs = 2", "restart_delay_ms", "\"2s\"" },
	{ "exp_backoff_restart_delay = 150", "restart_delay_ms", "\"150ms\"" },
	{ "min_uptime = 5000", "restart_window_secs", "\"5s\"" },
	{ "stop_timeout = 500", "stop_timeout_ms", "\"500ms\"" },
	{ "stop_timeout_secs = 7", "stop_timeout_ms", "\"7s\"" },
	{ "kill_timeout = 1600", "stop_timeout_ms", "\"1600ms\"" },
	{ "kill_signal = \"int\"", "stop_signal", "\"SIGINT\"" },
	{ "start_delay = 1000", "start_delay_secs", "\"1s\"" },
	{ "start_delay_secs = 1", "start_delay_secs", "\"1s\"" },
	{ "listen_timeout = 8000", "ready_timeout_secs", "\"8s\"" },
	{ "cluster_mode = false", "port_mode", "\"each\"" },
	{ "port = 80\ncluster_mode = true", "port_mode", "\"shared\"" },
	{ "env.PORT = 80\nexec_mode = \"cluster\"", "port_mode", "\"shared\"" },
	{ "port = 80\nexec_mode = \"cluster_mode\"\ninstances = \"max\"", "instances", "\"max\"" },
	{ "exec_mode = \"fork\"", "port_mode", "\"each\"" },
	{ "exec_mode = \"fork_mode\"", "port_mode", "\"each\"" },
	{ "cluster_instances = 3", "instances", "3" },
	{ "instances = \"max-1\"", "instances", "\"max-1\"" },
	{ "instances = \"50%\"", "instances", "\"50%\"" },
	{ "health = { url = \"http://localhost/\" }", "health_check.endpoint", "\"http://localhost/\"" },
	{ "health_check.endpoint = \"http://[::1]:80\"", "health_check.endpoint", "\"http://[::1]:80\"" },
	{ "health_cmd = \"true\"", "health_check.command", "\"true\"" },
	{ "health_cmd = \"true\"\nhealth_interval_secs = 3", "health_check.interval_secs", "\"3s\"" },
	{ "health_cmd = \"true\"\nhealth_timeout_secs = 0.5", "health_check.timeout_secs", "\"500ms\"" },
	{ "health_cmd = \"true\"\nhealth_max_failures = 9", "health_check.unhealthy_threshold", "9" },
	{ "health_cmd = \"true\"\nwait_ready = true", "ready", "\"health\"" },
	{ "pre_reload_cmd = \"make\"", "deploy.pre", "\"make\"" },
	{ "limits = { memory = \"1G\" }", "limits.memory_mb", "\"1G\"" },
	{ "resource_limits = { max_memory_mb = 512 }", "limits.memory_mb", "\"512M\"" },
	{ "limits.cpu = 80", "limits.cpu_percent", "80" },
	{ "limits.max_open_files = 1024", "limits.nofile", "1024" },
	{ "limits.nproc = 64", "limits.nproc", "64" },
	{ "max_memory_mb = 100", "limits.memory_mb", "\"100M\"" },
	{ "max_cpu_percent = 12.5", "limits.cpu_percent", "12.5" },
	{ "max_memory_restart = 1048576", "limits.memory_mb", "\"1M\"" },
	{ "max_memory_restart = \"300M\"", "limits.memory_mb", "\"300M\"" },
	{ "log_file = \"o\"", "logs.stdout", "\"o\"" },
	{ "error_log_file = \"e\"", "logs.stderr", "\"e\"" },
	{ "out_file = \"o\"", "logs.stdout", "\"o\"" },
	{ "error_file = \"e\"", "logs.stderr", "\"e\"" },
	{ "log_date_format = \"YYYY\"", "logs.date_format", "\"YYYY\"" },
	{ "unified_logs = true", "logs.unified", "true" },
	{ "merge_logs = true", "logs.merge", "true" },
	{ "logs = { max_size_mb = 10, max_files = 0, compress = true }", "logs.max_size_mb", "\"10M\"" },
	{ "env_file = \".env\"", "env_file", "[\".env\"]" },
	{ "env_file = [\"a\", \"b\"]", "env_file", "[\"a\", \"b\"]" },
	{ "stop_exit_codes = 3", "stop_exit_codes", "[3]" },
	{ "stop_exit_codes = [0, 143]", "stop_exit_codes", "[0, 143]" },
	{ "stop_signal = \"SIGRTMIN+3\"", "stop_signal", "\"SIGRTMIN+3\"" },
	{ "instance_var = \"INSTANCE_ID\"", "instance_var", "\"INSTANCE_ID\"" },
	{ "start_order = -5", "start_order", "-5" },
	{ "crash_restart_limit = 3", "crash_restart_limit", "3" },
	{ "nginx.options = \"least_conn\"", "nginx.options", "[\"least_conn\"]" },
	{ "namespace = \"web\"", "namespace", "\"web\"" },
	{ "args = \"--port 80\"", "command", "[\"x\", \"--port\", \"80\"]" },
	{ "watch = false", "watch", "[]" },
	{ "nice = 5", "nice", "5" },
	{ "umask = \"0027\"", "umask", "\"027\"" },
	{ "oom_score_adj = 500", "oom_score_adj", "500" },
	{ "cpus = 2", "cpus", "\"2\"" },
	{ "cpus = [1, 0]", "cpus", "\"0-1\"" },
	{ "cpus = [\"4-5\", 0]", "cpus", "\"0,4-5\"" },
	{ "cpus = \"0-3, 5\"", "cpus", "\"0-3,5\"" },
	{ "cpus = \"one-each\"", "cpus", "\"one-each\"" },
	{ "user = \"www-data\"", "user", "\"www-data\"" },
};

static void every_other_name_means_its_row_in_its_own_unit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(alias_cases) / sizeof(alias_cases[0]); i++) {
		struct buf text = BUF_INIT;
		struct buf value = BUF_INIT;
		struct oxfile *o = NULL;

		buf_addf(&text, "[processes.a]\ncommand = \"x\"\n%s\n", alias_cases[i].written);
		o = read_good(text.ptr);
		field_print(field_find(alias_cases[i].key), oxfile_find(o, "a"), &value);
		assert_string_equal(value.ptr, alias_cases[i].value);
		oxfile_free(o);
		buf_release(&text);
		buf_release(&value);
	}
}

static void a_script_is_run_by_what_its_ending_says(void **state)
{
	struct oxfile *o = read_good("[[apps]]\nname = \"a\"\nscript = \"app.js\"\nargs = [\"-p\", \"80\"]\n"
				     "[[apps]]\nname = \"b\"\nscript = \"./run\"\n"
				     "[[apps]]\nname = \"c\"\nscript = \"x.py\"\ninterpreter = \"pypy\"\n"
				     "[[apps]]\nname = \"d\"\nscript = \"x.py\"\ninterpreter = \"none\"\n");

	(void)state;
	assert_string_equal(oxfile_find(o, "a")->command.argv[0], "node");
	assert_string_equal(oxfile_find(o, "a")->command.argv[1], "app.js");
	assert_string_equal(oxfile_find(o, "a")->command.argv[3], "80");
	assert_string_equal(oxfile_find(o, "b")->command.argv[0], "./run");
	assert_string_equal(oxfile_find(o, "c")->command.argv[0], "pypy");
	assert_string_equal(oxfile_find(o, "d")->command.argv[0], "x.py");
	oxfile_free(o);
}

static void defaults_and_logging_lie_under_every_app(void **state)
{
	struct oxfile *o = read_good(
		"[defaults]\nrestart = \"always\"\nenv = { A = \"1\", B = \"2\" }\n"
		"[logging]\nmax_files = 9\n"
		"[processes.a]\ncommand = \"x\"\nenv = { B = \"3\" }\n"
		"[[apps]]\nname = \"b\"\ncommand = \"x\"\nrestart = \"never\"\nlogs.max_files = 1\n");
	const struct spec *a = oxfile_find(o, "a");
	const struct spec *b = oxfile_find(o, "b");

	(void)state;
	assert_int_equal(a->restart, RESTART_ALWAYS);
	assert_string_equal(env_get(&a->env, "A"), "1");
	assert_string_equal(env_get(&a->env, "B"), "3");
	assert_int_equal(a->logs.max_files, 9);
	assert_int_equal(b->restart, RESTART_NEVER);
	assert_string_equal(env_get(&b->env, "B"), "2");
	assert_int_equal(b->logs.max_files, 1);
	oxfile_free(o);
}

static const char profiled[] =
	"[processes.a]\ncommand = \"x\"\ninstances = 4\nenv = { A = \"1\", B = \"2\" }\n"
	"[processes.a.profiles.dev]\ninstances = 1\nenv.B = \"dev\"\n";

static void a_profile_is_laid_over_the_app_only_when_asked_for(void **state)
{
	struct diags d = DIAGS_INIT;
	struct oxfile *plain = read_with(profiled, NULL, &d);
	struct oxfile *dev = read_with(profiled, "dev", &d);

	(void)state;
	assert_int_equal(oxfile_find(plain, "a")->instances.value, 4);
	assert_int_equal(oxfile_find(dev, "a")->instances.value, 1);
	assert_string_equal(env_get(&oxfile_find(dev, "a")->env, "A"), "1");
	assert_string_equal(env_get(&oxfile_find(dev, "a")->env, "B"), "dev");
	assert_null(read_with(profiled, "prod", &d));
	assert_string_equal(((struct diag *)d.list.items[0])->text, "no app has a profile 'prod'");
	oxfile_free(plain);
	oxfile_free(dev);
	diags_release(&d);
}

static void variables_come_from_the_environment_that_is_given(void **state)
{
	struct oxfile *o = read_good(
		"[processes.a]\ncommand = \"x\"\n[processes.a.env]\n"
		"A = \"${TOKEN}\"\nB = \"<${MISSING:-a:b}>\"\nC = \"$${TOKEN}\"\nD = \"100% $5 $TOKEN ~\"\n"
		"E = \"${NOTHING:-full}\"\nF = \"[${NOTHING}]\"\nN = 42\nO = true\nP = 1.5\n"
		"[[apps]]\nname = \"b\"\ncommand = \"x\"\n[apps.env]\nA = \"$TOKEN\"\nB = \"~/x\"\nC = \"$$5\"\n");
	const struct env *a = &oxfile_find(o, "a")->env;
	const struct env *b = &oxfile_find(o, "b")->env;

	(void)state;
	assert_string_equal(env_get(a, "A"), "s3cret");
	assert_string_equal(env_get(a, "B"), "<a:b>");
	assert_string_equal(env_get(a, "C"), "${TOKEN}");
	assert_string_equal(env_get(a, "D"), "100% $5 $TOKEN ~");
	assert_string_equal(env_get(a, "E"), "full");
	assert_string_equal(env_get(a, "F"), "[]");
	assert_string_equal(env_get(a, "N"), "42");
	assert_string_equal(env_get(a, "O"), "true");
	assert_string_equal(env_get(a, "P"), "1.5");
	assert_string_equal(env_get(b, "A"), "s3cret");
	assert_string_equal(env_get(b, "B"), "/home/me/x");
	assert_string_equal(env_get(b, "C"), "$5");
	oxfile_free(o);
}

static int fake_reader(
	void *context, const struct spec *s, const char *path, struct buf *bytes, struct err *e)
{
	const char *const *files = context;

	(void)s;
	for (; *files; files += 2) {
		if (strcmp(files[0], path) != 0)
			continue;
		buf_adds(bytes, files[1]);
		return 0;
	}
	return err_set(e, "cannot open '%s': it is not there", path);
}

static const char with_env_files[] =
	"[processes.a]\ncommand = \"x\"\nenv_file = [\".env\", \"/etc/b.env\"]\nenv.A = \"own\"\n";

static void env_files_are_read_in_order_and_env_wins(void **state)
{
	const char *files[] = { "/srv/app/.env", "A=1\nB=2\nC=3\n", "/etc/b.env", "C=4\n", NULL };
	struct oxfile *o = read_good(with_env_files);
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(oxfile_read_env_files(o, fake_reader, files, false, &d), 0);
	assert_string_equal(spec_env(oxfile_find(o, "a"), "A"), "own");
	assert_string_equal(spec_env(oxfile_find(o, "a"), "B"), "2");
	assert_string_equal(spec_env(oxfile_find(o, "a"), "C"), "4");
	assert_null(spec_env(oxfile_find(o, "a"), "D"));
	oxfile_free(o);
	diags_release(&d);
}

static void a_shared_port_may_stand_in_an_env_file(void **state)
{
	const char *files[] = { "/srv/app/.env", "PORT=80\n", "/srv/app/none.env", "B=1\n", NULL };
	struct oxfile *o =
		read_good("[processes.a]\ncommand = \"x\"\ncluster_mode = true\nenv_file = \".env\"\n"
			  "[processes.b]\ncommand = \"x\"\ncluster_mode = true\nenv_file = \"none.env\"\n"
			  "[processes.c]\ncommand = \"x\"\ncluster_mode = true\nenv_file = \"absent.env\"\n");
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(oxfile_read_env_files(o, fake_reader, files, true, &d), -1);
	assert_int_equal(spec_env_port(oxfile_find(o, "a")), 80);
	assert_int_equal(d.errors, 1);
	assert_int_equal(((struct diag *)d.list.items[0])->at.line, 7);
	assert_string_equal(((struct diag *)d.list.items[0])->text,
		"the instances of 'b' share a port, and it is not written which");
	oxfile_free(o);
	diags_release(&d);
}

static void a_missing_env_file_is_an_error_or_a_warning_as_the_caller_says(void **state)
{
	const char *files[] = { "/srv/app/.env", "B=2\n", NULL };
	struct oxfile *o = read_good(with_env_files);
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(oxfile_read_env_files(o, fake_reader, files, true, &d), 0);
	assert_int_equal(d.list.len, 1);
	assert_true(((struct diag *)d.list.items[0])->is_warning);
	assert_int_equal(((struct diag *)d.list.items[0])->at.line, 3);
	assert_int_equal(oxfile_read_env_files(o, fake_reader, files, false, &d), -1);
	assert_int_equal(d.errors, 1);
	oxfile_free(o);
	diags_release(&d);
}

static void a_broken_env_file_is_told_with_its_own_name_and_line(void **state)
{
	const char *files[] = { "/srv/app/.env", "OK=1\n!oops\n", "/etc/b.env", "", NULL };
	struct oxfile *o = read_good(with_env_files);
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(oxfile_read_env_files(o, fake_reader, files, true, &d), -1);
	assert_string_equal(((struct diag *)d.list.items[0])->file, "/srv/app/.env");
	assert_int_equal(((struct diag *)d.list.items[0])->at.line, 2);
	oxfile_free(o);
	diags_release(&d);
}

static void ready_is_health_then_listen_then_alive(void **state)
{
	struct oxfile *o = read_good("[processes.a]\ncommand = \"x\"\nport = 80\nhealth_check.tcp = true\n"
				     "[processes.b]\ncommand = \"x\"\nport = 81\n"
				     "[processes.c]\ncommand = \"x\"\nenv.PORT = 82\n"
				     "[processes.d]\ncommand = \"x\"\nport = 83\nready = \"notify\"\n");

	(void)state;
	assert_int_equal(spec_ready(oxfile_find(o, "a")), READY_HEALTH);
	assert_int_equal(spec_ready(oxfile_find(o, "b")), READY_LISTEN);
	assert_int_equal(spec_ready(oxfile_find(o, "c")), READY_ALIVE);
	assert_int_equal(spec_ready(oxfile_find(o, "d")), READY_NOTIFY);
	oxfile_free(o);
}

static void a_first_delay_above_the_usual_maximum_raises_it(void **state)
{
	struct oxfile *o = read_good("[processes.a]\ncommand = \"x\"\nrestart_delay_ms = 60000\n");

	(void)state;
	assert_int_equal(oxfile_find(o, "a")->restart_delay_max_ms, 60000);
	oxfile_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the guide's four lines are four instances that always restart",
			the_four_line_file_is_four_instances),
		PROMISE("every row has the default that the contract names",
			every_row_has_the_default_that_the_contract_names),
		PROMISE("a command with shell syntax goes through the shell, any other is exec'd",
			shell_syntax_goes_through_the_shell_and_nothing_else_does),
		PROMISE("every other name means its row, in the unit of its own dialect",
			every_other_name_means_its_row_in_its_own_unit),
		PROMISE("a script is run by what its ending or its interpreter says",
			a_script_is_run_by_what_its_ending_says),
		PROMISE("[defaults] and [logging] lie under every app of both dialects",
			defaults_and_logging_lie_under_every_app),
		PROMISE("a profile is laid over the app only when it is asked for",
			a_profile_is_laid_over_the_app_only_when_asked_for),
		PROMISE("${NAME} comes from the environment that is given, and other $ and % stay",
			variables_come_from_the_environment_that_is_given),
		PROMISE("env_files are read in order, and env wins",
			env_files_are_read_in_order_and_env_wins),
		PROMISE("a port that is shared may stand in an env_file, and must stand there if nowhere else",
			a_shared_port_may_stand_in_an_env_file),
		PROMISE("a missing env_file is an error or a warning, as the caller says",
			a_missing_env_file_is_an_error_or_a_warning_as_the_caller_says),
		PROMISE("a broken env_file is reported with its own name and line",
			a_broken_env_file_is_told_with_its_own_name_and_line),
		PROMISE("ready is the health check, then listen for a written port, then alive",
			ready_is_health_then_listen_then_alive),
		PROMISE("a first delay above the usual maximum raises the maximum",
			a_first_delay_above_the_usual_maximum_raises_it),
	};

	return cmocka_run_group_tests_name("oxfile", tests, NULL, NULL);
}
