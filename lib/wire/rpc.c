#include "wire/rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"

/* Memory that one long line took is given back once it is this much and not needed any more. */
enum { LINES_KEEP = 64 * 1024 };

#define KEY_LETTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

static const struct {
	int code;
	int exit;
	const char *name;
	const char *word;
	const char *doc;
} codes[] = {
#define X(name, code, exit, word, doc) { code, exit, #name, word, doc },
#include "wire/rpc_codes.def"
#undef X
};

enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]) };

const char *rpc_code_word(int code)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (codes[i].code == code)
			return codes[i].word;
	return "error";
}

int rpc_code_exit(int code)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (codes[i].code == code)
			return codes[i].exit;
	return 1;
}

void rpc_codes_print_mdoc(struct buf *out)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		buf_addf(out, ".It Li %d\n%s: %s.\n", codes[i].code, codes[i].word, codes[i].doc);
}

/* --- lines --- */

void rpc_lines_init(struct rpc_lines *lines, size_t line_max)
{
	*lines = (struct rpc_lines){ .in = BUF_INIT, .line_max = line_max };
}

void rpc_lines_release(struct rpc_lines *lines)
{
	buf_release(&lines->in);
	rpc_lines_init(lines, lines->line_max);
}

/* Drops what was handed out; done before more comes in, so that many lines in one read cost one move. */
static void lines_compact(struct rpc_lines *lines)
{
	if (!lines->start)
		return;
	buf_eat(&lines->in, lines->start);
	lines->scanned -= lines->start;
	lines->start = 0;
	if (!lines->in.len && lines->in.cap > LINES_KEEP)
		buf_release(&lines->in);
}

void rpc_lines_feed(struct rpc_lines *lines, const char *bytes, size_t len)
{
	if (lines->is_lost)
		return;
	lines_compact(lines);
	buf_add(&lines->in, bytes, len);
}

static bool is_blank_line(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static enum rpc_got lines_lose(struct rpc_lines *lines)
{
	rpc_lines_release(lines);
	lines->is_lost = true;
	return RPC_LOST;
}

enum rpc_got rpc_lines_next(struct rpc_lines *lines, const char **line, size_t *len)
{
	while (!lines->is_lost) {
		const char *from = lines->in.ptr + lines->scanned;
		const char *end = memchr(from, '\n', lines->in.len - lines->scanned);

		lines->scanned = end ? (size_t)(end - lines->in.ptr) : lines->in.len;
		*line = lines->in.ptr + lines->start;
		*len = lines->scanned - lines->start;
		if (*len > lines->line_max)
			return lines_lose(lines);
		if (!end) {
			lines_compact(lines);
			return RPC_NOTHING;
		}
		lines->start = ++lines->scanned;
		if (!is_blank_line(*line, *len))
			return RPC_LINE;
	}
	return RPC_NOTHING;
}

/* --- requests --- */

static bool is_number(const struct json *j)
{
	double value = 0;

	return json_number(j, &value);
}

/* The id as text, for the answer; 0, or -1 if it is none that an answer could carry. */
static int request_id(struct rpc_request *request)
{
	const struct json *id = json_get(request->root, "id");
	struct buf text = BUF_INIT;

	if (!id)
		return 0;
	if (json_is_null(id) || is_number(id) || json_string(id, NULL))
		json_write(&text, id);
	if (text.len && text.len <= RPC_ID_MAX) {
		request->id = buf_detach(&text);
		return 0;
	}
	buf_release(&text);
	request->id = mem_strdup("null");
	return -1;
}

static bool is_once_key(const char *text)
{
	size_t len = strlen(text);

	return len && len <= RPC_ONCE_MAX && len == strspn(text, KEY_LETTERS);
}

/* Why the tree is no request, or NULL. */
static const char *request_trouble(struct rpc_request *request)
{
	const struct json *root = request->root;
	const struct json *params = json_get(root, "params");

	if (json_is_array(root))
		return "batches are not taken; send one request a line";
	if (!json_is_object(root))
		return "a request is an object";
	if (request_id(request) < 0)
		return "the id is to be a string of at most 250 bytes, a number or null";
	if (!str_eq(json_string(json_get(root, "jsonrpc"), NULL), "2.0"))
		return "\"jsonrpc\" is to be \"2.0\"";
	if (!json_string(json_get(root, "method"), NULL))
		return "\"method\" is to be a string";
	if (json_get(root, "once") && !is_once_key(json_string(json_get(root, "once"), "")))
		return "\"once\" is to be a string of at most 64 letters, digits and dashes";
	if (params && !json_is_object(params))
		return "\"params\" is to be an object: parameters go by name";
	return NULL;
}

int rpc_request_parse(struct rpc_request *request, const char *line, size_t len, struct err *e)
{
	const char *trouble = NULL;

	*request = (struct rpc_request){ .root = json_parse(line, len, RPC_OWNER_MAX, e) };
	if (!request->root) {
		request->id = mem_strdup("null");
		err_prefix(e, "%s", rpc_code_word(RPC_PARSE));
		return RPC_PARSE;
	}
	trouble = request_trouble(request);
	if (trouble) {
		if (!request->id)
			request->id = mem_strdup("null");
		err_set(e, "%s: %s", rpc_code_word(RPC_INVALID), trouble);
		return RPC_INVALID;
	}
	request->method = json_string(json_get(request->root, "method"), NULL);
	request->params = json_get(request->root, "params");
	request->once = json_string(json_get(request->root, "once"), NULL);
	return 0;
}

void rpc_request_release(struct rpc_request *request)
{
	json_free(request->root);
	mem_free(request->id);
	*request = (struct rpc_request){ .root = NULL };
}

/* --- messages --- */

static int message_error(struct rpc_message *message, const struct json *error)
{
	int64_t code = 0;

	message->message = json_string(json_get(error, "message"), NULL);
	message->data = json_get(error, "data");
	if (!message->message || !json_int(json_get(error, "code"), &code) || !code || code != (int)code)
		return -1;
	message->code = (int)code;
	return 0;
}

static int message_fill(struct rpc_message *message)
{
	const struct json *error = json_get(message->root, "error");

	if (!str_eq(json_string(json_get(message->root, "jsonrpc"), NULL), "2.0"))
		return -1;
	message->method = json_string(json_get(message->root, "method"), NULL);
	message->params = json_get(message->root, "params");
	if (message->method)
		return 0;
	message->id = json_get(message->root, "id");
	message->result = json_get(message->root, "result");
	if (!message->id || !message->result == !error)
		return -1;
	return error ? message_error(message, error) : 0;
}

int rpc_message_parse(struct rpc_message *message, const char *line, size_t len, struct err *e)
{
	*message = (struct rpc_message){ .root = json_parse(line, len, RPC_MESSAGE_MAX, e) };
	if (!message->root)
		return -1;
	if (message_fill(message) == 0)
		return 0;
	rpc_message_release(message);
	return err_set(e, "this is no answer of oxherd's");
}

void rpc_message_release(struct rpc_message *message)
{
	json_free(message->root);
	*message = (struct rpc_message){ .root = NULL };
}

/* --- writing --- */

void rpc_write_request(
	struct buf *out, int64_t id, const char *once, const char *method, const struct json *params)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%lld", (long long)id);
	if (once)
		buf_addf(out, ",\"once\":\"%s\"", once);
	emit_string(out, "method", method);
	if (params) {
		buf_adds(out, ",\"params\":");
		json_write(out, params);
	}
	buf_adds(out, "}\n");
}

void rpc_write_result(struct buf *out, const char *id, const char *result, size_t len)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", id);
	buf_add(out, result, len);
	buf_adds(out, "}\n");
}

bool rpc_result_text(const char *line, size_t len, int64_t id, const char **text, size_t *text_len)
{
	char head[80];
	int head_len =
		snprintf(head, sizeof(head), "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":", (long long)id);

	if (len <= (size_t)head_len || memcmp(line, head, (size_t)head_len) != 0 || line[len - 1] != '}')
		return false;
	*text = line + head_len;
	*text_len = len - (size_t)head_len - 1;
	return json_check(*text, *text_len, NULL) == 0;
}

void rpc_write_error(struct buf *out, const char *id, int code, const char *message, const struct buf *data)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d", id, code);
	emit_string(out, "message", message);
	if (data)
		emit_text(out, "data", data->ptr, data->len);
	buf_adds(out, "}}\n");
}

void rpc_write_notification(struct buf *out, const char *method, const struct buf *params)
{
	buf_adds(out, "{\"jsonrpc\":\"2.0\"");
	emit_string(out, "method", method);
	if (params)
		emit_text(out, "params", params->ptr, params->len);
	buf_adds(out, "}\n");
}
