#include "lines.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "unit.h"

/* Without the colours. */
static void add_shown(struct buf *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\033')
			i += strcspn(line + i, "m");
		else
			buf_addc(out, line[i]);
	}
}

void lines_fit(const char *text, size_t width)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		struct buf shown = BUF_INIT;

		add_shown(&shown, line, len);
		if (str_width(shown.ptr) > width)
			fail_msg("%zu columns and not %zu: %s", str_width(shown.ptr), width, shown.ptr);
		buf_release(&shown);
		line += len + (line[len] == '\n');
	}
}

size_t lines_count(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}
