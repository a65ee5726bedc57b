#include "engine/logturn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "engine/gzip.h"
#include "os/file.h"
#include "wire/marks.h"

static bool is_there(void *context, const char *path)
{
	(void)context;
	return file_exists(path);
}

static void move_marks(const char *from, const char *to)
{
	struct buf old = BUF_INIT;
	struct buf new = BUF_INIT;

	marks_path(&old, from);
	marks_path(&new, to);
	(void)rename(old.ptr, new.ptr);
	buf_release(&old);
	buf_release(&new);
}

static void remove_marks(const char *log)
{
	struct buf path = BUF_INIT;

	marks_path(&path, log);
	(void)unlink(path.ptr);
	buf_release(&path);
}

/*
 * Marks move before their log: a kill in between leaves the log under a name without marks, and the same step is taken again.  The other
 * way round they would lie beside another log.
 */
static int take_rename(const struct rotate_step *step, struct gzip *gzip, struct err *e)
{
	move_marks(step->from, step->to);
	if (rename(step->from, step->to) < 0) {
		err_sys(e, errno, "cannot rename '%s' to '%s'", step->from, step->to);
		move_marks(step->to, step->from);
		return -1;
	}
	gzip_moved(gzip, step->from, step->to);
	return 0;
}

static int take_removal(const struct rotate_step *step, struct gzip *gzip, struct err *e)
{
	size_t len = strlen(step->from);

	gzip_removed(gzip, step->from);
	if (unlink(step->from) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove '%s'", step->from);
	/* The plain one beside it has the same marks. */
	if (len > 3 && !strcmp(step->from + len - 3, ".gz")) {
		struct buf plain = BUF_INIT;
		bool is_kept = false;

		buf_add(&plain, step->from, len - 3);
		is_kept = file_exists(plain.ptr);
		buf_release(&plain);
		if (is_kept)
			return 0;
	}
	remove_marks(step->from);
	return 0;
}

static int take_step(const struct rotate_step *step, struct gzip *gzip, struct err *e)
{
	switch (step->verb) {
	case ROTATE_RENAME:
		return take_rename(step, gzip, e);
	case ROTATE_REMOVE:
		return take_removal(step, gzip, e);
	case ROTATE_COMPRESS:
		gzip_add(gzip, step->from);
	}
	return 0;
}

int logturn(const char *path, const struct rotate_policy *p, struct gzip *gzip, struct err *e)
{
	struct vec steps = VEC_INIT;
	int rc = 0;

	rotate_plan(p, path, is_there, NULL, &steps);
	for (size_t i = 0; i < steps.len && rc == 0; i++)
		rc = take_step(steps.items[i], gzip, e);
	vec_release_with(&steps, rotate_step_free);
	return rc;
}

static void name_of(struct buf *out, const char *path, int64_t number, const char *end)
{
	buf_clear(out);
	buf_addf(out, "%s.%" PRId64 "%s", path, number, end);
}

/* The marks of `path` have moved, and it has not. */
static void heal_marks(const char *path)
{
	struct buf marks = BUF_INIT;
	struct buf first = BUF_INIT;
	bool is_apart = false;

	marks_path(&marks, path);
	if (file_exists(path) && !file_exists(marks.ptr)) {
		name_of(&first, path, 1, ".gz");
		is_apart = !file_exists(first.ptr);
		name_of(&first, path, 1, "");
		is_apart = is_apart && !file_exists(first.ptr);
	}
	if (is_apart)
		move_marks(first.ptr, path);
	buf_release(&marks);
	buf_release(&first);
}

void logturn_heal(const char *path, const struct rotate_policy *p, struct gzip *gzip)
{
	struct buf name = BUF_INIT;
	bool is_more = p->compress;

	heal_marks(path);
	for (int64_t n = 1; is_more && n <= p->max_files; n++) {
		name_of(&name, path, n, "");
		gzip_tidy(gzip, name.ptr);
		is_more = file_exists(name.ptr);
		if (is_more)
			gzip_add(gzip, name.ptr);
		name_of(&name, path, n, ".gz");
		is_more = is_more || file_exists(name.ptr);
	}
	buf_release(&name);
}
