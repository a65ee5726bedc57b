#include "in_words.h"

#include <stdio.h>

#include "herd/herd.h"
#include "model/notes.h"
#include "view/reason_text.h"

static const char *with_lines(const struct reason *r, const char *lines)
{
	static char kept[4][4096];
	static unsigned int last;
	struct buf text = BUF_INIT;
	char *words = kept[++last % 4];

	reason_text(r, &text);
	buf_adds(&text, lines ? lines : "");
	(void)snprintf(words, sizeof(kept[0]), "%s", text.ptr);
	buf_release(&text);
	return words;
}

const char *notes_words(const struct notes *n)
{
	struct buf text = BUF_INIT;
	const struct note *note = NULL;
	const char *words = NULL;
	size_t k = 0;

	VEC_EACH (&n->items, k, note)
		buf_addf(&text, "%s\n", note->text);
	words = with_lines(NULL, text.ptr);
	buf_release(&text);
	return words;
}

const char *in_words(const struct reason *r)
{
	return with_lines(r, NULL);
}

const char *event_words(const struct herd_event *e)
{
	return with_lines(e->why, e->lines);
}
