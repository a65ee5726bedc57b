#include "wire/notice.h"

#include <string.h>

#include "base/str.h"

/* What follows "KEY=" in a line, or NULL. */
static const char *value_after(const char *line, size_t len, const char *key, size_t *value_len)
{
	size_t key_len = strlen(key);

	if (len < key_len || memcmp(line, key, key_len) != 0)
		return NULL;
	*value_len = len - key_len;
	return line + key_len;
}

static bool is_notice_key(const char *line, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(line, word, len);
}

/* Microseconds as whole milliseconds, at least one; 0 for what is no number above 0. */
static int64_t read_usec(const char *text, size_t len)
{
	const int64_t most = (int64_t)NOTICE_TIME_MAX_MS * 1000;
	int64_t usec = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		usec = usec < most ? usec * 10 + (text[i] - '0') : usec;
	}
	return ((usec < most ? usec : most) + 999) / 1000;
}

/* What makes no sense is passed over: it does not undo what was said before it. */
static bool read_time(const char *line, size_t len, const char *key, int64_t *ms)
{
	size_t value_len = 0;
	const char *value = value_after(line, len, key, &value_len);
	int64_t read = value ? read_usec(value, value_len) : 0;

	if (read > 0)
		*ms = read;
	return read > 0;
}

/* It is shown to people: whatever could move their cursor is a '?'. */
static void read_status(struct notice *n, const char *text, size_t len)
{
	size_t at = 0;
	size_t out = 0;

	n->has_status = true;
	while (at < len) {
		uint32_t point = 0;
		size_t step = str_utf8(text + at, len - at, &point);
		bool is_plain = step && point >= 0x20 && point != 0x7f && !(point >= 0x80 && point < 0xa0);

		if (out + (is_plain ? step : 1) > NOTICE_STATUS_MAX)
			break;
		if (is_plain)
			memcpy(n->status + out, text + at, step);
		else
			n->status[out] = '?';
		out += is_plain ? step : 1;
		at += step ? step : 1;
	}
	n->status[out] = '\0';
}

static bool read_notice_line(struct notice *n, const char *line, size_t len)
{
	const struct {
		const char *word;
		bool *flag;
	} words[] = {
		{ "READY=1", &n->is_ready },
		{ "RELOADING=1", &n->is_reloading },
		{ "STOPPING=1", &n->is_stopping },
		{ "WATCHDOG=1", &n->is_alive },
		{ "WATCHDOG=trigger", &n->is_sick },
	};
	size_t value_len = 0;
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!is_notice_key(line, len, words[i].word))
			continue;
		*words[i].flag = true;
		return true;
	}
	value = value_after(line, len, "STATUS=", &value_len);
	if (value) {
		read_status(n, value, value_len);
		return true;
	}
	return read_time(line, len, "EXTEND_TIMEOUT_USEC=", &n->extend_ms) ||
		read_time(line, len, "WATCHDOG_USEC=", &n->watchdog_ms);
}

bool notice_read(struct notice *n, const char *bytes, size_t len)
{
	bool is_any = false;

	memset(n, 0, sizeof(*n));
	if (len > NOTICE_MAX)
		return false;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(bytes + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - bytes) - at : len - at;

		is_any |= read_notice_line(n, bytes + at, line_len);
		at += line_len + 1;
	}
	return is_any;
}

bool channel_feed(struct channel_line *line, const char *bytes, size_t len)
{
	static const char ready[] = "\"ready\"";
	bool is_ready = false;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			is_ready |= line->len == sizeof(ready) - 1 && !memcmp(line->bytes, ready, line->len);
			line->len = 0;
			continue;
		}
		if (line->len < sizeof(line->bytes))
			line->bytes[line->len++] = bytes[i];
	}
	return is_ready;
}
