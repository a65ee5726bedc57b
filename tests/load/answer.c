#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_init(struct answer *a)
{
	memset(a, 0, offsetof(struct answer, line));
	a->kept_len = 0;
	a->kept[0] = '\0';
}

static enum answer_step after_head(const struct answer *a)
{
	if (a->status < 200)
		return STEP_STATUS;
	if (a->status == 204 || a->status == 304)
		return STEP_WHOLE;
	if (a->is_chunked)
		return STEP_CHUNK_SIZE;
	if (!a->has_length)
		return STEP_TO_END;
	return a->left ? STEP_BODY : STEP_WHOLE;
}

/* "HTTP/1.1 200 OK" */
static enum answer_step read_status(struct answer *a)
{
	char *end = NULL;

	if (strncmp(a->line, "HTTP/1.", 7) != 0 || a->line_len < 12 || a->line[8] != ' ')
		return STEP_BROKEN;
	a->will_close = a->line[7] == '0';
	a->status = (int)strtol(a->line + 9, &end, 10);
	return end == a->line + 12 && a->status >= 100 ? STEP_FIELDS : STEP_BROKEN;
}

/* The value if the line is a field of that name. */
static const char *field(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

static enum answer_step read_field(struct answer *a)
{
	const char *value = NULL;
	char *end = NULL;

	if (!a->line_len)
		return after_head(a);
	value = field(a->line, "content-length");
	if (value) {
		a->left = strtoll(value, &end, 10);
		a->has_length = true;
		return end == value || *end || a->left < 0 ? STEP_BROKEN : STEP_FIELDS;
	}
	value = field(a->line, "transfer-encoding");
	if (value && strcasestr(value, "chunked"))
		a->is_chunked = true;
	value = field(a->line, "connection");
	if (value && strcasestr(value, "close"))
		a->will_close = true;
	return STEP_FIELDS;
}

static enum answer_step read_chunk_size(struct answer *a)
{
	char *end = NULL;

	a->left = strtoll(a->line, &end, 16);
	if (end == a->line || a->left < 0 || (*end && *end != ';' && *end != ' '))
		return STEP_BROKEN;
	return a->left ? STEP_CHUNK : STEP_TRAILER;
}

static enum answer_step read_line(struct answer *a)
{
	switch (a->step) {
	case STEP_STATUS:
		return read_status(a);
	case STEP_FIELDS:
		return read_field(a);
	case STEP_CHUNK_SIZE:
		return read_chunk_size(a);
	case STEP_CHUNK_END:
		return a->line_len ? STEP_BROKEN : STEP_CHUNK_SIZE;
	case STEP_TRAILER:
		return a->line_len ? STEP_TRAILER : STEP_WHOLE;
	default:
		return STEP_BROKEN;
	}
}

/* Takes what belongs to the line, and gives how much that was. */
static size_t feed_line(struct answer *a, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);
	size_t take = end ? (size_t)(end - bytes) : len;

	if (take > ANSWER_LINE_MAX - a->line_len) {
		a->step = STEP_BROKEN;
		return len;
	}
	memcpy(a->line + a->line_len, bytes, take);
	a->line_len += take;
	if (!end)
		return len;
	if (a->line_len && a->line[a->line_len - 1] == '\r')
		a->line_len--;
	a->line[a->line_len] = '\0';
	a->step = read_line(a);
	a->line_len = 0;
	return take + 1;
}

static size_t feed_body(struct answer *a, const char *bytes, size_t len)
{
	size_t take = a->step != STEP_TO_END && (uint64_t)a->left < len ? (size_t)a->left : len;
	size_t room = ANSWER_KEPT_MAX - a->kept_len;
	size_t keep = take < room ? take : room;

	memcpy(a->kept + a->kept_len, bytes, keep);
	a->kept_len += keep;
	a->kept[a->kept_len] = '\0';
	if (a->step == STEP_TO_END)
		return len;
	a->left -= (int64_t)take;
	if (!a->left)
		a->step = a->step == STEP_CHUNK ? STEP_CHUNK_END : STEP_WHOLE;
	return take;
}

static bool is_body(const struct answer *a)
{
	return a->step == STEP_BODY || a->step == STEP_CHUNK || a->step == STEP_TO_END;
}

enum answer_state answer_feed(struct answer *a, const char *bytes, size_t len)
{
	if (len)
		a->has_begun = true;
	while (len && a->step != STEP_BROKEN) {
		size_t taken = 0;

		if (a->step == STEP_WHOLE)
			a->step = STEP_BROKEN;
		else
			taken = is_body(a) ? feed_body(a, bytes, len) : feed_line(a, bytes, len);
		bytes += taken;
		len -= taken;
	}
	if (a->step == STEP_BROKEN)
		return ANSWER_BROKEN;
	return a->step == STEP_WHOLE ? ANSWER_WHOLE : ANSWER_MORE;
}

enum answer_state answer_end(struct answer *a)
{
	if (a->step == STEP_TO_END)
		a->step = STEP_WHOLE;
	return a->step == STEP_WHOLE ? ANSWER_WHOLE : ANSWER_MORE;
}
