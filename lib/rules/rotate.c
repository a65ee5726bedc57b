#include "rules/rotate.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"

/* One rotation in the making. */
struct round {
	const char *path;
	bool (*exists)(void *context, const char *path);
	void *context;
	struct vec *steps;
	int64_t keep; /* max_files, within bounds */
	int64_t gap;  /* the lowest number that nobody has; keep + 1 if there is none */
};

/* How an older file may lie there. */
struct sibling {
	bool is_plain;
	bool is_compressed;
};

static char *sibling_name(const struct round *r, int64_t number, bool is_compressed)
{
	struct buf name = BUF_INIT;

	ASSERT(number >= 0 && number <= 2LL * ROTATE_FILES_MAX + 1, "%s has a sibling %lld", r->path,
		(long long)number);
	buf_adds(&name, r->path);
	if (number)
		buf_addf(&name, ".%" PRId64 "%s", number, is_compressed ? ".gz" : "");
	return buf_detach(&name);
}

static bool has_sibling(const struct round *r, int64_t number, bool is_compressed)
{
	char *name = sibling_name(r, number, is_compressed);
	bool found = r->exists(r->context, name);

	mem_free(name);
	return found;
}

static struct sibling find_sibling(const struct round *r, int64_t number)
{
	return (struct sibling){
		.is_plain = has_sibling(r, number, false),
		.is_compressed = has_sibling(r, number, true),
	};
}

static bool is_absent(struct sibling s)
{
	return !s.is_plain && !s.is_compressed;
}

static void add_rename(struct round *r, enum rotate_verb verb, char *from, char *to)
{
	struct rotate_step *step = mem_zalloc(1, sizeof(*step));

	ASSERT(from && (verb == ROTATE_REMOVE) == !to, "a step of the rotation of %s has the wrong names",
		r->path);
	*step = (struct rotate_step){ .verb = verb, .from = from, .to = to };
	vec_push(r->steps, step);
}

static void add_removal(struct round *r, int64_t number, struct sibling s)
{
	ASSERT(number > 0, "%s itself is removed as too old", r->path);
	if (s.is_compressed)
		add_rename(r, ROTATE_REMOVE, sibling_name(r, number, true), NULL);
	if (s.is_plain)
		add_rename(r, ROTATE_REMOVE, sibling_name(r, number, false), NULL);
}

/* Numbers beyond what is kept, left by a larger max_files; from the top, so that a crash leaves no hole below the rest. */
static void remove_surplus(struct round *r)
{
	int64_t top = r->keep;

	while (top < 2LL * ROTATE_FILES_MAX && !is_absent(find_sibling(r, top + 1)))
		top++;
	for (int64_t n = top; n > r->keep; n--)
		add_removal(r, n, find_sibling(r, n));
}

/*
 * Both forms of one number are what a crash leaves in the middle of compressing: the plain one is whole, the other may not be.
 * Files only move up as far as the first gap, so that a round which was cut off is finished by the next without dropping more.
 */
static void shift_siblings(struct round *r)
{
	for (r->gap = 1; r->gap <= r->keep; r->gap++) {
		struct sibling s = find_sibling(r, r->gap);

		if (is_absent(s))
			return;
		if (r->gap == r->keep)
			add_removal(r, r->gap, s);
		else if (s.is_plain && s.is_compressed)
			add_rename(r, ROTATE_REMOVE, sibling_name(r, r->gap, true), NULL);
	}
	r->gap = r->keep;
}

static void shift(struct round *r)
{
	ASSERT(r->gap >= 1 && r->gap <= r->keep, "%s is moved up to %lld of %lld", r->path, (long long)r->gap,
		(long long)r->keep);
	for (int64_t n = r->gap - 1; n >= 0; n--) {
		bool is_compressed = n && !has_sibling(r, n, false);

		add_rename(r, ROTATE_RENAME, sibling_name(r, n, is_compressed),
			sibling_name(r, n + 1, is_compressed));
	}
}

/* Every plain one that has just moved, not the newest alone: an earlier round may have ended before its compression. */
static void compress(struct round *r)
{
	ASSERT(r->gap >= 1 && r->gap <= r->keep, "%s is compressed up to %lld of %lld", r->path,
		(long long)r->gap, (long long)r->keep);
	for (int64_t n = 1; n <= r->gap; n++)
		if (n == 1 || has_sibling(r, n - 1, false))
			add_rename(r, ROTATE_COMPRESS, sibling_name(r, n, false), sibling_name(r, n, true));
}

bool rotate_is_due(const struct rotate_policy *p, int64_t size, int64_t more)
{
	ASSERT(more >= 0, "%lld bytes are to be written", (long long)more);
	if (p->max_size_bytes <= 0 || size <= 0)
		return false;
	return more > p->max_size_bytes - size;
}

size_t rotate_cut(
	const struct rotate_policy *p, int64_t size, bool is_mid_line, const char *bytes, size_t len)
{
	const char *end = NULL;

	ASSERT(bytes || !len, "%zu bytes of a log are nowhere", len);
	if (!rotate_is_due(p, size, (int64_t)len))
		return len;
	if (!is_mid_line)
		return 0;
	end = memchr(bytes, '\n', len);
	if (end)
		return (size_t)(end - bytes) + 1;
	return size > p->max_size_bytes && size - p->max_size_bytes > ROTATE_LINE_MAX ? 0 : len;
}

void rotate_plan(const struct rotate_policy *p, const char *path,
	bool (*exists)(void *context, const char *path), void *context, struct vec *steps)
{
	struct round r = {
		.path = path,
		.exists = exists,
		.context = context,
		.steps = steps,
		.keep = p->max_files < ROTATE_FILES_MAX ? p->max_files : ROTATE_FILES_MAX,
	};

	ASSERT(path && *path && steps, "a log without a name is rotated");
	if (r.keep < 0)
		r.keep = 0;
	remove_surplus(&r);
	if (!exists(context, path))
		return;
	if (!r.keep) {
		add_rename(&r, ROTATE_REMOVE, sibling_name(&r, 0, false), NULL);
		return;
	}
	shift_siblings(&r);
	shift(&r);
	if (p->compress)
		compress(&r);
}

void rotate_step_free(void *step)
{
	struct rotate_step *s = step;

	if (!s)
		return;
	mem_free(s->from);
	mem_free(s->to);
	mem_free(s);
}
