/*
 * Whatever comes over the socket, however it is cut: lines come out, each is a request or is refused with words, and what is
 * sent back is one line that the other side can read.  The first byte says how large the cuts are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "wire/methods.h"
#include "wire/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void answer(const struct rpc_request *request, int code, const char *words)
{
	struct buf out = BUF_INIT;
	struct buf data = BUF_INIT;
	struct rpc_message message;

	if (request->params)
		json_write(&data, request->params);
	if (request->id) {
		rpc_write_error(&out, request->id, code ? code : RPC_FAILED, words, data.len ? &data : NULL);
		must(memchr(out.ptr, '\n', out.len) == out.ptr + out.len - 1);
		/* One level deeper than what came in may be too deep to be read. */
		if (rpc_message_parse(&message, out.ptr, out.len, NULL) == 0)
			rpc_message_release(&message);
		else
			must(request->params);
	}
	buf_release(&data);
	buf_release(&out);
}

static void judge(const char *line, size_t len)
{
	struct rpc_request request;
	struct rpc_message message;
	struct params params;
	struct err e = ERR_INIT;
	int code = rpc_request_parse(&request, line, len, &e);

	must(code == 0 ? request.method != NULL : e.text.len > 0 && request.id);
	if (code == 0) {
		enum method method = method_find(request.method, &e);

		if (method != METHOD_COUNT && params_decode(&params, method, request.params, &e) == 0)
			params_release(&params);
	}
	answer(&request, code, e.text.ptr);
	rpc_request_release(&request);
	if (rpc_message_parse(&message, line, len, &e) == 0)
		rpc_message_release(&message);
	err_release(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_lines lines;
	const char *line = NULL;
	size_t len = 0;
	size_t step = size ? data[0] + 1U : 1;

	rpc_lines_init(&lines, 4096);
	for (size_t at = 1; at < size; at += step) {
		size_t part = size - at < step ? size - at : step;

		rpc_lines_feed(&lines, (const char *)data + at, part);
		while (rpc_lines_next(&lines, &line, &len) == RPC_LINE)
			judge(line, len);
	}
	rpc_lines_release(&lines);
	return 0;
}
