#include "model/wait_result.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "model/reason.h"

enum { INDENT = 4 }; /* of last lines, in the words of earlier versions */

struct wait_result *wait_result_new(
	const char *app, bool is_ok, const struct reason *reason, const char *lines)
{
	struct wait_result *r = mem_zalloc(1, sizeof(*r));

	r->app = mem_strdup(app);
	r->instance = -1;
	r->is_ok = is_ok;
	r->reason = reason_copy(reason);
	r->lines = lines && *lines ? mem_strdup(lines) : NULL;
	return r;
}

static void add_lines_of_words(const char *at, struct buf *out)
{
	while (*at) {
		size_t len = strcspn(++at, "\n");
		size_t blanks = strspn(at, " ");

		blanks = blanks < INDENT ? blanks : INDENT;
		buf_addc(out, '\n');
		buf_add(out, at + blanks, len - blanks);
		at += len;
	}
}

struct wait_result *wait_result_from_words(const char *app, bool is_ok, const char *words)
{
	struct wait_result *r = NULL;
	struct buf lines = BUF_INIT;
	size_t len = words ? strcspn(words, "\n") : 0;
	char *first = NULL;

	if (!len)
		return NULL;
	first = mem_strndup(words, len);
	add_lines_of_words(words + len, &lines);
	r = wait_result_new(app, is_ok, &REASON_OF(OTHER, .text = first), lines.ptr);
	mem_free(first);
	buf_release(&lines);
	return r;
}

struct wait_result *wait_result_copy(const struct wait_result *r)
{
	struct wait_result *copy = NULL;

	if (!r)
		return NULL;
	copy = wait_result_new(r->app, r->is_ok, r->reason, r->lines);
	copy->instance = r->instance;
	copy->is_continued = r->is_continued;
	return copy;
}

void wait_result_free(struct wait_result *r)
{
	if (!r)
		return;
	mem_free(r->app);
	reason_free(r->reason);
	mem_free(r->lines);
	mem_free(r);
}

size_t wait_result_size(const struct wait_result *r)
{
	struct buf text = BUF_INIT;
	size_t size = 0;

	wait_result_write(r, NULL, &text);
	size = text.len;
	buf_release(&text);
	return size;
}

static void free_item(void *item)
{
	wait_result_free(item);
}

void wait_results_release(struct wait_results *r)
{
	vec_release_with(&r->items, free_item);
}

void wait_results_add(struct wait_results *r, struct wait_result *result)
{
	if (result)
		vec_push(&r->items, result);
}

void wait_results_add_copies(struct wait_results *to, const struct wait_results *from)
{
	const struct wait_result *r = NULL;
	size_t k = 0;

	VEC_EACH (&from->items, k, r)
		wait_results_add(to, wait_result_copy(r));
}

/* --- stored ----------------------------------------------------------------------------------------------------------- */

void wait_result_write(const struct wait_result *r, const char *key, struct buf *out)
{
	emit_open(out, key, '{');
	if (r->app)
		emit_string(out, "app", r->app);
	if (r->instance >= 0)
		emit_int(out, "instance", r->instance);
	emit_bool(out, "ok", r->is_ok);
	if (r->is_continued)
		emit_bool(out, "continued", true);
	reason_write(r->reason, "reason", NULL, out);
	if (r->lines)
		emit_string(out, "lines", r->lines);
	emit_close(out, '}');
}

struct wait_result *wait_result_read(const struct json *j)
{
	struct reason *reason = reason_read(json_get(j, "reason"));
	struct wait_result *r = NULL;
	int64_t instance = -1;

	if (!reason)
		return NULL;
	r = wait_result_new(json_string(json_get(j, "app"), NULL), json_bool(json_get(j, "ok"), false),
		reason, json_string(json_get(j, "lines"), NULL));
	if (json_int(json_get(j, "instance"), &instance) && instance >= 0 && instance < INT32_MAX)
		r->instance = (int)instance;
	r->is_continued = json_bool(json_get(j, "continued"), false);
	reason_free(reason);
	return r;
}

void wait_results_write(const struct wait_results *r, const char *key, struct buf *out)
{
	const struct wait_result *item = NULL;
	size_t k = 0;

	emit_open(out, key, '[');
	VEC_EACH (&r->items, k, item)
		wait_result_write(item, NULL, out);
	emit_close(out, ']');
}

void wait_results_read(struct wait_results *r, const struct json *list)
{
	const struct json *item = NULL;

	JSON_EACH (list, item)
		wait_results_add(r, wait_result_read(item));
}
