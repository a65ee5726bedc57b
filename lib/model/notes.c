#include "model/notes.h"

#include <stdarg.h>

#include "base/json_emit.h"
#include "base/mem.h"

void notes_add(struct notes *n, const char *app, const char *format, ...)
{
	struct buf text = BUF_INIT;
	struct note *note = NULL;
	va_list args;

	if (!n)
		return;
	buf_addf(&text, "%s: ", app);
	va_start(args, format);
	buf_addfv(&text, format, args);
	va_end(args);
	note = mem_zalloc(1, sizeof(*note));
	note->app = mem_strdup(app);
	note->text = buf_detach(&text);
	vec_push(&n->items, note);
}

static void free_note(void *item)
{
	struct note *note = item;

	mem_free(note->app);
	mem_free(note->text);
	mem_free(note);
}

void notes_release(struct notes *n)
{
	vec_release_with(&n->items, free_note);
}

void notes_emit(const struct notes *notes, struct buf *out)
{
	const struct note *note = NULL;
	size_t k = 0;

	emit_open(out, "notes", '[');
	VEC_EACH (&notes->items, k, note)
		emit_string(out, NULL, note->text);
	emit_close(out, ']');
	emit_open(out, "noted", '[');
	VEC_EACH (&notes->items, k, note) {
		emit_open(out, NULL, '{');
		emit_string(out, "app", note->app);
		emit_string(out, "text", note->text);
		emit_close(out, '}');
	}
	emit_close(out, ']');
}
