/*
 * What is said of oxfiles with mistakes: every complaint, with its place and its suggestion.
 */
#include <string.h>

#include "base/mem.h"
#include "oxfiles.h"
#include "unit.h"

/* One line of text for each complaint: "line:column text (hint)". */
static char *read_bad(const char *text)
{
	struct diags d = DIAGS_INIT;
	struct buf out = BUF_INIT;
	const struct diag *complaint = NULL;
	size_t i = 0;

	assert_null(read_with(text, NULL, &d));
	assert_true(d.errors > 0);
	diags_sort(&d);
	VEC_EACH (&d.list, i, complaint) {
		buf_addf(&out, "%d:%d %s", complaint->at.line, complaint->at.column, complaint->text);
		if (complaint->hint)
			buf_addf(&out, " (%s)", complaint->hint);
		buf_addc(&out, '\n');
	}
	diags_release(&d);
	return buf_detach(&out);
}

/* A file with mistakes, and every complaint that it gets. */
static const struct {
	const char *text;
	const char *complaints;
} bad_cases[] = {
	{ "", "0:0 no processes are defined (add a table [processes.NAME] with a command)\n" },
	{ "[processes.a]\n", "1:12 the app 'a' has no command (add command = \"…\")\n" },
	{ "[processes.a]\ncomand = \"x\"\n",
		"1:12 the app 'a' has no command (add command = \"…\")\n2:1 unknown key 'comand' (did you mean 'command'?)\n" },
	{ "[processes.a]\ncommand = \"x\"\nretsart_delay_ms = 1\n",
		"3:1 unknown key 'retsart_delay_ms' (did you mean 'restart_delay_ms'?)\n" },
	{ "[processes.a]\ncommand = \"x\"\n[processes.a.healthcheck]\nurl = \"http://x\"\n",
		"3:14 unknown key 'healthcheck' (did you mean 'health_check'?)\n" },
	{ "[processes.a]\ncommand = \"x\"\nendpoint = \"http://x\"\n",
		"3:1 unknown key 'endpoint' ('endpoint' belongs into the table 'health_check')\n" },
	{ "[proceses.a]\ncommand = \"x\"\n",
		"1:2 unknown key 'proceses' at the top of the file (did you mean 'processes'?)\n" },
	{ "command = \"x\"\n",
		"1:1 unknown key 'command' at the top of the file (it belongs to an app: put it below "
		"[processes.NAME], or below [defaults] for all of them)\n" },
	{ "[processes.a]\ncommand = \"x\"\ninstances = \"many\"\nport = \"3000\"\nstop_signal = \"SIGFOO\"\nrestart = \"alway\"\n"
	  "port_step = 0\n",
		"3:13 'instances' wants a number, \"max\", \"max-1\" or \"50%\", not a string\n"
		"4:8 'port' wants a whole number, not a string (leave the quotes away: port = 3000)\n"
		"5:15 'stop_signal': there is no signal \"SIGFOO\"\n"
		"6:11 'restart' is one of \"on-failure\", \"always\", \"never\", not \"alway\" (did you mean \"always\"?)\n"
		"7:13 'port_step' is 0, outside 1..10000\n" },
	{ "[defaults]\ncpus = \"all\"\n[processes.a]\ncommand = \"x\"\ncpus = [0, 8192]\n[processes.b]\ncommand = \"x\"\n"
	  "cpus = []\n[processes.c]\ncommand = \"x\"\ncpus = \"3-1\"\n[processes.d]\ncommand = \"x\"\ncpus = [0.5]\n"
	  "[processes.e]\ncommand = \"x\"\ncpus = -1\n",
		"2:8 'cpus' wants a list of processors such as \"0-3,5\" or [0, 1], a number, or \"one-each\", not \"all\"\n"
		"5:8 'cpus': there is no processor 8192; no kernel has one above 8191\n"
		"8:8 'cpus': it names no processor\n"
		"11:8 'cpus': the range 3-1 is backwards\n"
		"14:9 'cpus' wants a list of processors such as \"0-3,5\" or [0, 1], a number, or \"one-each\", not a decimal number\n"
		"17:8 'cpus' wants a list of processors such as \"0-3,5\" or [0, 1], a number, or \"one-each\", not \"-1\"\n" },
	{ "[processes.all]\ncommand = \"x\"\n",
		"1:12 an app cannot be called 'all': every command takes that for all apps\n" },
	{ "[processes.a]\ncommand = \"x\"\nnamespace = \"all\"\n",
		"3:13 a namespace cannot be called 'all': every command takes that for all apps\n" },
	{ "[processes.a]\ncommand = \"x\"\nnamespace = \"b:1\"\n",
		"3:13 a namespace cannot be called 'b:1': that is what instances are called\n" },
	{ "[processes.web]\ncommand = \"x\"\n[processes.api]\ncommand = \"x\"\nnamespace = \"web\"\n",
		"5:13 'web' is an app (line 1) and the namespace of 'api' (a name can be one of them only: call the namespace "
		"something else)\n" },
	{ "[processes.a]\ncommand = \"x\"\nport = 70000\n", "3:8 'port' is 70000, outside 1..65535\n" },
	{ "[processes.a]\ncommand = \"x\"\nstop_timeout_ms = -1\n",
		"3:19 'stop_timeout_ms' is -1ms, outside 0ms..3660d\n" },
	{ "[processes.a]\ncommand = \"\"\n", "2:11 'command': an empty command cannot be run\n" },
	{ "[processes.a]\ncommand = []\n", "2:11 'command': an empty command cannot be run\n" },
	{ "[processes.a]\ncommand = \"x\\u0000y\"\n",
		"2:11 'command': a NUL character cannot be passed on\n" },
	{ "[processes.\"a\\u0000b\"]\ncommand = \"x\"\n", "1:12 a name cannot hold a NUL character\n" },
	{ "[[apps]]\nname = \"a\\u0000b\"\ncommand = \"x\"\n", "2:8 a name cannot hold a NUL character\n" },
	{ "[processes.a]\n\"command\\u0000x\" = \"x\"\n", "2:1 a name cannot hold a NUL character\n" },
	{ "\"processes\\u0000\".a.command = \"x\"\n", "1:1 a name cannot hold a NUL character\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { \"A\\u0000B\" = \"1\" }\n",
		"3:9 a name cannot hold a NUL character\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { A = \"1\\u0000\" }\n",
		"3:13 'env': a NUL character cannot be passed on\n" },
	{ "[processes.a]\ncommand = [\"x\", \"\\u0000\"]\n",
		"2:17 'command': a NUL character cannot be passed on\n" },
	{ "[processes.a]\ncommand = \"x\"\nnamespace = \"a\\u0000b\"\n",
		"3:13 'namespace': a NUL character cannot be passed on\n" },
	{ "[processes.a]\ncommand = \"x\"\n[processes.a.profiles.\"dev\\u0000\"]\ninstances = 2\n",
		"3:23 a name cannot hold a NUL character\n" },
	{ "[processes.a]\ncommand = \"x\"\nrestart_delay = 1000\nrestart_delay_ms = 2000\n",
		"4:1 'restart_delay_ms' and 'restart_delay' (line 3) mean the same; keep one\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { A = \"${MISSING}\" }\n",
		"3:13 A: the variable 'MISSING' is not set; give it a default with ${MISSING:-…}\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { A = \"${MISSING\" }\n",
		"3:13 A: '${' is not closed; write $${ for a literal one\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { A = [1] }\n",
		"3:13 the variable 'A' wants a string, a number or a boolean, not an array\n" },
	{ "[processes.a]\ncommand = \"x\"\nenv = { \"A=B\" = 1 }\n",
		"3:9 'A=B' cannot be the name of a variable\n" },
	{ "[processes.a]\ncommand = \"x\"\nwatch = true\n", "3:1 'watch' is not supported yet\n" },
	{ "[processes.a]\ncommand = \"x\"\n[processes.a.webhook]\nenabled = true\nport = 9000\n",
		"3:14 'webhook' is not supported yet\n" },
	{ "[processes.a]\ncommand = \"x\"\ncluster_mode = true\n",
		"3:16 the instances of 'a' share a port, and it is not written which (add port = 3000, the port that the program "
		"listens on)\n" },
	{ "[processes.a]\ncommand = \"x\"\nport_mode = \"shared\"\nenv.PORT = \"/run/x.sock\"\n",
		"3:13 the instances of 'a' share a port, and it is not written which (add port = 3000, the port that the program "
		"listens on)\n" },
	{ "[processes.a]\ncommand = \"x\"\nport_mode = \"shared\"\nport = 80\nport_step = 10\n",
		"5:13 'port_step' does not go with port_mode = \"shared\": all instances of 'a' have one port (remove "
		"'port_step')\n" },
	{ "[processes.a]\ncommand = \"x\"\nport_mode = \"shared\"\nport = 80\ngate = \"off\"\n",
		"5:8 gate = \"off\" does not go with port_mode = \"shared\": without the gate only one instance of 'a' could "
		"listen on the port (remove 'gate', or write port_mode = \"each\")\n" },
	{ "[processes.a]\ncommand = \"x\"\ngate = \"seccomp\"\n",
		"3:8 'gate' is not supported yet where every instance has a port of its own (remove 'gate', or write port_mode = "
		"\"shared\")\n" },
	{ "[deploy.production]\nhost = \"x\"\n[processes.a]\ncommand = \"x\"\n",
		"1:2 'deploy' at the top of the file is not supported yet\n" },
	{ "version = 2\n[processes.a]\ncommand = \"x\"\n",
		"1:11 'version' is 1: this is the only one there is so far\n" },
	{ "[processes.\"a b\"]\ncommand = \"x\"\n",
		"1:12 the name 'a b' may hold letters, digits, '-', '_' and '.' only\n" },
	{ "[processes.\"../x\"]\ncommand = \"x\"\n",
		"1:12 the name '../x' may hold letters, digits, '-', '_' and '.' only\n" },
	{ "[processes.a]\ncommand = \"x\"\n[[apps]]\nname = \"a\"\ncommand = \"x\"\n",
		"4:8 the app 'a' is defined twice (first at line 1)\n" },
	{ "[[apps]]\ncommand = \"x\"\n", "1:1 an app in [[apps]] needs a name = \"…\"\n" },
	{ "[processes.a]\ncommand = \"x\"\ndepends_on = \"wroker\"\n[processes.worker]\ncommand = \"x\"\n",
		"3:14 'a' depends on 'wroker', which is not defined (did you mean 'worker'?)\n" },
	{ "[processes.api]\ncommand = \"x\"\ndepends_on = [\"db\"]\n[processes.db]\ncommand = \"x\"\ndepends_on = \"api\"\n",
		"3:14 dependencies go round in a circle: api -> db -> api\n" },
	{ "[processes.a]\ncommand = \"x\"\nhealth_check = { interval_secs = 1 }\n",
		"3:34 this health check has nothing to check (add endpoint = \"http://…\", tcp = true or command = \"…\")\n" },
	{ "[processes.a]\ncommand = \"x\"\nhealth_check = { url = \"https://x/\" }\n",
		"3:24 'endpoint': health checks speak plain http://, straight to the instance; for https use a command such as "
		"\"curl -fsk https://x/\"\n" },
	{ "[processes.a]\ncommand = \"x\"\nhealth_check = { url = \"http://x:99999/\" }\n",
		"3:24 'endpoint': its port is not between 1 and 65535\n" },
	{ "[processes.a]\ncommand = \"serve $PORT\"\n",
		"2:11 the command uses $PORT, and 'a' has no port (add port = 3000; write '$PORT' in single quotes to pass on the "
		"word itself)\n" },
	{ "[processes.a]\ncommand = \"x\"\nready = \"health\"\n",
		"3:9 ready = \"health\" needs a health check\n" },
	{ "[processes.a]\ncommand = \"x\"\nready = \"listen\"\n", "3:9 ready = \"listen\" needs a port\n" },
	{ "[processes.a]\ncommand = \"x\"\nwait_ready = true\n",
		"3:14 'wait_ready' needs a health check (for Node's process.send('ready') write ready = \"ipc\")\n" },
	{ "[processes.a]\nscript = \"x\"\ncommand = \"x\"\n",
		"2:10 'script' and 'command' are two ways to say the same; keep one\n" },
	{ "[processes.a]\ncommand = \"x | y\"\nargs = [\"z\"]\n",
		"3:8 'args' cannot be added to a command with shell syntax\n" },
	{ "[processes.a]\ncommand = \"x\"\ndeploy = { surge = 0, max_unavailable = 0 }\n",
		"3:20 with surge = 0 and max_unavailable = 0 no deploy could ever move\n" },
	{ "processes = 1\n", "1:13 'processes' wants a table, not an integer\n" },
	{ "[processes]\na = 1\n", "2:5 'a' wants a table, not an integer\n" },
	{ "apps = 1\n", "1:8 'apps' is written as [[apps]], with a name in each\n" },
	{ "[processes.a]\ncommand = \"x\"\n[processes.a.profiles.dev]\ninstnaces = 1\n",
		"4:1 unknown key 'instnaces' (did you mean 'instances'?)\n" },
	{ "[processes.a]\ncommand = 'x\n", "2:13 a string must end on the line where it began\n" },
};

static void every_mistake_is_told_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		char *complaints = read_bad(bad_cases[i].text);

		/* How a broken string is reported is up to the TOML reader. */
		if (!strstr(bad_cases[i].text, "'x\n"))
			assert_string_equal(complaints, bad_cases[i].complaints);
		mem_free(complaints);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every mistake is reported at once, with its place and a suggestion",
			every_mistake_is_told_with_its_place),
	};

	return cmocka_run_group_tests_name("oxfile mistakes", tests, NULL, NULL);
}
