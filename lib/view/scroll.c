#include "view/scroll.h"

#include <string.h>

#include "base/str.h"
#include "view/human.h"

static const struct {
	const char *bytes;
	enum scroll_key key;
} sequences[] = {
	{ "q", SCROLL_QUIT },
	{ "Q", SCROLL_QUIT },
	{ "k", SCROLL_UP },
	{ "j", SCROLL_DOWN },
	{ "g", SCROLL_HOME },
	{ "G", SCROLL_END },
	{ " ", SCROLL_PAGE_DOWN },
	{ "b", SCROLL_PAGE_UP },
	{ "\033[A", SCROLL_UP },
	{ "\033[B", SCROLL_DOWN },
	{ "\033OA", SCROLL_UP },
	{ "\033OB", SCROLL_DOWN },
	{ "\033[5~", SCROLL_PAGE_UP },
	{ "\033[6~", SCROLL_PAGE_DOWN },
	{ "\033[H", SCROLL_HOME },
	{ "\033[F", SCROLL_END },
	{ "\033OH", SCROLL_HOME },
	{ "\033OF", SCROLL_END },
	{ "\033[1~", SCROLL_HOME },
	{ "\033[4~", SCROLL_END },
	{ "\033[7~", SCROLL_HOME },
	{ "\033[8~", SCROLL_END },
};

/* ESC [ and numbers, up to a letter or ~; ESC O and a letter. */
static bool is_complete(const struct scroll_keys *keys)
{
	char last = keys->bytes[keys->len - 1];

	if (keys->bytes[0] != '\033')
		return true;
	if (keys->len == 1)
		return false;
	if (keys->len == 2)
		return last != '[' && last != 'O';
	return last >= '@' && last <= '~';
}

enum scroll_key scroll_key(struct scroll_keys *keys, char byte)
{
	enum scroll_key found = SCROLL_NOTHING;

	/* A key begins anew, whatever was before it; so does what no terminal sends. */
	if (byte == '\033' || keys->len + 1 >= sizeof(keys->bytes))
		keys->len = 0;
	keys->bytes[keys->len++] = byte;
	keys->bytes[keys->len] = '\0';
	if (!is_complete(keys))
		return SCROLL_NOTHING;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (str_eq(sequences[i].bytes, keys->bytes))
			found = sequences[i].key;
	keys->len = 0;
	return found;
}

static const char *line_after(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static size_t count_text_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text = line_after(text))
		count++;
	return count;
}

/* How the lines of the screen are given out. */
struct parts {
	size_t rows;    /* that there are */
	size_t page;    /* of these, that are shown */
	size_t verdict; /* lines of the verdict that are shown */
};

/* The titles and the line of keys have one each; a row is shown before a second line of the verdict. */
static struct parts share(const struct scroll *s, const char *table, const char *verdict)
{
	size_t lines = count_text_lines(table);
	struct parts p = { .rows = lines ? lines - 1 : 0, .verdict = count_text_lines(verdict) };
	size_t room = s->height > 2 ? s->height - 2 : 1;

	if (!s->height) {
		p.page = p.rows;
		return p;
	}
	if (p.rows && p.verdict >= room)
		p.verdict = room - 1;
	else if (p.verdict > room)
		p.verdict = room;
	p.page = room - p.verdict < p.rows ? room - p.verdict : p.rows;
	return p;
}

static void correct(struct scroll *s, const struct parts *p)
{
	if (s->top > p->rows - p->page)
		s->top = p->rows - p->page;
}

void scroll_move(struct scroll *s, enum scroll_key key, const char *table, const char *verdict)
{
	struct parts p = share(s, table, verdict);
	size_t step = p.page > 1 ? p.page - 1 : 1;

	if (key == SCROLL_UP)
		s->top -= s->top ? 1 : 0;
	else if (key == SCROLL_DOWN)
		s->top++;
	else if (key == SCROLL_PAGE_UP)
		s->top -= s->top < step ? s->top : step;
	else if (key == SCROLL_PAGE_DOWN)
		s->top += step;
	else if (key == SCROLL_HOME)
		s->top = 0;
	else if (key == SCROLL_END)
		s->top = p.rows;
	correct(s, &p);
}

/* Up to `count` lines, and the text behind them. */
static const char *add_lines(struct buf *out, const char *text, size_t count)
{
	for (; *text && count; count--) {
		buf_add(out, text, strcspn(text, "\n"));
		buf_adds(out, "\033[K\n");
		text = line_after(text);
	}
	return text;
}

/* The last line: without an end, since that would scroll. */
static void add_keys(struct buf *out, const struct scroll *s, const struct parts *p)
{
	struct buf text = BUF_INIT;

	if (p->page < p->rows)
		buf_addf(&text, "lines %zu-%zu of %zu; arrows scroll, ", s->top + 1, s->top + p->page,
			p->rows);
	buf_adds(&text, "q ends");
	human_tint(out, TINT_DIM, s->colour);
	buf_add(out, text.ptr, s->width ? human_fit(text.ptr, s->width) : text.len);
	human_untint(out, s->colour);
	buf_adds(out, "\033[K");
	buf_release(&text);
}

void scroll_draw(struct scroll *s, const char *table, const char *verdict, struct buf *out)
{
	struct parts p = share(s, table, verdict);

	correct(s, &p);
	buf_adds(out, "\033[H");
	table = add_lines(out, table, 1);
	for (size_t i = 0; i < s->top; i++)
		table = line_after(table);
	add_lines(out, table, p.page);
	add_lines(out, verdict, p.verdict);
	add_keys(out, s, &p);
	buf_adds(out, "\033[J");
}
