#include "model/build.h"

#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

enum {
	COMMIT_SHOWN = 7,
	NAMES_SHOWN = 5, /* more files than that are counted */
};

struct build *build_new(const char *named)
{
	struct build *b = mem_zalloc(1, sizeof(*b));

	b->named = mem_strdup(named);
	return b;
}

void build_free(struct build *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->len; i++) {
		mem_free(b->files[i].name);
		mem_free(b->files[i].path);
		mem_free(b->files[i].at);
	}
	mem_free(b->files);
	mem_free(b->named);
	mem_free(b->folder);
	mem_free(b->commit);
	mem_free(b->tree);
	mem_free(b);
}

static const struct build_file *find_build_file(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->len; i++)
		if (!strcmp(b->files[i].name, name))
			return &b->files[i];
	return NULL;
}

void build_add(struct build *b, const struct build_file *file)
{
	struct build_file *copy = NULL;

	if (b->len == BUILD_FILES_MAX || find_build_file(b, file->name))
		return;
	b->files = mem_resize(b->files, b->len + 1, sizeof(*b->files));
	copy = &b->files[b->len++];
	*copy = *file;
	copy->name = mem_strdup(file->name);
	copy->path = mem_strdup(file->path);
	copy->at = mem_strdup(file->at);
}

void build_learn(struct build *b, const struct build *now)
{
	for (size_t i = 0; i < now->len; i++)
		build_add(b, &now->files[i]);
	if (!b->commit && now->commit) {
		mem_free(b->tree);
		b->commit = mem_strdup(now->commit);
		b->tree = mem_strdup(now->tree);
	}
}

/* --- words --------------------------------------------------------------------------------------------------------------- */

static void add_between(struct buf *words, const char *between)
{
	if (words->len)
		buf_adds(words, between);
}

/* How much both have in front, up to and with a slash. */
static size_t common_front(const char *a, const char *b)
{
	size_t len = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			len = i + 1;
	return len;
}

/* How much both have at the end, from a slash on. */
static size_t common_end(const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	size_t len = 0;

	for (size_t i = 1; i < a_len && i < b_len && a[a_len - i] == b[b_len - i]; i++)
		if (a[a_len - i] == '/')
			len = i;
	return len;
}

/* "current" and "releases/2" of "/srv/current/web" and "/srv/releases/2/web"; where they have only the root in common, whole paths.  False, and nothing: they differ in no such way. */
static bool add_link(const char *named, const char *real, struct buf *words)
{
	size_t front = common_front(named, real);
	size_t end = common_end(named, real);

	if (front <= 1)
		front = 0;
	if (str_eq(named, real) || front + end >= strlen(named) || front + end >= strlen(real))
		return false;
	buf_add(words, named + front, strlen(named) - front - end);
	buf_adds(words, " -> ");
	buf_add(words, real + front, strlen(real) - front - end);
	return true;
}

static void link_words(const char *named, const char *real, struct buf *words)
{
	if (!add_link(named, real, words))
		buf_adds(words, real);
}

void build_folder_words(const struct build *b, struct buf *words)
{
	const char *folder = b->folder ? b->folder : b->named;
	size_t front = common_front(b->named, folder);

	buf_adds(words, front > 1 && !str_eq(b->named, folder) ? folder + front : folder);
}

static void commit_words(const char *commit, struct buf *words)
{
	buf_addf(words, "%.*s", COMMIT_SHOWN, commit);
}

/* Names as one list, of which only the first few are said. */
struct name_list {
	struct buf *words;
	size_t count;
};

static void names_add(struct name_list *n, const char *name)
{
	if (n->count++ >= NAMES_SHOWN)
		return;
	add_between(n->words, ", ");
	buf_adds(n->words, name);
}

static void names_end(const struct name_list *n)
{
	if (n->count > NAMES_SHOWN)
		buf_addf(n->words, ", %zu more file%s", n->count - NAMES_SHOWN,
			n->count - NAMES_SHOWN == 1 ? "" : "s");
}

/* --- comparing ----------------------------------------------------------------------------------------------------------- */

static bool same_file(const struct build_file *a, const struct build_file *b)
{
	return str_eq(a->path, b->path) && a->inode == b->inode && a->size == b->size &&
		a->mtime_ns == b->mtime_ns;
}

static bool folder_differs(const struct build *from, const struct build *to, struct buf *words)
{
	if (!from->folder || str_eq(from->folder, to->folder))
		return false;
	if (!to->folder)
		buf_addf(words, "%s is gone", to->named);
	else if (str_eq(to->named, to->folder))
		buf_addf(words, "%s -> %s", from->folder, to->folder);
	else
		link_words(to->named, to->folder, words);
	return true;
}

static void file_words(
	const struct build *b, const struct build_file *from, const struct build_file *to, struct buf *words)
{
	char *named = path_join(b->folder, to->name);
	bool is_led = !to->is_found && from->at && to->at && !str_eq(from->at, to->at);

	/* Behind a "cd" its name alone does not tell the link. */
	if (!is_led)
		buf_adds(words, to->name);
	else if (!add_link(named, to->at, words))
		buf_addf(words, "%s: %s -> %s", to->name, from->at, to->at);
	mem_free(named);
	if (to->is_found && !str_eq(from->path, to->path))
		buf_addf(words, ": %s -> %s", from->path, to->path);
}

static void files_differ(const struct build *from, const struct build *to, bool has_moved, struct buf *words)
{
	struct name_list names = { .words = words };

	for (size_t i = 0; i < to->len; i++) {
		const struct build_file *old = find_build_file(from, to->files[i].name);
		struct buf one = BUF_INIT;

		/* In another folder all of them are others. */
		if (!old || same_file(old, &to->files[i]) || (has_moved && !to->files[i].is_found))
			continue;
		file_words(to, old, &to->files[i], &one);
		names_add(&names, one.ptr);
		buf_release(&one);
	}
	names_end(&names);
}

static void commit_differs(const struct build *from, const struct build *to, struct buf *words)
{
	if (!from->commit || !to->commit || str_eq(from->commit, to->commit))
		return;
	add_between(words, ", ");
	buf_adds(words, "git commit ");
	commit_words(from->commit, words);
	buf_adds(words, " -> ");
	commit_words(to->commit, words);
}

bool build_differs(const struct build *from, const struct build *to, struct buf *words)
{
	struct buf found = BUF_INIT;
	bool differs = false;

	if (from && to) {
		bool has_moved = folder_differs(from, to, &found);

		files_differ(from, to, has_moved, &found);
		commit_differs(from, to, &found);
	}
	differs = found.len > 0;
	if (differs && words)
		buf_adds(words, found.ptr);
	buf_release(&found);
	return differs;
}

void build_compared(const struct spec *s, const struct build *from, const struct build *to, struct buf *words)
{
	struct name_list names = { .words = words };

	buf_adds(words, "definition");
	for (size_t i = 0; i < s->env_file.len; i++)
		names_add(&names, s->env_file.items[i]);
	if (from && to && to->folder && !str_eq(to->named, to->folder)) {
		add_between(words, ", ");
		link_words(to->named, to->folder, words);
	}
	for (size_t i = 0; from && to && i < to->len; i++)
		if (find_build_file(from, to->files[i].name))
			names_add(&names, to->files[i].name);
	names_end(&names);
	if (from && to && from->commit && to->commit) {
		buf_adds(words, ", git commit ");
		commit_words(to->commit, words);
	}
}

/* --- the way back -------------------------------------------------------------------------------------------------------- */

/* A work tree that holds the folders of both says nothing of one of them. */
static bool commit_counts(const struct build *was, const struct build *now, const struct build *running)
{
	if (!was->commit || !now->commit || str_eq(was->commit, now->commit))
		return false;
	return !running || str_eq(running->folder, was->folder) || !str_eq(running->tree, was->tree);
}

static void files_lost(const struct build *was, const struct build *now, struct buf *words)
{
	struct name_list names = { .words = words };

	for (size_t i = 0; i < was->len; i++) {
		const struct build_file *is = find_build_file(now, was->files[i].name);
		struct buf one = BUF_INIT;

		if (was->files[i].is_found || (is && same_file(&was->files[i], is)))
			continue;
		buf_addf(&one, "%s %s", was->files[i].name, is ? "was replaced" : "is gone");
		names_add(&names, one.ptr);
		buf_release(&one);
	}
	names_end(&names);
}

bool build_is_lost(
	const struct build *was, const struct build *now, const struct build *running, struct buf *words)
{
	struct buf found = BUF_INIT;
	bool is_lost = false;

	if (!was || !was->folder || !now)
		return false;
	if (!str_eq(was->folder, now->folder)) {
		build_folder_words(was, &found);
		buf_adds(&found, " is gone");
	} else {
		files_lost(was, now, &found);
		if (commit_counts(was, now, running)) {
			add_between(&found, ", ");
			buf_adds(&found, "git commit ");
			commit_words(was->commit, &found);
			buf_adds(&found, " was replaced by ");
			commit_words(now->commit, &found);
		}
	}
	is_lost = found.len > 0;
	if (is_lost && words)
		buf_adds(words, found.ptr);
	buf_release(&found);
	return is_lost;
}

const char *build_place(const struct build *b, const char *name)
{
	const struct build_file *file = find_build_file(b, name);
	char *plain = file && file->at && !file->is_found ? path_join(b->folder, name) : NULL;
	bool is_elsewhere = plain && !str_eq(plain, file->at);

	mem_free(plain);
	return is_elsewhere ? file->at : NULL;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------ */

void build_write(const struct build *b, const char *key, struct buf *out)
{
	emit_open(out, key, '{');
	emit_string(out, "named", b->named);
	emit_string(out, "folder", b->folder);
	if (b->commit)
		emit_string(out, "commit", b->commit);
	if (b->tree)
		emit_string(out, "tree", b->tree);
	emit_open(out, "files", '[');
	for (size_t i = 0; i < b->len; i++) {
		emit_open(out, NULL, '{');
		emit_string(out, "name", b->files[i].name);
		emit_string(out, "path", b->files[i].path);
		if (b->files[i].at)
			emit_string(out, "at", b->files[i].at);
		emit_int(out, "inode", b->files[i].inode);
		emit_int(out, "size", b->files[i].size);
		emit_int(out, "mtime_ns", b->files[i].mtime_ns);
		if (b->files[i].is_found)
			emit_bool(out, "is_found", true);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	emit_close(out, '}');
}

static void read_build_file(struct build *b, const struct json *j)
{
	struct build_file file = {
		.name = (char *)json_string(json_get(j, "name"), NULL),
		.path = (char *)json_string(json_get(j, "path"), NULL),
		.at = (char *)json_string(json_get(j, "at"), NULL),
		.is_found = json_bool(json_get(j, "is_found"), false),
	};

	if (file.name && file.path && json_int(json_get(j, "inode"), &file.inode) &&
		json_int(json_get(j, "size"), &file.size) &&
		json_int(json_get(j, "mtime_ns"), &file.mtime_ns))
		build_add(b, &file);
}

struct build *build_from_json(const struct json *j)
{
	const char *named = json_string(json_get(j, "named"), NULL);
	const struct json *file = NULL;
	struct build *b = NULL;

	if (!named)
		return NULL;
	b = build_new(named);
	b->folder = mem_strdup(json_string(json_get(j, "folder"), NULL));
	b->commit = mem_strdup(json_string(json_get(j, "commit"), NULL));
	b->tree = mem_strdup(json_string(json_get(j, "tree"), NULL));
	JSON_EACH (json_get(j, "files"), file) {
		read_build_file(b, file);
	}
	return b;
}
