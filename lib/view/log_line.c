#include "view/log_line.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "base/utc.h"
#include "model/logline.h"
#include "view/human.h"

enum {
	ESCAPE = 27,
	DATE_LEN = sizeof("2026-11-20T") - 1,
	TIME_LEN = sizeof("12:01:02.123") - 1,
};

void log_line_release(struct log_line_style *s)
{
	buf_release(&s->open);
}

/* --- what a terminal is given ------------------------------------------------------------------------------------------ */

/* A sequence that sets colours and the like, "ESC [ 1 ; 31 m": how long it is, or 0. */
static size_t colours_len(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 3 || text[0] != ESCAPE || text[1] != '[')
		return 0;
	while (at < len && ((text[at] >= '0' && text[at] <= '9') || text[at] == ';' || text[at] == ':'))
		at++;
	return at < len && text[at] == 'm' ? at + 1 : 0;
}

/* Up to the next tab or escape. */
static size_t plain_len(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && text[at] != '\t' && text[at] != ESCAPE)
		at++;
	return at;
}

static void add_safe_bytes(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t step = plain_len(text + at, len - at);

		human_safe(out, text + at, step);
		at += step;
		if (at == len)
			break;
		step = colours_len(text + at, len - at);
		if (!step && text[at] == '\t')
			buf_addc(out, '\t');
		else if (!step)
			buf_addc(out, '?');
		at += step ? step : 1;
	}
}

/* --- lines ---------------------------------------------------------------------------------------------------------------- */

/* The same for the same name at any time; instances of one app differ. */
static enum tint tint_of(const char *id)
{
	static const enum tint tints[] = { TINT_CYAN, TINT_GREEN, TINT_MAGENTA, TINT_BLUE, TINT_YELLOW };
	const char *colon = strchr(id, ':');
	size_t len = colon ? (size_t)(colon - id) : strlen(id);
	int64_t number = 0;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)id[i];
	if (colon)
		(void)str_to_int(colon + 1, &number);
	return tints[(sum + (uint32_t)number) % (sizeof(tints) / sizeof(tints[0]))];
}

static void add_line_time(const struct log_line_style *s, const struct logline *l, struct buf *out)
{
	struct buf text = BUF_INIT;

	human_tint(out, TINT_DIM, s->colour);
	if (l->at_ms == LOGLINE_NO_TIME) {
		buf_adds(out, "--:--:--.---");
	} else {
		utc_print(&text, s->to_local ? s->to_local(l->at_ms) : l->at_ms);
		buf_add(out, text.ptr + DATE_LEN, TIME_LEN);
	}
	human_untint(out, s->colour);
	buf_addc(out, ' ');
	buf_release(&text);
}

static void add_tag(const struct log_line_style *s, const struct logline *l, struct buf *out)
{
	const char *id = *l->id ? l->id : "?";

	human_tint(out, tint_of(id), s->colour);
	buf_addc(out, '[');
	human_safe(out, id, strlen(id));
	buf_addc(out, ']');
	human_untint(out, s->colour);
	buf_addc(out, ' ');
}

static void add_bytes(const struct log_line_style *s, const struct logline *l, struct buf *out)
{
	enum tint tint = str_eq(l->stream, "err") ? TINT_RED : TINT_NONE;
	size_t len = l->len;

	if (str_eq(l->stream, "note"))
		tint = TINT_DIM;
	/* Of lines that end as on other systems. */
	if (s->is_safe && len && l->bytes[len - 1] == '\r')
		len--;
	human_tint(out, tint, s->colour && tint != TINT_NONE);
	if (s->is_safe)
		add_safe_bytes(out, l->bytes, len);
	else
		buf_add(out, l->bytes, len);
	human_untint(out, s->colour && tint != TINT_NONE);
}

void log_line_end(struct log_line_style *s, struct buf *out)
{
	if (s->open.len)
		buf_addc(out, '\n');
	buf_clear(&s->open);
}

void log_line_print(struct log_line_style *s, const struct logline *l, struct buf *out)
{
	struct buf whose = BUF_INIT;

	buf_addf(&whose, "%s %s", l->id, l->stream);
	if (!l->is_continued || !str_eq(whose.ptr, s->open.ptr)) {
		log_line_end(s, out);
		if (s->has_times)
			add_line_time(s, l, out);
		if (!s->is_bare)
			add_tag(s, l, out);
	}
	add_bytes(s, l, out);
	buf_clear(&s->open);
	if (l->goes_on)
		buf_add(&s->open, whose.ptr, whose.len);
	else
		buf_addc(out, '\n');
	buf_release(&whose);
}
