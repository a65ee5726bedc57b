#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "in_words.h"
#include "model/build.h"
#include "model/notes.h"
#include "model/oxfile.h"
#include "model/plan.h"
#include "model/wait_result.h"
#include "oxfiles.h"
#include "scene_effects.h"
#include "scene_line.h"
#include "view/plan.h"
#include "view/wait_text.h"

struct scene {
	struct fake f;
	struct oxfile *oxfile;
	bool is_paused; /* nothing is answered by itself */
	uint64_t request;
	struct notes notes;
	char key[32]; /* of the next line */
	bool is_refused;
};

/* What is on the disk of a scene: folders, each with the inode of its server.js; the last one named is the app's. */
struct release {
	char folder[64];
	int64_t inode;
};

static struct {
	struct release releases[8];
	size_t len, current;
} disk;

static const struct release *release_of(const char *folder)
{
	for (size_t k = 0; folder && k < disk.len; k++)
		if (str_eq(disk.releases[k].folder, folder))
			return &disk.releases[k];
	return folder ? NULL : &disk.releases[disk.current];
}

/* Words behind the command that are no flags. */
static size_t targets(const struct line *l, const char **found, size_t most)
{
	size_t count = 0;

	for (size_t k = 1; k < l->count && count < most; k++)
		if (*l->words[k] != '-')
			found[count++] = l->words[k];
	return count;
}

static void refused(struct scene *s, int rc, struct err *e)
{
	s->is_refused = rc < 0;
	if (rc < 0)
		buf_addf(&s->f.log, "refused (%d): %s\n", e->number, e->text.ptr);
	err_release(e);
}

/* --- requests ---------------------------------------------------------------------------------------------------------- */

static struct build *look(const struct fake *f, const struct build_query *effect)
{
	static char name[] = "server.js";
	static char path[] = "/srv/app/server.js";
	const struct release *r = release_of(effect->own ? effect->own->folder : NULL);
	struct build *b = build_new("/srv/app/current");
	struct build_file file = { .name = name, .path = path, .size = 10 };

	(void)f;
	if (!r)
		return b;
	b->folder = mem_strdup(r->folder);
	file.inode = r->inode;
	build_add(b, &file);
	return b;
}

static void did(void *context, const struct herd_deed *deed)
{
	static const char *const words[] = { "nothing", "add", "roll", "amend", "remove" };
	struct scene *s = context;

	buf_addf(&s->f.log, "did %s %s", deed->app, words[deed->did]);
	if (deed->build)
		buf_addf(&s->f.log, ", build %s", deed->build);
	if (deed->compared)
		buf_addf(&s->f.log, ", compared %s", deed->compared);
	buf_addc(&s->f.log, '\n');
}

static struct herd_apply apply_of(struct scene *s, const struct line *l, const char **only)
{
	struct herd_apply a = {
		.oxfile = "oxfile.toml",
		.specs = &s->oxfile->specs,
		.only = only,
		.only_count = targets(l, only, 8),
		.changes = !line_has(l, "-start"),
		.forces = line_has(l, "-force"),
		.prunes = line_has(l, "-prune"),
		.starts = !line_has(l, "-new"),
		.starts_new = line_has(l, "-new"),
		.waits_ready = line_has(l, "-wait"),
		.who = "uid 7",
		.caller = 3,
		.notes = &s->notes,
		.did = did,
		.did_context = s,
	};

	return a;
}

static void apply(struct scene *s, const struct line *l)
{
	const char *only[8];
	struct herd_apply a = apply_of(s, l, only);
	struct err e = ERR_INIT;

	a.id = ++s->request;
	refused(s, herd_apply(s->f.h, &a, s->f.now, &e), &e);
	if (s->notes.items.len)
		buf_addf(&s->f.log, "notes: %s\n", notes_words(&s->notes));
	notes_release(&s->notes);
}

static void plan(struct scene *s, const struct line *l)
{
	const char *only[8];
	struct herd_apply a = apply_of(s, l, only);
	struct plan p = PLAN_INIT;
	struct err e = ERR_INIT;
	int rc = herd_plan(s->f.h, &a, &p, &e);

	if (rc == 0)
		plan_render(&p, &s->f.log, 0, false);
	refused(s, rc, &e);
	plan_release(&p);
}

static void reload(struct scene *s, const struct line *l)
{
	const char *only[8];
	struct herd_apply a = apply_of(s, l, only);
	struct err e = ERR_INIT;

	a.id = ++s->request;
	a.oxfile = NULL;
	a.is_reload = a.forces = true;
	a.starts = false;
	refused(s, herd_apply(s->f.h, &a, s->f.now, &e), &e);
}

static void request(struct scene *s, const struct line *l)
{
	static const struct {
		const char *word;
		enum herd_verb verb;
	} verbs[] = {
		{ "start", HERD_START },
		{ "stop", HERD_STOP },
		{ "restart", HERD_RESTART },
		{ "delete", HERD_DELETE },
		{ "reset", HERD_RESET },
		{ "signal", HERD_SIGNAL },
	};
	const char *names[8];
	struct herd_request r = {
		.id = ++s->request,
		.targets = names,
		.waits_ready = line_has(l, "-wait"),
		.is_alone = line_has(l, "-alone"),
		.signal = "SIGHUP",
		.who = "uid 7",
	};
	struct err e = ERR_INIT;

	for (size_t k = 0; k < sizeof(verbs) / sizeof(verbs[0]); k++)
		if (str_eq(verbs[k].word, line_word(l, 0)))
			r.verb = verbs[k].verb;
	r.count = targets(l, names, 8);
	refused(s, herd_request(s->f.h, &r, s->f.now, &e), &e);
}

/* scale api 3 · scale api +2 · scale api -1 */
static void scale(struct scene *s, const struct line *l)
{
	const char *by = line_word(l, 2);
	struct herd_scaling scaling = { .app = line_word(l, 1), .who = "uid 7" };
	struct err e = ERR_INIT;

	scaling.is_relative = *by == '+' || *by == '-';
	scaling.delta = (int)line_number(l, 2);
	scaling.count = (struct count){ .kind = COUNT_NUMBER, .value = scaling.delta };
	refused(s, herd_scale(s->f.h, ++s->request, &scaling, 1, line_has(l, "-wait"), s->f.now, &e), &e);
}

static void steer(struct scene *s, const struct line *l)
{
	enum herd_steering what = HERD_ROLLBACK;
	struct err e = ERR_INIT;

	if (str_eq(line_word(l, 0), "continue"))
		what = HERD_CONTINUE;
	else if (str_eq(line_word(l, 0), "abort"))
		what = HERD_ABORT;
	else if (line_has(l, "-definition"))
		what = HERD_ROLLBACK_DEFINITION;
	refused(s, herd_steer(s->f.h, ++s->request, what, line_word(l, 1), s->f.now, &e), &e);
}

static void await(struct scene *s, const struct line *l)
{
	const char *names[8];
	size_t count = targets(l, names, 8);
	struct err e = ERR_INIT;

	refused(s, herd_await_rollouts(s->f.h, ++s->request, names, count, s->f.now, &e), &e);
}

static void shut_down(struct scene *s, const struct line *l)
{
	herd_shutdown(s->f.h, ++s->request, line_number(l, 1), s->f.now);
}

static void forget(struct scene *s, const struct line *l)
{
	herd_forget_request(s->f.h, (uint64_t)line_number(l, 1));
}

/* --- the world --------------------------------------------------------------------------------------------------------- */

static void pass(struct scene *s, const struct line *l)
{
	fake_pass(&s->f, line_number(l, 1));
}

static void paused(struct scene *s, const struct line *l)
{
	s->is_paused = s->f.is_manual = !str_eq(line_word(l, 1), "off");
}

static void answer(struct scene *s, const struct line *l)
{
	(void)l;
	s->f.is_manual = false;
	fake_answer(&s->f);
	s->f.is_manual = s->is_paused;
}

static void unready(struct scene *s, const struct line *l)
{
	s->f.is_never_ready = !str_eq(line_word(l, 1), "off");
}

static void listened(struct scene *s, const struct line *l)
{
	s->f.listened = (int)line_number(l, 1);
}

static void lives(struct scene *s, const struct line *l)
{
	fake_live(&s->f, line_number(l, 1));
}

/* build releases/1 7: the folder that the app's really is now, and the inode of its server.js; 0: it is gone. */
static void build(struct scene *s, const struct line *l)
{
	struct release *r = NULL;
	char folder[64];

	(void)snprintf(folder, sizeof(folder), "/srv/app/%s", line_word(l, 1));
	for (size_t k = 0; k < disk.len; k++)
		if (str_eq(disk.releases[k].folder, folder))
			r = &disk.releases[k];
	if (!r && disk.len < sizeof(disk.releases) / sizeof(disk.releases[0]))
		r = &disk.releases[disk.len++];
	if (!r)
		return;
	memcpy(r->folder, folder, sizeof(folder));
	r->inode = line_number(l, 2);
	if (r->inode)
		disk.current = (size_t)(r - disk.releases);
	else
		r->folder[0] = '\0';
	s->f.look = look;
}

/* key K: the next line is asked with this key. */
static void key(struct scene *s, const struct line *l)
{
	(void)snprintf(s->key, sizeof(s->key), "%s", line_word(l, 1));
}

/* again K: the same is asked once more. */
static void again(struct scene *s, const struct line *l)
{
	struct herd_receipt receipt = { .is_done = false };
	struct buf words = BUF_INIT;

	if (!herd_receipt_find(s->f.h, line_word(l, 1), &receipt)) {
		buf_adds(&s->f.log, "never asked\n");
		return;
	}
	wait_results_text(receipt.results, &words);
	buf_addf(&s->f.log, "asked before, %s%s: %s (%s)\n", receipt.is_done ? "over" : "not over",
		receipt.is_done && !receipt.results->is_ok ? ", failed" : "", words.ptr,
		receipt.text ? receipt.text : "");
	buf_release(&words);
	herd_receipt_wait(s->f.h, line_word(l, 1), ++s->request);
}

static void rebirth(struct scene *s, const struct line *l)
{
	(void)l;
	scene_rebirth(&s->f);
}

static void status(struct scene *s, const struct line *l)
{
	(void)l;
	scene_status(&s->f);
}

static void past(struct scene *s, const struct line *l)
{
	scene_past(&s->f, line_word(l, 1));
}

static void counts(struct scene *s, const struct line *l)
{
	(void)l;
	scene_counts(&s->f);
}

static const struct {
	const char *word;
	void (*play)(struct scene *s, const struct line *l);
	bool is_quiet; /* what is asked about is not answered first */
} acts[] = {
	{ "deploy", apply, false },
	{ "plan", plan, true },
	{ "reload", reload, false },
	{ "start", request, false },
	{ "stop", request, false },
	{ "restart", request, false },
	{ "delete", request, false },
	{ "reset", request, false },
	{ "signal", request, false },
	{ "scale", scale, false },
	{ "continue", steer, false },
	{ "abort", steer, false },
	{ "rollback", steer, false },
	{ "await", await, false },
	{ "shutdown", shut_down, false },
	{ "forget", forget, false },
	{ "pass", pass, false },
	{ "live", lives, false },
	{ "paused", paused, true },
	{ "answer", answer, false },
	{ "unready", unready, true },
	{ "listened", listened, true },
	{ "rebirth", rebirth, false },
	{ "build", build, true },
	{ "key", key, true },
	{ "again", again, false },
	{ "status", status, true },
	{ "past", past, true },
	{ "counts", counts, true },
};

static void play_act(struct scene *s, size_t at, const struct line *l)
{
	char key_of_line[sizeof(s->key)];

	memcpy(key_of_line, s->key, sizeof(key_of_line));
	s->key[0] = '\0';
	if (key_of_line[0])
		herd_receipt_open(s->f.h, key_of_line, s->f.now);
	acts[at].play(s, l);
	if (key_of_line[0])
		herd_receipt_close(s->f.h, s->is_refused ? NULL : "{}");
}

static bool play_line(struct scene *s, const char *text, struct buf *out)
{
	struct err e = ERR_INIT;
	struct line l = { .words = argv_split(text, &e) };
	bool is_known = false;
	bool is_good = true;

	l.count = l.words ? argv_count(l.words) : 0;
	for (size_t k = 0; k < sizeof(acts) / sizeof(acts[0]) && !is_known; k++) {
		if (!str_eq(acts[k].word, line_word(&l, 0)))
			continue;
		is_known = true;
		play_act(s, k, &l);
		if (!acts[k].is_quiet)
			fake_answer(&s->f);
	}
	if (!is_known && scene_fact(&s->f, &l)) {
		is_known = true;
		fake_answer(&s->f);
	}
	if (!is_known)
		buf_addf(&s->f.log, "NO SUCH LINE: %s\n", text);
	is_good = is_known && scene_is_remembered(&s->f, out);
	argv_free(l.words);
	err_release(&e);
	return is_good;
}

/* One that is not valid leaves the one before it. */
static void read_oxfile(struct scene *s, const struct buf *text)
{
	struct diags d = DIAGS_INIT;
	struct oxfile *o = read_with(text->ptr, NULL, &d);

	if (o) {
		oxfile_free(s->oxfile);
		s->oxfile = o;
	} else {
		buf_adds(&s->f.log, "not valid\n");
	}
	diags_release(&d);
}

static void flush(struct scene *s, struct buf *out)
{
	const char *at = s->f.log.ptr;

	while (*at) {
		size_t len = strcspn(at, "\n");

		buf_addf(out, "  %.*s\n", (int)len, at);
		at += len + (at[len] == '\n');
	}
	buf_clear(&s->f.log);
}

/* "$ oxfile" and the lines below it that begin with a bar. */
static const char *take_oxfile(struct scene *s, const char *at, struct buf *out)
{
	struct buf text = BUF_INIT;

	while (*at == '|') {
		size_t len = strcspn(at, "\n");

		buf_add(out, at, len);
		buf_addc(out, '\n');
		buf_add(&text, at + 1, len - 1);
		buf_addc(&text, '\n');
		at += len + (at[len] == '\n');
	}
	read_oxfile(s, &text);
	buf_release(&text);
	return at;
}

bool scene_play(const char *text, struct buf *out)
{
	struct scene s = { .oxfile = NULL };
	bool is_good = true;

	memset(&disk, 0, sizeof(disk));
	scene_begin(&s.f);
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n");
		char *line = mem_strndup(at, len);

		at += len + (at[len] == '\n');
		if (*line != ' ')
			buf_addf(out, "%s\n", line);
		if (str_eq(line, "$ oxfile"))
			at = take_oxfile(&s, at, out);
		else if (*line == '$')
			is_good &= play_line(&s, line + 2, out);
		flush(&s, out);
		mem_free(line);
	}
	oxfile_free(s.oxfile);
	notes_release(&s.notes);
	fake_release(&s.f);
	return is_good;
}
