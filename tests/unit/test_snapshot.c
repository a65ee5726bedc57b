#include "model/snapshot.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/reason.h"
#include "unit.h"

static void it_looks_as_promised(void **state)
{
	struct instance_status s;
	struct buf out = BUF_INIT;

	(void)state;
	instance_status_init(&s);
	s.name = mem_strdup("api");
	s.pid = 4102;
	s.status = "running";
	s.health = "healthy";
	s.port = 3000;
	s.revision = 1;
	s.uptime_ms = 92449;
	s.memory_bytes = 51380224;
	s.cpu_percent = 0.34;
	s.last_exit = (struct last_exit){ .is_known = true, .signal = 9, .at_ms = 1795204501120 };
	instance_status_write(&s, &out);
	assert_string_equal(out.ptr,
		"{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,\"pid\":4102,\"status\":\"running\",\"health\":\"healthy\","
		"\"port\":3000,\"revision\":1,\"uptime_secs\":92.4,\"restarts\":0,\"crashes\":0,\"log_dropped_bytes\":0,\"memory_bytes\":51380224,"
		"\"cpu_percent\":0.3,\"last_exit\":{\"code\":null,\"signal\":\"SIGKILL\",\"at\":\"2026-11-20T19:55:01.120Z\"},"
		"\"next_restart_ms\":null,\"reason\":null}");
	buf_release(&out);
	instance_status_release(&s);
}

static void it_is_read_back(void **state)
{
	struct instance_status s;
	struct instance_status t;
	struct json *j = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	instance_status_init(&s);
	instance_status_init(&t);
	s.name = mem_strdup("api");
	s.instance = 3;
	s.status = "backoff";
	s.restarts = 4;
	s.crashes = 2;
	s.next_restart_ms = 0;
	s.last_exit = (struct last_exit){ .is_known = true, .code = 7, .at_ms = -1 };
	buf_adds(&s.reason, "exit code 7");
	instance_status_write(&s, &out);
	j = json_parse(out.ptr, out.len, 10000, NULL);
	assert_non_null(j);
	assert_int_equal(instance_status_from_json(j, &t, NULL), 0);
	assert_string_equal(t.name, "api");
	assert_string_equal(t.status, "backoff");
	assert_string_equal(t.reason.ptr, "exit code 7");
	assert_int_equal(t.instance, 3);
	assert_int_equal(t.pid, 0);
	assert_int_equal(t.uptime_ms, -1);
	assert_int_equal(t.memory_bytes, -1);
	assert_true(t.cpu_percent < 0);
	assert_int_equal(t.next_restart_ms, 0);
	assert_true(t.last_exit.is_known);
	assert_int_equal(t.last_exit.code, 7);
	assert_int_equal(t.last_exit.signal, 0);
	assert_int_equal(t.last_exit.at_ms, -1);
	json_free(j);
	buf_release(&out);
	instance_status_release(&s);
	instance_status_release(&t);
}

static void an_unseen_exit_has_neither_code_nor_signal(void **state)
{
	struct instance_status s;
	struct instance_status t;
	struct json *j = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	instance_status_init(&s);
	instance_status_init(&t);
	s.name = mem_strdup("api");
	s.last_exit = (struct last_exit){ .is_known = true, .code = LAST_EXIT_UNSEEN, .at_ms = 5 };
	instance_status_write(&s, &out);
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_true(json_is_null(json_get(json_get(j, "last_exit"), "code")));
	assert_true(json_is_null(json_get(json_get(j, "last_exit"), "signal")));
	assert_int_equal(instance_status_from_json(j, &t, NULL), 0);
	assert_true(t.last_exit.is_known);
	assert_int_equal(t.last_exit.code, LAST_EXIT_UNSEEN);
	json_free(j);
	instance_status_release(&s);
	instance_status_release(&t);
	buf_release(&out);
}

static void what_is_missing_is_named(void **state)
{
	static const char text[] =
		"{\"name\":\"a\",\"status\":\"running\",\"health\":\"none\",\"instance\":\"x\"}";
	struct instance_status s;
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), 1000, NULL);

	(void)state;
	instance_status_init(&s);
	assert_int_equal(instance_status_from_json(j, &s, &e), -1);
	assert_string_equal(e.text.ptr, "a status has no 'instance', or it is of the wrong type");
	err_release(&e);
	instance_status_release(&s);
	json_free(j);
}

static void an_app_goes_there_and_back(void **state)
{
	struct app_status s = {
		.name = "api", .instances = 4, .ready = 3, .revision = 2, .port = 3000, .oxfile = "/o"
	};
	struct app_status t = { .name = NULL };
	struct json *j = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	app_status_write(&s, &out);
	j = json_parse(out.ptr, out.len, 10000, NULL);
	assert_string_equal(out.ptr,
		"{\"name\":\"api\",\"instances\":4,\"ready\":3,\"revision\":2,\"port\":3000,\"port_mode\":\"each\","
		"\"oxfile\":\"/o\",\"folder\":null,\"commit\":null,\"rolled_back\":false,\"rollout\":null}");
	assert_int_equal(app_status_from_json(j, &t, NULL), 0);
	assert_string_equal(t.name, "api");
	assert_int_equal(t.ready, 3);
	assert_string_equal(t.oxfile, "/o");
	json_free(j);
	buf_release(&out);
}

#define DAEMON                                                                                               \
	"\"daemon\":{\"pid\":7,\"brain_pid\":8,\"version\":\"0.1.0\",\"uptime_secs\":9,\"brain_restarts\":1}"

static void version_2_has_the_reason_as_an_object(void **state)
{
	struct snapshot s = { .version = 2 };
	struct snapshot t = SNAPSHOT_INIT;
	struct instance_status *i = snapshot_add_instance(&s);
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	i->name = mem_strdup("api");
	i->why = reason_copy(&REASON_OF(PORT_TAKEN, .port = 3002, .pid = 812, .command = "node old.js"));
	buf_adds(&i->reason, "port 3002 is held by pid 812 'node old.js'");
	snapshot_add_instance(&s)->name = mem_strdup("web");
	snapshot_write(&s, &out);
	assert_true(str_starts(out.ptr, "{\"version\":2,"));
	assert_non_null(strstr(out.ptr,
		"\"reason\":{\"code\":\"port_taken\",\"port\":3002,\"pid\":812,\"command\":\"node old.js\","
		"\"text\":\"port 3002 is held by pid 812 'node old.js'\"}}"));
	assert_true(str_ends(out.ptr, "\"reason\":null}]}"));
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_json(j, &t, NULL), 0);
	snapshot_write(&t, &again);
	assert_string_equal(again.ptr, out.ptr);
	snapshot_release(&s);
	snapshot_release(&t);
	json_free(j);
	buf_release(&out);
	buf_release(&again);
}

static void version_2_says_why_a_deploy_failed(void **state)
{
	const struct reason ended = { .kind = REASON_ENDED, .exit_code = 1 };
	const struct reason failed = { .kind = REASON_INSTANCE_FAILED, .instance = "api:1", .cause = &ended };
	const struct app_status app = { .name = "api",
		.rollout = { .phase = "halted",
			.kind = "deploy",
			.why = &failed,
			.lines = "\nbye",
			.reason = "api:1: ended with exit code 1",
			.message = "api:1: ended with exit code 1\n    bye" } };
	struct snapshot s = { .version = 2 };
	struct snapshot t = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	snapshot_add_app(&s, &app);
	snapshot_write(&s, &out);
	assert_non_null(strstr(out.ptr,
		"\"message\":\"api:1: ended with exit code 1\\n    bye\","
		"\"reason\":{\"code\":\"instance_failed\",\"instance\":\"api:1\","
		"\"cause\":{\"code\":\"ended\",\"exit_code\":1},\"text\":\"api:1: ended with exit code 1\"}}"));
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_json(j, &t, NULL), 0);
	json_free(j);
	snapshot_write(&t, &again);
	assert_string_equal(again.ptr, out.ptr);
	snapshot_release(&s);
	snapshot_release(&t);
	buf_release(&out);
	buf_release(&again);
}

static void a_snapshot_is_as_promised_and_is_read_back(void **state)
{
	struct snapshot s = SNAPSHOT_INIT;
	struct snapshot t = SNAPSHOT_INIT;
	const struct daemon_status daemon = {
		.pid = 7, .brain_pid = 8, .version = "0.1.0", .uptime_secs = 9, .brain_restarts = 1
	};
	const struct app_status app = { .name = "api",
		.instances = 1,
		.revision = 1,
		.rollout = { .phase = "paused", .kind = "deploy", .from = 1, .to = 2, .elapsed_ms = 1500 } };
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	snapshot_set_daemon(&s, &daemon);
	snapshot_add_app(&s, &app);
	snapshot_add_instance(&s)->name = mem_strdup("api");
	snapshot_write(&s, &out);
	assert_string_equal(out.ptr,
		"{\"version\":1," DAEMON ","
		"\"apps\":[{\"name\":\"api\",\"instances\":1,\"ready\":0,\"revision\":1,\"port\":null,"
		"\"port_mode\":\"each\",\"oxfile\":null,\"folder\":null,\"commit\":null,\"rolled_back\":false,"
		"\"rollout\":{\"phase\":\"paused\",\"kind\":\"deploy\",\"from\":1,\"to\":2,\"done\":0,\"total\":0,"
		"\"elapsed_secs\":1.5,\"message\":null}}],"
		"\"processes\":[{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,\"pid\":null,\"status\":\"stopped\","
		"\"health\":\"none\",\"port\":null,\"revision\":0,\"uptime_secs\":null,\"restarts\":0,\"crashes\":0,"
		"\"log_dropped_bytes\":0,\"memory_bytes\":null,\"cpu_percent\":null,\"last_exit\":null,"
		"\"next_restart_ms\":null,\"reason\":null}]}");
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_json(j, &t, NULL), 0);
	/* It needs nothing of what it was read from. */
	json_free(j);
	snapshot_write(&t, &again);
	assert_string_equal(again.ptr, out.ptr);
	snapshot_release(&s);
	snapshot_release(&t);
	buf_release(&out);
	buf_release(&again);
}

/* As the first release had it, without what was dropped, who rolled back, and from which folder. */
static void a_daemon_of_before_is_understood(void **state)
{
	static const char text[] =
		"{\"version\":1," DAEMON
		",\"apps\":[{\"name\":\"api\",\"instances\":1,\"ready\":1,\"revision\":1,"
		"\"port\":3000}],\"processes\":[{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,\"pid\":4,"
		"\"status\":\"running\",\"health\":\"none\",\"port\":3000,\"revision\":1,\"uptime_secs\":1.5,"
		"\"restarts\":0,\"crashes\":0,\"memory_bytes\":null,\"cpu_percent\":null,\"last_exit\":null,"
		"\"next_restart_ms\":null,\"reason\":\"says: hello\",\"later\":{}}]}";
	struct json *j = json_parse(text, strlen(text), sizeof(text), NULL);
	struct snapshot s = SNAPSHOT_INIT;
	const struct instance_status *i = NULL;

	(void)state;
	assert_int_equal(snapshot_from_json(j, &s, NULL), 0);
	json_free(j);
	assert_int_equal(s.daemon.brain_pid, 8);
	assert_string_equal(s.daemon.version, "0.1.0");
	assert_int_equal(s.apps.len, 1);
	assert_false(((const struct app_status *)s.apps.items[0])->is_shared);
	assert_int_equal(s.instances.len, 1);
	i = s.instances.items[0];
	assert_int_equal(i->uptime_ms, 1500);
	assert_int_equal(i->log_dropped_bytes, 0);
	assert_string_equal(i->reason.ptr, "says: hello");
	snapshot_release(&s);
}

static void fill_past(struct instance_status *i)
{
	struct past_entry *entry = instance_status_add_past(i);

	entry->told = (struct event_record){
		.at_ms = 0, .kind = "state", .from = "running", .to = "backoff", .on = "crash"
	};
	entry->why = reason_copy(&REASON_OF(PORT_TAKEN, .port = 3002));
	buf_adds(&entry->words, "port 3002 is taken");
	entry->text_len = entry->words.len;
	buf_adds(&entry->words, "\nError: no");
}

static void why_goes_there_and_back(void **state)
{
	struct snapshot s = SNAPSHOT_INIT;
	struct snapshot t = SNAPSHOT_INIT;
	struct instance_status *i = snapshot_add_instance(&s);
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	i->name = mem_strdup("api");
	i->gone_ms = 5000;
	fill_past(i);
	snapshot_write_why(&s, "api:0", &out);
	assert_string_equal(out.ptr,
		"{\"target\":\"api:0\",\"instances\":[{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,"
		"\"pid\":null,\"status\":\"stopped\",\"health\":\"none\",\"port\":null,\"revision\":0,"
		"\"uptime_secs\":null,\"restarts\":0,\"crashes\":0,\"log_dropped_bytes\":0,\"memory_bytes\":null,"
		"\"cpu_percent\":null,\"last_exit\":null,\"next_restart_ms\":null,\"reason\":\"\",\"cause\":null,"
		"\"gone_secs\":5,\"timeline\":[{\"at\":\"1970-01-01T00:00:00.000Z\",\"kind\":\"state\","
		"\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		"\"words\":\"port 3002 is taken\\nError: no\",\"cause\":{\"code\":\"port_taken\",\"port\":3002,"
		"\"text\":\"port 3002 is taken\"}}]}]}");
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_why(j, &t, NULL), 0);
	/* It needs nothing of what it was read from. */
	json_free(j);
	snapshot_write_why(&t, "api:0", &again);
	assert_string_equal(again.ptr, out.ptr);
	snapshot_release(&s);
	snapshot_release(&t);
	buf_release(&out);
	buf_release(&again);
}

static void who_waits_is_counted_behind_a_gate(void **state)
{
	struct snapshot s = { .version = 2 };
	struct snapshot t = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct json *j = NULL;
	struct instance_status *i = snapshot_add_instance(&s);

	(void)state;
	i->name = mem_strdup("web");
	i->queue = 3;
	snapshot_add_instance(&s)->name = mem_strdup("api");
	snapshot_write(&s, &out);
	assert_non_null(strstr(out.ptr, "\"next_restart_ms\":null,\"queue\":3,\"reason\":null}"));
	assert_non_null(strstr(out.ptr, "\"next_restart_ms\":null,\"reason\":null}"));
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_json(j, &t, NULL), 0);
	assert_int_equal(((const struct instance_status *)t.instances.items[0])->queue, 3);
	assert_int_equal(((const struct instance_status *)t.instances.items[1])->queue, -1);
	snapshot_release(&s);
	snapshot_release(&t);
	json_free(j);
	buf_release(&out);
}

static void gates_go_there_and_back(void **state)
{
	static const char text[] =
		"\"gates\":[{\"app\":\"api\",\"port\":3000,\"hook\":\"seccomp\",\"setuid\":false,\"why\":\"so\"}]}";
	const struct gate_status gate = {
		.app = "api", .hook = "seccomp", .why = "so", .port = 3000, .is_without_setuid = true
	};
	struct snapshot s = { .version = 1 };
	struct snapshot t = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	snapshot_add_gate(&s, &gate);
	snapshot_write(&s, &out);
	assert_null(strstr(out.ptr, "gates"));
	s.version = 2;
	for (int is_why = 0; is_why < 2; is_why++) {
		buf_clear(&out);
		if (is_why)
			snapshot_write_why(&s, "api", &out);
		else
			snapshot_write(&s, &out);
		assert_true(str_ends(out.ptr, text));
		j = json_parse(out.ptr, out.len, out.len, NULL);
		assert_int_equal(
			is_why ? snapshot_from_why(j, &t, NULL) : snapshot_from_json(j, &t, NULL), 0);
		json_free(j);
		assert_int_equal(t.gates.len, 1);
		buf_clear(&out);
		t.version = 2;
		snapshot_write(&t, &out);
		assert_true(str_ends(out.ptr, text));
		snapshot_release(&t);
		t = (struct snapshot)SNAPSHOT_INIT;
	}
	snapshot_release(&s);
	buf_release(&out);
}

static void upstreams_are_told_in_version_2(void **state)
{
	const struct upstream_server servers[] = {
		{ .at = { .port = 3000 } },
		{ .at = { .port = 3001 }, .is_down = true },
	};
	const struct upstream_status upstream = { .app = "api",
		.output = "/etc/nginx/api.conf",
		.servers = servers,
		.count = 2,
		.is_in_effect = true };
	struct snapshot s = SNAPSHOT_INIT;
	struct snapshot t = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	snapshot_add_upstream(&s, &upstream);
	snapshot_write(&s, &out);
	assert_null(strstr(out.ptr, "upstreams"));
	buf_clear(&out);
	s.version = 2;
	snapshot_write(&s, &out);
	assert_true(str_ends(out.ptr,
		",\"upstreams\":[{\"app\":\"api\",\"output\":\"/etc/nginx/api.conf\",\"in_effect\":true,"
		"\"pending\":false,\"servers\":[{\"port\":3000,\"down\":false},{\"port\":3001,\"down\":true}]}]}"));
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_int_equal(snapshot_from_json(j, &t, NULL), 0);
	json_free(j);
	snapshot_write(&t, &again);
	assert_string_equal(again.ptr, out.ptr);
	snapshot_release(&s);
	snapshot_release(&t);
	buf_release(&out);
	buf_release(&again);
}

static void the_daemon_is_told_in_full(void **state)
{
	struct daemon_status s = { .pid = 7,
		.brain_pid = 8,
		.version = "0.1.0",
		.run = "/run/oxherd",
		.state = "/s",
		.log = "/l",
		.lost = 3,
		.upgrade = { .is_ok = true, .words = "9.9.9" } };
	struct daemon_status t;
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	daemon_info_write(&s, &out);
	assert_string_equal(out.ptr,
		"{\"pid\":7,\"brain_pid\":8,\"version\":\"0.1.0\",\"uptime_secs\":0,\"brain_restarts\":0,"
		"\"run\":\"/run/oxherd\",\"state\":\"/s\",\"log\":\"/l\",\"instances\":0,\"adopted\":0,\"lost\":3,"
		"\"stale_facts\":0,\"odd_facts\":0,\"log_bytes_dropped\":0,"
		"\"upgrade\":{\"ok\":true,\"words\":\"9.9.9\"},\"trouble\":null}");
	j = json_parse(out.ptr, out.len, out.len, NULL);
	daemon_status_from_json(j, &t);
	daemon_info_write(&t, &again);
	assert_string_equal(again.ptr, out.ptr);
	json_free(j);
	daemon_status_from_json(NULL, &t);
	assert_null(t.upgrade.words);
	buf_release(&out);
	buf_release(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("in version 2 the reason of an instance is an object with a code",
			version_2_has_the_reason_as_an_object),
		PROMISE("in version 2 a deploy that failed has a reason, which is an object too",
			version_2_says_why_a_deploy_failed),
		PROMISE("an exit that nobody saw has neither code nor signal",
			an_unseen_exit_has_neither_code_nor_signal),
		PROMISE("the JSON of an instance has the promised names and types", it_looks_as_promised),
		PROMISE("an instance is read back as it was, unknowns included", it_is_read_back),
		PROMISE("a field that is missing or wrong is named", what_is_missing_is_named),
		PROMISE("an app's JSON is as promised and is read back", an_app_goes_there_and_back),
		PROMISE("a snapshot has the promised JSON, and is read back as it was",
			a_snapshot_is_as_promised_and_is_read_back),
		PROMISE("\"why\" has the promised JSON, and is read back as it was", why_goes_there_and_back),
		PROMISE("how it is known that instances listen on a port that they share is in version 2 and in \"why\"",
			gates_go_there_and_back),
		PROMISE("the connections that wait for an instance behind a gate are counted",
			who_waits_is_counted_behind_a_gate),
		PROMISE("upstreams are in version 2 alone, and only where there is one",
			upstreams_are_told_in_version_2),
		PROMISE("the daemon's own JSON is as promised and is read back", the_daemon_is_told_in_full),
		PROMISE("the JSON of an older or newer daemon is understood",
			a_daemon_of_before_is_understood),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
