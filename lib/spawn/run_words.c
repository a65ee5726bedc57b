#include "spawn/run_words.h"

bool run_went_well(const struct run_result *r)
{
	return r->end == RUN_EXITED && !r->signal && !r->code;
}

static void add_run_command(const struct command *c, struct buf *out)
{
	if (c->text) {
		buf_adds(out, c->text);
		return;
	}
	for (char **word = c->argv; *word; word++)
		buf_addf(out, "%s%s", word == c->argv ? "" : " ", *word);
}

void run_failure_words(const struct command *c, const struct run_result *r, struct buf *out)
{
	size_t len = r->tail_len < RUN_WORDS_MAX ? r->tail_len : RUN_WORDS_MAX;
	const char *tail = r->tail_len ? r->tail + r->tail_len - len : "";

	while (len && (tail[len - 1] == '\n' || tail[len - 1] == ' '))
		len--;
	buf_addc(out, '\'');
	add_run_command(c, out);
	buf_addf(out, "' failed (%s)%s", r->words, len ? ": " : "");
	for (size_t i = 0; i < len; i++)
		buf_addc(out, (char)((unsigned char)tail[i] < ' ' ? ' ' : tail[i]));
}
