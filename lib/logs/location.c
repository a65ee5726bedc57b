#include "logs/location.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "model/spec.h"
#include "os/folder.h"
#include "os/rights.h"
#include "wire/marks.h"

void log_location_release(struct log_location *log)
{
	mem_free(log->path);
	rights_free(log->rights);
	*log = (struct log_location){ .path = NULL };
}

static bool has_our_marks(const struct folder *f, const char *part)
{
	struct buf log = BUF_INIT;
	struct buf marks = BUF_INIT;
	struct stat st;
	bool is_ours = false;

	buf_addf(&log, "%s%s", f->name, part);
	marks_path(&marks, log.ptr);
	is_ours = fstatat(f->fd, marks.ptr, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_uid == geteuid();
	buf_release(&marks);
	buf_release(&log);
	return is_ours;
}

/* Nobody but root and we could have put there what is there.  Marks go with the log when that is turned. */
static bool is_ours_from_before(const struct folder *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 022) &&
		(has_our_marks(f, "") || has_our_marks(f, ".1"));
}

int log_folder(
	struct folder *f, const char *path, const struct rights *rights, unsigned int flags, struct err *e)
{
	if (folder_open(f, path, rights, flags, e) < 0)
		return -1;
	if (f->kind == FOLDER_USERS && is_ours_from_before(f))
		folder_keep(f);
	return 0;
}

int log_open(const char *path, const struct rights *rights, int flags, mode_t mode, struct err *e)
{
	struct folder f;
	int fd = -1;

	if (log_folder(&f, path, rights, FOLDER_FOLLOW_OWN | (flags & O_CREAT ? FOLDER_MAKE : 0), e) < 0)
		return -1;
	fd = folder_open_file(&f, f.name, flags, mode, e);
	folder_close(&f);
	return fd;
}

int log_open_marks(const char *log, const struct rights *rights, int flags, mode_t mode)
{
	struct buf marks = BUF_INIT;
	struct folder f;
	int fd = -1;

	if (log_folder(&f, log, rights, 0, NULL) < 0)
		return -1;
	marks_path(&marks, f.name);
	fd = folder_open_file(&f, marks.ptr, flags, mode, NULL);
	buf_release(&marks);
	folder_close(&f);
	return fd;
}

/* --- how they are called --- */

const char *const log_stream_words[LOG_STREAM_COUNT] = { "out", "err" };

/*
 * A file that the oxfile names is each instance's own: with the instance's number before the extension.  The first of one instance, and all
 * that merge, write to the file itself.
 */
static char *named_path(const struct spec *s, const char *name, const char *file)
{
	const char *colon = strrchr(name, ':');
	bool is_alone = s->instances.kind == COUNT_NUMBER && s->instances.value == 1 && str_eq(colon, ":0");
	const char *dot = strrchr(path_base(file), '.');
	char *whole = path_join(s->folder, file);
	size_t stem = strlen(whole) - (dot && dot > path_base(file) ? strlen(dot) : 0);
	struct buf path = BUF_INIT;

	if (s->logs.merge || is_alone || !colon)
		return whole;
	buf_addf(&path, "%.*s-%s%s", (int)stem, whole, colon + 1, whole + stem);
	mem_free(whole);
	return buf_detach(&path);
}

char *log_path(const char *logs, const char *name, const struct spec *s, enum log_stream which)
{
	const char *const own[LOG_STREAM_COUNT] = { s->logs.out, s->logs.err };
	struct buf file = BUF_INIT;
	char *path = NULL;

	if (s->logs.combined)
		return named_path(s, name, s->logs.combined);
	if (s->logs.unified)
		which = LOG_STREAM_OUT;
	if (own[which])
		return named_path(s, name, own[which]);
	buf_addf(&file, "%s-%s.log", s->logs.merge ? s->name : name, log_stream_words[which]);
	for (size_t i = 0; i < file.len; i++)
		file.ptr[i] = (char)(file.ptr[i] == ':' ? '-' : file.ptr[i]);
	path = path_join(logs, file.ptr);
	buf_release(&file);
	return path;
}

static const char *pipe_of_held(const char *held)
{
	size_t skip = strlen(LOG_HELD_PREFIX);

	return strncmp(held, LOG_HELD_PREFIX, skip) == 0 ? held + skip : NULL;
}

char *log_held_path(const char *pipes, const char *held)
{
	const char *pipe = pipe_of_held(held);

	return pipe ? path_join(pipes, pipe) : NULL;
}

char *log_name_of_held(const char *held)
{
	const char *pipe = pipe_of_held(held);
	const char *dot = pipe ? strrchr(pipe, '.') : NULL;

	return dot ? mem_strndup(pipe, (size_t)(dot - pipe)) : NULL;
}
