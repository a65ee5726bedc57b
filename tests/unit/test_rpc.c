#include "wire/rpc.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "unit.h"

#define REQUEST(rest) "{\"jsonrpc\":\"2.0\"," rest "}"

static void feed(struct rpc_lines *lines, const char *text)
{
	rpc_lines_feed(lines, text, strlen(text));
}

static void assert_line(struct rpc_lines *lines, const char *expected)
{
	const char *line = NULL;
	size_t len = 0;

	assert_int_equal(rpc_lines_next(lines, &line, &len), RPC_LINE);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(line, expected, len);
}

static void assert_nothing(struct rpc_lines *lines)
{
	const char *line = NULL;
	size_t len = 0;

	assert_int_equal(rpc_lines_next(lines, &line, &len), RPC_NOTHING);
}

static void half_a_line_waits(void **state)
{
	struct rpc_lines lines;

	(void)state;
	rpc_lines_init(&lines, 100);
	feed(&lines, "{\"a\"");
	assert_nothing(&lines);
	assert_nothing(&lines);
	feed(&lines, ":1}");
	assert_nothing(&lines);
	feed(&lines, "\n{");
	assert_line(&lines, "{\"a\":1}");
	assert_nothing(&lines);
	feed(&lines, "}\n");
	assert_line(&lines, "{}");
	rpc_lines_release(&lines);
}

static void many_lines_in_one_read(void **state)
{
	struct rpc_lines lines;
	struct buf text = BUF_INIT;

	(void)state;
	rpc_lines_init(&lines, 100);
	for (int i = 0; i < 10000; i++)
		buf_addf(&text, "line %d\n \t\r\n\n", i);
	rpc_lines_feed(&lines, text.ptr, text.len);
	for (int i = 0; i < 10000; i++) {
		buf_clear(&text);
		buf_addf(&text, "line %d", i);
		assert_line(&lines, text.ptr);
	}
	assert_nothing(&lines);
	buf_release(&text);
	rpc_lines_release(&lines);
}

static void byte_by_byte(void **state)
{
	static const char text[] = "one\ntwo\n";
	struct rpc_lines lines;
	const char *line = NULL;
	size_t len = 0;
	int seen = 0;

	(void)state;
	rpc_lines_init(&lines, 3);
	for (const char *c = text; *c; c++) {
		rpc_lines_feed(&lines, c, 1);
		seen += rpc_lines_next(&lines, &line, &len) == RPC_LINE;
	}
	assert_int_equal(seen, 2);
	rpc_lines_release(&lines);
}

static void a_line_at_the_limit_passes_and_one_beyond_is_lost(void **state)
{
	struct rpc_lines lines;
	const char *line = NULL;
	size_t len = 0;

	(void)state;
	rpc_lines_init(&lines, 4);
	feed(&lines, "1234\n12345");
	assert_line(&lines, "1234");
	assert_int_equal(rpc_lines_next(&lines, &line, &len), RPC_LOST);
	assert_nothing(&lines);
	feed(&lines, "\nok\n");
	assert_nothing(&lines);
	assert_int_equal(lines.in.len, 0);
	rpc_lines_release(&lines);
}

static int parse(struct rpc_request *request, const char *line, struct err *e)
{
	return rpc_request_parse(request, line, strlen(line), e);
}

static void a_request_comes_out_whole(void **state)
{
	struct rpc_request request;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
		parse(&request, REQUEST("\"id\":7,\"method\":\"stop\",\"params\":{\"targets\":[\"api\"]}"),
			&e),
		0);
	assert_string_equal(request.id, "7");
	assert_string_equal(request.method, "stop");
	assert_true(json_is_array(json_get(request.params, "targets")));
	rpc_request_release(&request);
	assert_int_equal(parse(&request, REQUEST("\"method\":\"ping\""), &e), 0);
	assert_null(request.id);
	assert_null(request.params);
	rpc_request_release(&request);
	err_release(&e);
}

static void an_id_comes_back_as_it_was_sent(void **state)
{
	static const char *const ids[] = { "0", "-3", "1.5", "\"\"", "\"a\\\"b\"", "null",
		"9007199254740991" };
	struct rpc_request request;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		buf_clear(&text);
		buf_addf(&text, REQUEST("\"method\":\"ping\",\"id\":%s"), ids[i]);
		assert_int_equal(parse(&request, text.ptr, &e), 0);
		assert_string_equal(request.id, ids[i]);
		rpc_request_release(&request);
	}
	buf_release(&text);
	err_release(&e);
}

static void what_is_no_request_is_refused_with_words(void **state)
{
	static const struct {
		const char *line;
		int code;
		const char *id;
		const char *words;
	} rows[] = {
		{ "{", RPC_PARSE, "null", "parse error: " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2}", RPC_PARSE, "null", "parse error: " },
		{ "[]", RPC_INVALID, "null", "invalid request: batches are not taken" },
		{ "[" REQUEST("\"id\":1,\"method\":\"ping\"") "]", RPC_INVALID, "null",
			"invalid request: batches" },
		{ "7", RPC_INVALID, "null", "invalid request: a request is an object" },
		{ "{\"id\":3,\"method\":\"ping\"}", RPC_INVALID, "3", "invalid request: \"jsonrpc\"" },
		{ "{\"jsonrpc\":2.0,\"id\":3,\"method\":\"ping\"}", RPC_INVALID, "3",
			"invalid request: \"jsonrpc\"" },
		{ REQUEST("\"id\":4"), RPC_INVALID, "4", "invalid request: \"method\"" },
		{ REQUEST("\"id\":4,\"Method\":\"ping\""), RPC_INVALID, "4", "invalid request: \"method\"" },
		{ REQUEST("\"method\":5"), RPC_INVALID, "null", "invalid request: \"method\"" },
		{ REQUEST("\"id\":{},\"method\":\"ping\""), RPC_INVALID, "null", "invalid request: the id" },
		{ REQUEST("\"id\":true,\"method\":\"ping\""), RPC_INVALID, "null",
			"invalid request: the id" },
		{ REQUEST("\"id\":5,\"method\":\"ping\",\"params\":[]"), RPC_INVALID, "5",
			"invalid request: \"params\"" },
		{ REQUEST("\"id\":5,\"method\":\"ping\",\"params\":null"), RPC_INVALID, "5",
			"invalid request: \"params\"" },
		{ "\xff", RPC_PARSE, "null", "parse error: " },
	};
	struct rpc_request request;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&request, rows[i].line, &e), rows[i].code);
		assert_string_equal(request.id, rows[i].id);
		assert_memory_equal(e.text.ptr, rows[i].words, strlen(rows[i].words));
		rpc_request_release(&request);
	}
	err_release(&e);
}

static void an_id_longer_than_its_limit_is_refused(void **state)
{
	struct rpc_request request;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		buf_clear(&text);
		buf_adds(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":\"");
		buf_fill(&text, 'x', RPC_ID_MAX - 2 + extra);
		buf_adds(&text, "\"}");
		assert_int_equal(
			rpc_request_parse(&request, text.ptr, text.len, &e), extra ? RPC_INVALID : 0);
		rpc_request_release(&request);
	}
	buf_release(&text);
	err_release(&e);
}

/* What was written is read by the other side. */
static void read_message(struct rpc_message *message, struct buf *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(text->ptr[text->len - 1], '\n');
	assert_int_equal(strcspn(text->ptr, "\n"), text->len - 1);
	assert_int_equal(rpc_message_parse(message, text->ptr, text->len, &e), 0);
	buf_clear(text);
	err_release(&e);
}

static void answers_and_notifications_are_read_as_they_were_written(void **state)
{
	struct buf result = BUF_INIT;
	struct json *params = json_new_object();
	struct rpc_message message;
	struct rpc_request request;
	struct buf text = BUF_INIT;

	(void)state;
	json_set_string(params, "words", "line\none");
	json_write(&result, params);
	rpc_write_result(&text, "\"x\"", result.ptr, result.len);
	read_message(&message, &text);
	assert_string_equal(json_string(message.id, NULL), "x");
	assert_string_equal(json_string(json_get(message.result, "words"), NULL), "line\none");
	rpc_message_release(&message);
	rpc_write_result(&text, "1", "null", 4);
	read_message(&message, &text);
	assert_true(json_is_null(message.result));
	rpc_message_release(&message);
	rpc_write_error(&text, "null", RPC_NO_TARGET, "no app is called 'x'", &result);
	read_message(&message, &text);
	assert_true(json_is_null(message.id));
	assert_int_equal(message.code, RPC_NO_TARGET);
	assert_string_equal(message.message, "no app is called 'x'");
	assert_non_null(json_get(message.data, "words"));
	rpc_message_release(&message);
	rpc_write_notification(&text, "event", &result);
	read_message(&message, &text);
	assert_string_equal(message.method, "event");
	assert_non_null(json_get(message.params, "words"));
	rpc_message_release(&message);
	rpc_write_request(&text, 12, NULL, "status", params);
	assert_int_equal(rpc_request_parse(&request, text.ptr, text.len, NULL), 0);
	assert_string_equal(request.id, "12");
	assert_string_equal(request.method, "status");
	rpc_request_release(&request);
	json_free(params);
	buf_release(&text);
	buf_release(&result);
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const lines[] = {
		"nonsense",
		"{}",
		REQUEST("\"id\":1"),
		REQUEST("\"result\":1"),
		REQUEST("\"id\":1,\"result\":1,\"error\":{\"code\":1,\"message\":\"x\"}"),
		REQUEST("\"id\":1,\"error\":{\"code\":0,\"message\":\"x\"}"),
		REQUEST("\"id\":1,\"error\":{\"code\":99999999999,\"message\":\"x\"}"),
		REQUEST("\"id\":1,\"error\":{\"code\":-1}"),
	};
	struct rpc_message message;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(rpc_message_parse(&message, lines[i], strlen(lines[i]), &e), -1);
	err_release(&e);
}

static void a_result_is_passed_on_as_text_only_if_it_is_ours_and_json(void **state)
{
	static const struct {
		const char *line;
		const char *text;
	} cases[] = {
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":[1]}}", "{\"a\":[1]}" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}", "null" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":null}", NULL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":}", NULL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":", NULL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1,\"x\":2}", NULL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":\"\xff\"}}", NULL },
		{ "{\"id\":7,\"jsonrpc\":\"2.0\",\"result\":1}", NULL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1,\"message\":\"\"}}", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = NULL;
		size_t len = 0;
		bool is_one = rpc_result_text(cases[i].line, strlen(cases[i].line), 7, &text, &len);

		assert_int_equal(is_one, cases[i].text != NULL);
		if (!cases[i].text)
			continue;
		assert_int_equal(len, strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, len);
	}
}

static void codes_have_words_and_exit_codes(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	assert_string_equal(rpc_code_word(RPC_NO_TARGET), "no such target");
	assert_int_equal(rpc_code_exit(RPC_NO_TARGET), 4);
	assert_int_equal(rpc_code_exit(RPC_TIMED_OUT), 5);
	assert_int_equal(rpc_code_exit(RPC_CONFIG), 2);
	assert_int_equal(rpc_code_exit(-1), 1);
	assert_string_equal(rpc_code_word(-1), "error");
	rpc_codes_print_mdoc(&text);
	assert_non_null(strstr(text.ptr, ".It Li -32001\nno such target: "));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("half a line waits for its other half", half_a_line_waits),
		PROMISE("many lines in one read come out one by one, blank ones skipped",
			many_lines_in_one_read),
		PROMISE("a stream may come byte by byte", byte_by_byte),
		PROMISE("a line at the limit passes, one beyond is reported once and nothing follows",
			a_line_at_the_limit_passes_and_one_beyond_is_lost),
		PROMISE("a request comes out whole", a_request_comes_out_whole),
		PROMISE("an id comes back as it was sent", an_id_comes_back_as_it_was_sent),
		PROMISE("what is no request is refused with a code and words",
			what_is_no_request_is_refused_with_words),
		PROMISE("an id longer than its limit is refused", an_id_longer_than_its_limit_is_refused),
		PROMISE("answers and notifications are read as they were written",
			answers_and_notifications_are_read_as_they_were_written),
		PROMISE("what is no answer is refused", what_is_no_answer_is_refused),
		PROMISE("a result is passed on as text only if it is written as ours, and is JSON",
			a_result_is_passed_on_as_text_only_if_it_is_ours_and_json),
		PROMISE("every code has words and an exit code", codes_have_words_and_exit_codes),
	};

	return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
