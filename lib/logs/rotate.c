#include "logs/rotate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "base/vec.h"
#include "logs/compress.h"
#include "logs/location.h"
#include "os/folder.h"
#include "wire/marks.h"

/* The log and its siblings are in one folder, open from the first step to the last. */
struct turn {
	const struct log_location *log;
	struct compressor *compressor;
	struct folder folder;
};

static bool is_path_there(void *context, const char *path)
{
	const struct turn *t = context;

	return folder_has(&t->folder, path_base(path));
}

static void move_marks(const struct turn *t, const char *from, const char *to)
{
	struct buf old = BUF_INIT;
	struct buf new = BUF_INIT;

	marks_path(&old, path_base(from));
	marks_path(&new, path_base(to));
	(void)folder_rename(&t->folder, old.ptr, new.ptr);
	buf_release(&old);
	buf_release(&new);
}

static void remove_marks(const struct turn *t, const char *log)
{
	struct buf name = BUF_INIT;

	marks_path(&name, path_base(log));
	(void)folder_unlink(&t->folder, name.ptr);
	buf_release(&name);
}

/*
 * Marks move before their log: a kill in between leaves the log under a name without marks, and the same step is taken again.  The other
 * way round they would lie beside another log.
 */
static int take_rename(const struct turn *t, const struct rotate_step *step, struct err *e)
{
	move_marks(t, step->from, step->to);
	if (folder_rename(&t->folder, path_base(step->from), path_base(step->to)) < 0) {
		err_sys(e, errno, "cannot rename '%s' to '%s'", step->from, step->to);
		move_marks(t, step->to, step->from);
		return -1;
	}
	compressor_moved(t->compressor, step->from, step->to);
	return 0;
}

static int take_removal(const struct turn *t, const struct rotate_step *step, struct err *e)
{
	const char *name = path_base(step->from);
	size_t len = strlen(name);

	compressor_removed(t->compressor, step->from);
	if (folder_unlink(&t->folder, name) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove '%s'", step->from);
	/* The plain one beside it has the same marks. */
	if (len > 3 && !strcmp(name + len - 3, ".gz")) {
		struct buf plain = BUF_INIT;
		bool is_kept = false;

		buf_add(&plain, name, len - 3);
		is_kept = folder_has(&t->folder, plain.ptr);
		buf_release(&plain);
		if (is_kept)
			return 0;
	}
	/* Those of the log itself say that its folder is ours (logplace.h), and are emptied when it begins anew. */
	if (strcmp(step->from, t->log->path) != 0)
		remove_marks(t, step->from);
	return 0;
}

static int take_step(const struct turn *t, const struct rotate_step *step, struct err *e)
{
	switch (step->verb) {
	case ROTATE_RENAME:
		return take_rename(t, step, e);
	case ROTATE_REMOVE:
		return take_removal(t, step, e);
	case ROTATE_COMPRESS:
		compressor_add(t->compressor, step->from, t->log->rights);
	}
	return 0;
}

int rotate_now(const struct log_location *log, const struct rotate_policy *p, struct compressor *compressor,
	struct err *e)
{
	struct turn t = { .log = log, .compressor = compressor };
	struct vec steps = VEC_INIT;
	int rc = log_folder(&t.folder, log->path, log->rights, 0, e);

	if (rc < 0)
		return err_prefix(e, "cannot open the folder of '%s'", log->path);
	rotate_plan(p, log->path, is_path_there, &t, &steps);
	for (size_t i = 0; i < steps.len && rc == 0; i++)
		rc = take_step(&t, steps.items[i], e);
	vec_release_with(&steps, rotate_step_free);
	folder_close(&t.folder);
	return rc;
}

static void rotated_name(struct buf *out, const char *path, int64_t number, const char *end)
{
	buf_clear(out);
	buf_addf(out, "%s.%" PRId64 "%s", path, number, end);
}

/* The marks of the log have moved, and it has not. */
static void heal_marks(const struct turn *t)
{
	const char *name = path_base(t->log->path);
	struct buf marks = BUF_INIT;
	struct buf first = BUF_INIT;
	bool is_apart = false;

	marks_path(&marks, name);
	if (folder_has(&t->folder, name) && !folder_has(&t->folder, marks.ptr)) {
		rotated_name(&first, name, 1, ".gz");
		is_apart = !folder_has(&t->folder, first.ptr);
		rotated_name(&first, name, 1, "");
		is_apart = is_apart && !folder_has(&t->folder, first.ptr);
	}
	if (is_apart)
		move_marks(t, first.ptr, name);
	buf_release(&marks);
	buf_release(&first);
}

void rotate_heal(const struct log_location *log, const struct rotate_policy *p, struct compressor *compressor)
{
	struct turn t = { .log = log, .compressor = compressor };
	struct buf path = BUF_INIT;
	bool is_more = p->compress;

	if (log_folder(&t.folder, log->path, log->rights, 0, NULL) < 0)
		return;
	heal_marks(&t);
	for (int64_t n = 1; is_more && n <= p->max_files; n++) {
		rotated_name(&path, log->path, n, "");
		compressor_tidy(compressor, path.ptr, log->rights);
		is_more = is_path_there(&t, path.ptr);
		if (is_more)
			compressor_add(compressor, path.ptr, log->rights);
		rotated_name(&path, log->path, n, ".gz");
		is_more = is_more || is_path_there(&t, path.ptr);
	}
	buf_release(&path);
	folder_close(&t.folder);
}
