#include "model/reason.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/reason_pack.h"
#include "model/spec.h"
#include "unit.h"
#include "view/reason_text.h"

static struct reason *read_text(const char *text)
{
	struct json *j = json_parse(text, strlen(text), strlen(text), NULL);
	struct reason *r = NULL;

	assert_non_null(j);
	r = reason_read(j);
	json_free(j);
	return r;
}

/* As it stands in JSON, with its sentence. */
static void emit(const struct reason *r, const char *key, struct buf *out)
{
	struct buf text = BUF_INIT;

	reason_text(r, &text);
	reason_write(r, key, text.ptr, out);
	buf_release(&text);
}

static void assert_says(const struct reason *r, const char *words)
{
	struct buf text = BUF_INIT;

	reason_text(r, &text);
	assert_string_equal(text.ptr, words);
	buf_release(&text);
}

/* Everything that a reason can carry; each kind takes its own. */
static struct reason full(enum reason_kind kind)
{
	static const struct reason cause = {
		.kind = REASON_PORT_TAKEN, .port = 3002, .pid = 812, .command = "node old.js"
	};

	return (struct reason){
		.kind = kind,
		.exit_code = 3,
		.signal = 9,
		.count = 2,
		.running = 1,
		.limit = 5,
		.status = 503,
		.port = 3000,
		.next_port = 3001,
		.ports = { .items = { 80, 443 }, .len = 2 },
		.pid = 77,
		.number = ENOENT,
		.ms = 2500,
		.revision = 4,
		.current = 3,
		.next_revision = 5,
		.stands = REASON_STANDS_WENT_BACK,
		.used = 85.5,
		.most = 60,
		.rule = REASON_RULE_DOUBLED,
		.crashes = 3,
		.delay_ms = 412,
		.setting = "restart_delay_ms",
		.policy = "never",
		.expects = READY_LISTEN,
		.app = "db",
		.instance = "api:0",
		.state = "backoff",
		.command = "node \"x\".js",
		.folder = "/srv/api",
		.location = "releases/1",
		.lost = "releases/1 is gone",
		.cpus = "2-5",
		.usable_cpus = "0-1",
		.user = "www",
		.sent = "SIGTERM",
		.verb = "stop",
		.who = "uid 1000",
		.hook = "pre",
		.detail = "no such\tfile",
		.text = "no such\tfile",
		.is_spare = true,
		.is_first_thread_over = true,
		.is_unkillable = true,
		.is_aborted = true,
		.is_rolled_back = true,
		.cause = &cause,
	};
}

static void every_kind_is_explained(void **state)
{
	(void)state;
	for (int k = 0; k < REASON_KIND_COUNT; k++) {
		struct reason r = full((enum reason_kind)k);
		struct buf text = BUF_INIT;

		assert_true(*reason_code(r.kind));
		assert_true(*reason_doc(r.kind));
		for (int n = 0; n < k; n++)
			assert_string_not_equal(reason_code(r.kind), reason_code((enum reason_kind)n));
		reason_text(&r, &text);
		assert_true(text.len > 2);
		assert_null(strpbrk(text.ptr, "{}"));
		buf_release(&text);
	}
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (int k = 0; k < REASON_KIND_COUNT; k++) {
		const struct reason r = full((enum reason_kind)k);
		struct buf text = BUF_INIT;
		struct buf again = BUF_INIT;
		struct reason *back = NULL;

		emit(&r, NULL, &text);
		back = read_text(text.ptr);
		assert_true(reason_equal(&r, back));
		emit(back, NULL, &again);
		assert_string_equal(text.ptr, again.ptr);
		reason_free(back);
		buf_release(&text);
		buf_release(&again);
	}
}

static void what_is_packed_is_unpacked(void **state)
{
	struct reason_chain room;

	(void)state;
	assert_null(reason_unpack("", 0, &room));
	for (int k = 0; k < REASON_KIND_COUNT; k++) {
		const struct reason r = full((enum reason_kind)k);
		const struct reason bare = { .kind = (enum reason_kind)k };
		struct buf packed = BUF_INIT;

		reason_pack(&r, &packed);
		assert_true(packed.len < sizeof(r));
		assert_true(reason_equal(&r, reason_unpack(packed.ptr, packed.len, &room)));
		buf_clear(&packed);
		reason_pack(&bare, &packed);
		assert_true(reason_equal(&bare, reason_unpack(packed.ptr, packed.len, &room)));
		buf_release(&packed);
	}
}

static void numbers_of_any_size_are_packed(void **state)
{
	const int64_t numbers[] = { 1, 63, 64, -1, -64, -65, 8191, 8192, INT64_MAX, INT64_MIN };
	struct reason_chain room;

	(void)state;
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
		struct buf packed = BUF_INIT;

		reason_pack(&REASON_OF(PORT_TAKEN, .port = numbers[k], .pid = 7), &packed);
		assert_int_equal(reason_unpack(packed.ptr, packed.len, &room)->port, numbers[k]);
		assert_int_equal(room.of[0].pid, 7);
		buf_release(&packed);
	}
}

static void a_chain_without_end_is_cut(void **state)
{
	struct reason round = { .kind = REASON_CHECK_FAILED };
	struct reason *copy = NULL;
	int depth = 0;

	(void)state;
	round.cause = &round;
	copy = reason_copy(&round);
	for (const struct reason *r = copy; r; r = r->cause)
		depth++;
	assert_int_equal(depth, REASON_DEPTH_MAX);
	reason_free(copy);
}

static void a_taken_port_is_data(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	emit(&REASON_OF(PORT_TAKEN, .port = 3002, .pid = 812, .command = "node old.js"), "reason", &text);
	assert_string_equal(text.ptr,
		"\"reason\":{\"code\":\"port_taken\",\"port\":3002,\"pid\":812,\"command\":\"node old.js\","
		"\"text\":\"port 3002 is held by pid 812 'node old.js'\"}");
	buf_clear(&text);
	emit(&REASON_OF(PORT_TAKEN, .port = 3002), NULL, &text);
	assert_string_equal(text.ptr,
		"{\"code\":\"port_taken\",\"port\":3002,\"text\":\"port 3002 is held by somebody else\"}");
	buf_clear(&text);
	emit(NULL, "reason", &text);
	assert_string_equal(text.ptr, "\"reason\":null");
	buf_release(&text);
}

static void a_copy_is_its_own(void **state)
{
	char words[] = "node old.js";
	const struct reason cause = { .kind = REASON_PORT_TAKEN, .port = 1, .pid = 2, .command = words };
	struct reason *copy = reason_copy(&REASON_OF(CHECK_FAILED, .cause = &cause));

	(void)state;
	assert_true(reason_equal(copy, &REASON_OF(CHECK_FAILED, .cause = &cause)));
	words[0] = 'm';
	assert_string_equal(copy->cause->command, "node old.js");
	assert_false(reason_equal(copy, &REASON_OF(CHECK_FAILED, .cause = &cause)));
	assert_false(reason_equal(copy, NULL));
	assert_true(reason_equal(NULL, NULL));
	assert_null(reason_copy(NULL));
	reason_free(copy);
	reason_free(NULL);
}

static void old_words_are_kept(void **state)
{
	static const struct {
		const char *json;
		const char *words;
	} rows[] = {
		{ "\"asked to stop\"", "asked to stop" },
		{ "{\"code\":\"other\",\"text\":\"out of luck\"}", "out of luck" },
		{ "{\"code\":\"struck_by_lightning\",\"text\":\"it was struck by lightning\"}",
			"it was struck by lightning" },
		{ "{\"code\":\"restart\",\"text\":\"said otherwise\"}", "restart" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct reason *r = read_text(rows[k].json);

		assert_says(r, rows[k].words);
		reason_free(r);
	}
	assert_null(read_text("null"));
	assert_null(read_text("\"\""));
	assert_null(read_text("3"));
	assert_null(read_text("{\"code\":\"from_the_future\"}"));
	assert_null(reason_read(NULL));
}

static void nonsense_is_no_field(void **state)
{
	struct reason *r =
		read_text("{\"code\":\"exited\",\"exit_code\":\"x\",\"rule\":\"luck\",\"crashes\":[],"
			  "\"cause\":{\"code\":1}}");
	struct buf deep = BUF_INIT;

	(void)state;
	assert_int_equal(r->kind, REASON_EXITED);
	assert_int_equal(r->exit_code, -1);
	assert_int_equal(r->rule, REASON_RULE_NONE);
	assert_null(r->cause);
	reason_free(r);
	for (int k = 0; k < 30; k++)
		buf_adds(&deep, "{\"code\":\"restart\",\"cause\":");
	buf_adds(&deep, "null");
	buf_fill(&deep, '}', 30);
	r = read_text(deep.ptr);
	assert_says(r, "restart, restart, restart, restart, restart, restart, restart, restart");
	reason_free(r);
	buf_release(&deep);
}

static void sentences_stay_as_they_are(void **state)
{
	const struct reason refused = { .kind = REASON_REFUSED };
	const struct reason taken = { .kind = REASON_CANNOT_EXECUTE, .command = "nodee", .number = ENOENT };
	const struct reason killed = { .kind = REASON_ENDED, .exit_code = -1, .signal = 9 };
	const struct {
		struct reason r;
		const char *words;
	} rows[] = {
		{ REASON_OF(EXITED, .exit_code = 1, .crashes = 3, .limit = 5, .rule = REASON_RULE_DOUBLED,
			  .delay_ms = 412),
			"exit code 1, crash 3 of 5, delay doubled to 412 ms" },
		{ REASON_OF(KILLED, .signal = 11, .rule = REASON_RULE_POLICY, .policy = "never"),
			"killed by SIGSEGV; not restarted (restart = \"never\")" },
		{ REASON_OF(KILLED, .signal = 40), "killed by signal 40" },
		{ REASON_OF(EXITED, .exit_code = 2, .detail = "disk full"), "exit code 2: disk full" },
		{ REASON_OF(NOT_STARTED, .cause = &taken, .crashes = 1, .delay_ms = 100,
			  .rule = REASON_RULE_DELAY),
			"cannot execute 'nodee': No such file or directory, crash 1, starts again after 100 ms" },
		{ REASON_OF(FAILED_START, .cause = &refused, .crashes = 2, .limit = 2,
			  .rule = REASON_RULE_MAX_RESTARTS),
			"connection refused; a failed start, crash 2 in a row: max_restarts = 2 is reached" },
		{ REASON_OF(ASKED_TO_STOP, .cause = &killed), "asked to stop, ended by SIGKILL" },
		{ REASON_OF(SIGNAL_SENT, .sent = "SIGINT"), "was sent SIGINT" },
		{ REASON_OF(CHECKS_FAILED, .count = 3, .cause = &refused),
			"3 checks in a row failed: connection refused" },
		{ REASON_OF(MEMORY_LIMIT, .used = 85.3242, .most = 60),
			"memory limit exceeded: 85.32 MB > 60 MB (limits.memory_mb)" },
		{ REASON_OF(NOT_READY, .ms = 60000, .expects = READY_LISTEN, .instance = "api:0",
			  .port = 3000, .next_port = 8080, .ports = { .items = { 8080, 9090 }, .len = 2 }),
			"not ready within 60 s (ready_timeout_secs): api:0 listens on ports 8080 and 9090, not "
			"on its PORT 3000; set port = 8080 or make the program read PORT" },
		{ REASON_OF(NO_PROGRESS, .instance = "api:1", .state = "backoff", .cause = &refused),
			"it makes no progress: api:1 is backoff, connection refused" },
		{ REASON_OF(NO_PROGRESS), "it makes no progress" },
		{ REASON_OF(NEED_NOT_READY, .app = "db", .count = 0, .limit = 2),
			"waits for db (0 of 2 ready)" },
		{ REASON_OF(CONNECTIONS_LEFT, .count = 1), "1 connection is still open after drain_secs" },
		{ REASON_OF(STOP_TIMED_OUT, .ms = 2500), "did not stop within 2.5 s: killed" },
		{ REASON_OF(STOP_TIMED_OUT, .ms = 999900), "did not stop within 999.9 s: killed" },
		{ REASON_OF(STOP_TIMED_OUT, .ms = 3600000), "did not stop within 3600 s: killed" },
		{ REASON_OF(MEMORY_LIMIT, .used = 12345.67, .most = 12000),
			"memory limit exceeded: 12346 MB > 12000 MB (limits.memory_mb)" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		assert_says(&rows[k].r, rows[k].words);
	assert_says(NULL, "");
}

static void how_a_deploy_ended_is_told_as_before(void **state)
{
	const struct reason ended = { .kind = REASON_ENDED, .exit_code = 1 };
	const struct reason failed = {
		.kind = REASON_INSTANCE_FAILED, .instance = "api:2", .is_spare = true, .cause = &ended
	};
	const struct reason hook = { .kind = REASON_HOOK_FAILED, .hook = "post", .detail = "exit code 1" };
	const struct {
		struct reason r;
		const char *words;
	} rows[] = {
		{ REASON_OF(DEPLOYED, .app = "api", .revision = 3, .running = 2, .count = 2, .ms = 1234,
			  .verb = "deploy"),
			"api: revision 3 runs in 2 of 2 instances (1.2 s)" },
		{ REASON_OF(DEPLOYED, .app = "api", .revision = 1, .running = 1, .count = 1, .ms = 0,
			  .verb = "reload", .location = "releases/1", .is_rolled_back = true, .cause = &hook),
			"api: revision 1 runs in 1 of 1 instance (0.0 s), from releases/1 (rolled back; 'oxctl "
			"deploy api' takes the newest), but the post hook failed: exit code 1" },
		{ REASON_OF(DEPLOYED, .app = "api", .revision = 1, .running = 0, .count = 0,
			  .verb = "rollback", .is_rolled_back = true),
			"api: revision 1 runs in 0 of 0 instances (0.0 s)" },
		{ REASON_OF(STOPPED_MEANWHILE, .app = "api", .revision = 2),
			"api: was stopped while it was deployed; revision 2 is used at the next start" },
		{ REASON_OF(NOT_DEPLOYED, .app = "api", .revision = 2, .cause = &failed,
			  .stands = REASON_STANDS_UNTOUCHED, .running = 2, .count = 2, .current = 1),
			"api: revision 2 is not deployed: api:2 (a spare): ended with exit code 1; nothing was "
			"touched, 2 of 2 instances run revision 1" },
		{ REASON_OF(NOT_DEPLOYED, .app = "api", .revision = 2, .is_aborted = true,
			  .stands = REASON_STANDS_STUCK, .running = 0, .count = 1, .current = 1,
			  .lost = "releases/1 is gone"),
			"api: aborted: revision 2 is not deployed; rolling back is stuck, 0 of 1 instance runs "
			"revision 1, but releases/1 is gone: what starts runs the files that are there now" },
		{ REASON_OF(NOT_DEPLOYED, .app = "api", .revision = 2, .stands = REASON_STANDS_STILL),
			"api: revision 2 is not deployed: it failed; rollback is off, so it stands still: "
			"'deploy' again, or 'deploy --abort' to go back" },
		{ REASON_OF(OVERTAKEN, .app = "api", .revision = 2, .next_revision = 3),
			"api: revision 2 was overtaken by revision 3" },
		{ REASON_OF(NOT_RUNNING, .app = "api", .revision = 1, .location = "releases/1"),
			"api: does not run; revision 1 is used at the next start, from releases/1" },
		{ REASON_OF(NOT_RUNNING, .app = "api", .revision = 1),
			"api: does not run; revision 1 is used at the next start" },
		{ REASON_OF(DEPLOY_PAUSED, .app = "api", .revision = 2, .running = 1, .count = 3),
			"api: deploy paused: 1 of 3 instances run revision 2; 'oxctl deploy --continue api' "
			"replaces the others, 'oxctl deploy --abort api' goes back" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		assert_says(&rows[k].r, rows[k].words);
}

static void a_deploy_that_went_back_is_data(void **state)
{
	const struct reason hook = { .kind = REASON_HOOK_FAILED, .hook = "pre" };
	struct buf text = BUF_INIT;

	(void)state;
	reason_write(&REASON_OF(NOT_DEPLOYED, .app = "api", .revision = 2, .cause = &hook,
			     .stands = REASON_STANDS_WENT_BACK, .running = 0, .count = 2, .current = 1),
		NULL, NULL, &text);
	assert_string_equal(text.ptr,
		"{\"code\":\"not_deployed\",\"count\":2,\"running\":0,\"revision\":2,\"current_revision\":1,"
		"\"stands\":\"went_back\",\"app\":\"api\",\"cause\":{\"code\":\"hook_failed\",\"hook\":\"pre\"}}");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every reason has a code of its own, a meaning and a sentence",
			every_kind_is_explained),
		PROMISE("what is written as JSON is read back as it was", what_is_written_is_read),
		PROMISE("what is packed is unpacked as it was, and is smaller", what_is_packed_is_unpacked),
		PROMISE("whole numbers of any size are packed", numbers_of_any_size_are_packed),
		PROMISE("of causes behind causes the first seven are kept", a_chain_without_end_is_cut),
		PROMISE("a taken port is a code with port, pid and command", a_taken_port_is_data),
		PROMISE("a copy shares nothing with what it is a copy of", a_copy_is_its_own),
		PROMISE("words of an older daemon and codes of a newer one keep their text",
			old_words_are_kept),
		PROMISE("fields that make no sense are left out", nonsense_is_no_field),
		PROMISE("the sentences are those that people know", sentences_stay_as_they_are),
		PROMISE("how a deploy ended is told in the words of before",
			how_a_deploy_ended_is_told_as_before),
		PROMISE("of a deploy that went back a program reads what runs now",
			a_deploy_that_went_back_is_data),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
