#include "view/wrap.h"

#include <string.h>

#include "base/str.h"
#include "view/human.h"

/* How many bytes of `text` make the next line: up to the last blank that fits, or up to the edge where there is none. */
static size_t line_length(const char *text, size_t room)
{
	size_t fits = human_fit(text, room);
	size_t cut = fits;

	if (!text[fits] || text[fits] == ' ')
		return fits;
	while (cut && text[cut] != ' ')
		cut--;
	if (cut)
		return cut;
	/* A wide character may not fit into one column: it is shown all the same, or this would not end. */
	return fits ? fits : str_utf8(text, strlen(text), NULL);
}

static void add_last(struct buf *out, const char *text, size_t room)
{
	size_t fits = human_fit(text, room);

	if (text[fits])
		fits = human_fit(text, room - 1);
	buf_add(out, text, fits);
	buf_adds(out, text[fits] ? "…" : "");
}

void wrap_text(struct buf *out, const char *text, const struct wrap *w)
{
	size_t room = w->width > w->indent ? w->width - w->indent : 1;

	for (size_t line = 1; *text; line++) {
		size_t len = w->width ? line_length(text, room) : strlen(text);

		buf_fill(out, ' ', w->indent);
		if (w->width && line == w->most) {
			add_last(out, text, room);
			buf_addc(out, '\n');
			return;
		}
		buf_add(out, text, len ? len : 1);
		buf_addc(out, '\n');
		text += len ? len : 1;
		text += strspn(text, " ");
	}
}
