#include "model/logline.h"

#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/str.h"
#include "base/utc.h"

static bool is_line_text(const char *bytes, size_t len)
{
	size_t step = 1;

	for (size_t at = 0; at < len && step; at += step) {
		/* Most of what is said is this. */
		step = bytes[at] > 0 ? 1 : str_utf8(bytes + at, len - at, NULL);
		if (!bytes[at])
			return false;
	}
	return step != 0;
}

static void write_bytes(const struct logline *l, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct buf exact = BUF_INIT;

	buf_add(&text, l->bytes, l->len);
	if (!is_line_text(l->bytes, l->len)) {
		/* The others that are no text become U+FFFD by themselves; this one would end it. */
		for (size_t i = 0; i < text.len; i++)
			text.ptr[i] = (char)(text.ptr[i] ? text.ptr[i] : '\xff');
		base64_write(&exact, l->bytes, l->len);
	}
	emit_string(out, "line", text.ptr);
	if (exact.len)
		emit_string(out, "bytes", exact.ptr);
	buf_release(&text);
	buf_release(&exact);
}

void logline_write(const struct logline *l, struct buf *out)
{
	struct buf at = BUF_INIT;

	if (l->at_ms != LOGLINE_NO_TIME)
		utc_print(&at, l->at_ms);
	emit_open(out, NULL, '{');
	emit_string(out, "at", at.len ? at.ptr : NULL);
	emit_string(out, "id", *l->id ? l->id : NULL);
	emit_string(out, "stream", l->stream);
	write_bytes(l, out);
	if (l->is_continued)
		emit_bool(out, "continued", true);
	if (l->goes_on)
		emit_bool(out, "more", true);
	emit_close(out, '}');
	buf_release(&at);
}

bool logline_from_json(struct logline *l, const struct json *j, struct buf *room)
{
	const char *at = json_string(json_get(j, "at"), NULL);
	const char *text = json_string(json_get(j, "line"), NULL);
	const char *exact = json_string(json_get(j, "bytes"), NULL);

	*l = (struct logline){
		.id = json_string(json_get(j, "id"), ""),
		.stream = json_string(json_get(j, "stream"), ""),
		.at_ms = LOGLINE_NO_TIME,
		.bytes = text,
		.len = text ? strlen(text) : 0,
		.is_continued = json_bool(json_get(j, "continued"), false),
		.goes_on = json_bool(json_get(j, "more"), false),
	};
	if (!text || (at && !utc_parse(at, &l->at_ms)))
		return false;
	if (!exact)
		return true;
	buf_clear(room);
	l->bytes = room->ptr;
	if (!base64_read(room, exact))
		return false;
	l->bytes = room->ptr;
	l->len = room->len;
	return true;
}
