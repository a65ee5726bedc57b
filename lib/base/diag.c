#include "base/diag.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* A line longer than this is no line that a person wrote; what is beyond is not quoted. */
enum { LINE_SHOWN_MAX = 400 };

static void diag_free(void *item)
{
	struct diag *complaint = item;

	mem_free(complaint->file);
	mem_free(complaint->line);
	mem_free(complaint->text);
	mem_free(complaint->hint);
	mem_free(complaint);
}

void diags_release(struct diags *d)
{
	vec_release_with(&d->list, diag_free);
	if (d->beyond)
		diag_free(d->beyond);
	*d = (struct diags)DIAGS_INIT;
}

void diags_about(struct diags *d, const char *file, const char *bytes, size_t len)
{
	d->file = file;
	d->bytes = bytes;
	d->len = len;
}

/* How many bytes at the end of at[0..len) belong to a character that is cut off there. */
static size_t cut_within(const char *at, size_t len, const char *end)
{
	for (size_t back = 1; back < 4 && back <= len; back++)
		if (str_utf8(at + len - back, (size_t)(end - at) - len + back, NULL) > back)
			return back;
	return 0;
}

static char *diags_quote_line(const struct diags *d, int line)
{
	const char *at = d->bytes;
	const char *end = at ? at + d->len : NULL;
	size_t len = 0;

	if (!at || line < 1)
		return NULL;
	for (int i = 1; i < line && at; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return NULL;
	while (at + len < end && at[len] != '\n' && at[len] != '\0' && len < LINE_SHOWN_MAX)
		len++;
	len -= cut_within(at, len, end);
	if (len && at[len - 1] == '\r')
		len--;
	return mem_strndup(at, len);
}

static __attribute__((format(printf, 4, 0))) struct diag *diags_add(
	struct diags *d, struct place at, bool is_warning, const char *format, va_list args)
{
	struct buf text = BUF_INIT;
	struct diag *complaint = NULL;

	d->errors += !is_warning;
	if (d->list.len >= DIAGS_MAX) {
		d->left_out++;
		if (!d->beyond)
			d->beyond = mem_zalloc(1, sizeof(*d->beyond));
		return d->beyond;
	}
	buf_addfv(&text, format, args);
	complaint = mem_zalloc(1, sizeof(*complaint));
	*complaint = (struct diag){
		.file = mem_strdup(d->file ? d->file : ""),
		.at = at,
		.line = diags_quote_line(d, at.line),
		.text = buf_detach(&text),
		.is_warning = is_warning,
	};
	vec_push(&d->list, complaint);
	return complaint;
}

struct diag *diags_error(struct diags *d, struct place at, const char *format, ...)
{
	struct diag *complaint = NULL;
	va_list args;

	va_start(args, format);
	complaint = diags_add(d, at, false, format, args);
	va_end(args);
	return complaint;
}

struct diag *diags_warn(struct diags *d, struct place at, const char *format, ...)
{
	struct diag *complaint = NULL;
	va_list args;

	va_start(args, format);
	complaint = diags_add(d, at, true, format, args);
	va_end(args);
	return complaint;
}

void diag_hint(struct diag *complaint, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_addfv(&text, format, args);
	va_end(args);
	mem_free(complaint->hint);
	complaint->hint = buf_detach(&text);
}

static int diag_compare(const void *left, const void *right)
{
	const struct diag *a = left;
	const struct diag *b = right;
	int by_file = strcmp(a->file, b->file);

	if (by_file)
		return by_file;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

void diags_sort(struct diags *d)
{
	vec_sort(&d->list, diag_compare);
}
