#include "base/strings.h"

#include "base/mem.h"
#include "base/str.h"

void strings_add(struct strings *s, const char *text)
{
	s->items = mem_resize(s->items, s->len + 1, sizeof(*s->items));
	s->items[s->len++] = mem_strdup(text);
}

bool strings_have(const struct strings *s, const char *text)
{
	for (size_t i = 0; s && i < s->len; i++)
		if (str_eq(s->items[i], text))
			return true;
	return false;
}

void strings_release(struct strings *s)
{
	for (size_t i = 0; i < s->len; i++)
		mem_free(s->items[i]);
	mem_free(s->items);
	*s = (struct strings){ .items = NULL };
}
