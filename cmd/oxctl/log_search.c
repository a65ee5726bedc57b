#include "log_search.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "cmd.h"
#include "model/logline.h"

enum { HELD_MAX = 4 * 1024 * 1024, RECORD_MAX = 4 * 1024 * 1024 };

int log_search_compile(struct log_search *s, const char *pattern)
{
	char words[200];
	int rc = regcomp(&s->pattern, pattern, REG_EXTENDED | REG_NOSUB);

	s->is_compiled = rc == 0;
	if (!rc)
		return EXIT_DONE;
	(void)regerror(rc, &s->pattern, words, sizeof(words));
	return daemon_call_fail(EXIT_USAGE, "--grep: '%s' is not a regular expression: %s", pattern, words);
}

static void drop_held(struct log_search *s)
{
	if (s->file)
		(void)fclose(s->file);
	s->file = NULL;
	buf_clear(&s->held);
}

void log_search_release(struct log_search *s)
{
	drop_held(s);
	if (s->is_compiled)
		regfree(&s->pattern);
	buf_release(&s->text);
	buf_release(&s->held);
}

void log_search_begin(struct log_search *s)
{
	drop_held(s);
	s->seen = s->found = 0;
}

bool log_search_matches(struct log_search *s, const struct logline *l)
{
	s->seen += !l->is_continued;
	buf_clear(&s->text);
	buf_add(&s->text, l->bytes, l->len);
	/* Not every libc can search beyond a NUL. */
	for (size_t i = 0; i < l->len; i++)
		if (!s->text.ptr[i])
			s->text.ptr[i] = ' ';
	return regexec(&s->pattern, s->text.ptr, 0, NULL, 0) == 0;
}

/* --- what is held ------------------------------------------------------------------------------------------------------ */

static void spill(struct log_search *s)
{
	if (!s->file)
		s->file = tmpfile();
	s->has_failed |= !s->file || fwrite(s->held.ptr, 1, s->held.len, s->file) != s->held.len;
	buf_clear(&s->held);
}

void log_search_hold(struct log_search *s, const struct json *line)
{
	struct buf text = BUF_INIT;
	uint32_t len = 0;

	json_write(&text, line);
	len = (uint32_t)text.len;
	s->found++;
	buf_add(&s->held, &len, sizeof(len));
	buf_add(&s->held, text.ptr, text.len);
	if (s->held.len > HELD_MAX)
		spill(s);
	buf_release(&text);
}

/* The next `len` bytes of what is held. */
static bool take_held_bytes(struct log_search *s, size_t *at, void *bytes, size_t len)
{
	if (s->file)
		return fread(bytes, 1, len, s->file) == len;
	if (s->held.len - *at < len)
		return false;
	memcpy(bytes, s->held.ptr + *at, len);
	*at += len;
	return true;
}

static bool take_held_line(struct log_search *s, size_t *at, struct buf *text)
{
	uint32_t len = 0;

	if (!take_held_bytes(s, at, &len, sizeof(len)) || len > RECORD_MAX)
		return false;
	buf_clear(text);
	buf_reserve(text, len);
	text->len = len;
	text->ptr[len] = '\0';
	return take_held_bytes(s, at, text->ptr, len);
}

int log_search_give(struct log_search *s, int64_t most, void (*each)(void *context, const struct json *line),
	void *context)
{
	struct buf text = BUF_INIT;
	size_t at = 0;

	errno = 0;
	if (s->file) {
		spill(s);
		s->has_failed |= fseek(s->file, 0, SEEK_SET) != 0;
	}
	for (int64_t n = 0; n < s->found && !s->has_failed; n++) {
		struct json *line = NULL;

		s->has_failed |= !take_held_line(s, &at, &text);
		if (s->has_failed || n < s->found - most)
			continue;
		line = json_parse(text.ptr, text.len, RECORD_MAX, NULL);
		each(context, line);
		json_free(line);
	}
	buf_release(&text);
	if (!s->has_failed)
		return EXIT_DONE;
	return daemon_call_fail(EXIT_FAILED,
		"cannot keep all matching lines in a temporary file: %s; ask for fewer with -n, or for '-n all'",
		strerror(errno ? errno : ENOSPC));
}
