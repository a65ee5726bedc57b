/* What a scene tells a herd that happened. */
#include "base/buf.h"
#include "base/str.h"
#include "in_words.h"
#include "scene_effects.h"
#include "scene_line.h"
#include "wire/notice.h"

const char *line_word(const struct line *l, size_t at)
{
	return at < l->count ? l->words[at] : "";
}

int64_t line_number(const struct line *l, size_t at)
{
	int64_t value = 0;

	(void)str_to_int(line_word(l, at), &value);
	return value;
}

bool line_has(const struct line *l, const char *flag)
{
	for (size_t k = 1; k < l->count; k++)
		if (str_eq(l->words[k], flag))
			return true;
	return false;
}

static void spawn_failed(struct fake *f, const struct line *l)
{
	herd_spawn_failed(f->h, fake_ticket(f, line_word(l, 1)),
		&REASON_OF(LAUNCH_FAILED, .number = line_number(l, 2), .text = line_word(l, 3)), f->now);
}

static void spawned(struct fake *f, const struct line *l)
{
	herd_spawned(f->h, fake_ticket(f, line_word(l, 1)), line_number(l, 2), f->now);
}

/* exit api:0 1 · exit api:0 -9 · exit api:0 unseen */
static void ends(struct fake *f, const struct line *l)
{
	int64_t how = line_number(l, 2);
	struct herd_exit end = {
		.code = str_eq(line_word(l, 2), "unseen") ? LAST_EXIT_UNSEEN
			: how < 0                         ? 0
							  : (int)how,
		.signal = how < 0 ? (int)-how : 0,
		.wall_ms = 1700000000123,
		.is_oom = line_has(l, "-oom"),
	};

	herd_exited(f->h, fake_ticket(f, line_word(l, 1)), &end, f->now);
	if (!f->is_manual && !line_has(l, "-tree"))
		fake_gone(f, line_word(l, 1));
}

static void gone(struct fake *f, const struct line *l)
{
	fake_gone(f, line_word(l, 1));
}

static void ready(struct fake *f, const struct line *l)
{
	herd_ready(f->h, fake_ticket(f, line_word(l, 1)), f->now);
}

static void told(struct fake *f, const struct line *l)
{
	struct notice n;
	struct buf text = BUF_INIT;

	for (size_t k = 2; k < l->count; k++)
		buf_addf(&text, "%s\n", l->words[k]);
	if (notice_read(&n, text.ptr, text.len))
		herd_notified(f->h, fake_ticket(f, line_word(l, 1)), &n, f->now);
	buf_release(&text);
}

static void probed(struct fake *f, const struct line *l)
{
	static const char *const answers[] = { "passed", "failed", "stranger", "unknown" };
	int answer = 0;

	(void)str_find(answers, 4, line_word(l, 2), &answer);
	fake_probed(f, line_word(l, 1), (enum probe_answer)answer, line_word(l, 3));
}

static void over(struct fake *f, const struct line *l)
{
	herd_over_limit(f->h, fake_ticket(f, line_word(l, 1)), SAID(line_word(l, 2)), f->now);
}

static void note(struct fake *f, const struct line *l)
{
	herd_note(f->h, fake_ticket(f, line_word(l, 1)), SAID(line_word(l, 2)), f->now);
}

static void port(struct fake *f, const struct line *l)
{
	if (str_eq(line_word(l, 2), "free"))
		herd_port_free(f->h, fake_ticket(f, line_word(l, 1)), f->now);
	else
		herd_port_taken(f->h, fake_ticket(f, line_word(l, 1)), line_number(l, 3),
			l->count > 4 ? line_word(l, 4) : NULL, f->now);
}

/* upstream api SERIAL set|unsure|back WORDS */
static void upstream(struct fake *f, const struct line *l)
{
	static const char *const outcomes[] = { "set", "unsure", "back" };
	int outcome = 0;

	(void)str_find(outcomes, 3, line_word(l, 3), &outcome);
	f->upstream[0] = '\0';
	herd_upstream_set(f->h, line_word(l, 1), (uint64_t)line_number(l, 2), (enum upstream_outcome)outcome,
		line_word(l, 4), f->now);
}

static void hooked(struct fake *f, const struct line *l)
{
	herd_hooked(f->h, line_word(l, 1), (uint64_t)line_number(l, 2), str_eq(line_word(l, 3), "ok"),
		line_word(l, 4), f->now);
}

static void drained(struct fake *f, const struct line *l)
{
	struct ticket t = fake_ticket(f, line_word(l, 1));

	fake_drop_drain(f, t);
	herd_drained(f->h, t, (size_t)line_number(l, 2), f->now);
}

static const struct {
	const char *word;
	void (*tell)(struct fake *f, const struct line *l);
} kinds[] = {
	{ "spawned", spawned },
	{ "spawn-failed", spawn_failed },
	{ "exit", ends },
	{ "gone", gone },
	{ "ready", ready },
	{ "says", told },
	{ "probed", probed },
	{ "over", over },
	{ "note", note },
	{ "port", port },
	{ "upstream", upstream },
	{ "hooked", hooked },
	{ "drained", drained },
};

bool scene_fact(struct fake *f, const struct line *l)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (!str_eq(kinds[k].word, line_word(l, 0)))
			continue;
		kinds[k].tell(f, l);
		return true;
	}
	return false;
}
