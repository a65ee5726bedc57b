#include "logs/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "logs/logfile_private.h"
#include "logs/rotate.h"
#include "logs/streams.h"
#include "logs/write_journal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/rights.h"
#include "rules/timestamp_format.h"

struct logfile *logfile_new(const char *path, const struct logfile_home *home)
{
	struct logfile *l = mem_zalloc(1, sizeof(*l));

	l->home = home;
	l->place.path = mem_strdup(path);
	return l;
}

void logfile_free(struct logfile *l)
{
	if (!l)
		return;
	logfile_shut(l);
	if (l->disk)
		mem_free(l->disk->victim);
	mem_free(l->disk);
	if (l->stamp)
		timestamp_format_free(l->stamp);
	mem_free(l->format);
	mem_free(l->place.path);
	rights_free(l->place.rights);
	mem_free(l);
}

void logfile_begin(struct logfile *l)
{
	if (l->disk)
		return;
	l->disk = mem_zalloc(1, sizeof(*l->disk));
	*l->disk = (struct logfile_disk){ .fd = -1, .marks = LOGMARKS_INIT };
	l->disk->key = write_journal_key(l->home->journal);
}

int logfile_add_users(struct logfile *l, int more)
{
	l->users += more;
	return l->users;
}

const char *logfile_path(const struct logfile *l)
{
	return l->place.path;
}

void logfile_set_rights(struct logfile *l, const struct rights *rights)
{
	if (rights_equal(l->place.rights, rights))
		return;
	logfile_shut(l);
	rights_free(l->place.rights);
	l->place.rights = rights_clone(rights);
}

const struct rights *logfile_rights(const struct logfile *l)
{
	return l->place.rights;
}

void logfile_set_writer(struct logfile *l, void *writer)
{
	l->writer = writer;
}

void *logfile_writer(const struct logfile *l)
{
	return l->writer;
}

bool logfile_is_failing(const struct logfile *l)
{
	return l->disk && l->disk->failure != 0;
}

void logfile_set(struct logfile *l, const struct logfile_shape *shape)
{
	l->policy = shape->policy;
	if (!shape->format != !l->format || (shape->format && strcmp(shape->format, l->format) != 0)) {
		timestamp_format_free(l->stamp);
		mem_free(l->format);
		l->format = mem_strdup(shape->format);
		l->stamp = shape->format ? timestamp_format_new(shape->format) : NULL;
	}
}

void logfile_tell(struct logfile *l)
{
	const struct stream_calls *calls = l->home->calls;

	if (!l->disk)
		return;
	if (l->disk->is_news && calls && calls->written)
		calls->written(l->home->context, l->place.path);
	l->disk->is_news = false;
}

static void tell_begun(struct logfile *l)
{
	const struct stream_calls *calls = l->home->calls;

	l->disk->is_news = false;
	if (calls && calls->begun)
		calls->begun(l->home->context, l->place.path);
}

static void tell_trouble(const struct logfile *l, const char *words)
{
	const struct stream_calls *calls = l->home->calls;

	if (calls && calls->trouble && l->disk->victim)
		calls->trouble(l->home->context, l->disk->victim, words);
	else
		log_warn("%s", words);
}

/* --- open and shut ------------------------------------------------------------------------------------------------- */

void logfile_shut(struct logfile *l)
{
	if (!l->disk)
		return;
	fd_close(&l->disk->fd);
	index_writer_close(&l->disk->marks);
	l->disk->is_regular = false;
	l->disk->size = 0;
	l->disk->is_mid_line = false;
}

static bool ends_mid_line(const struct logfile *l)
{
	char last = '\n';

	return l->disk->size > 0 && pread(l->disk->fd, &last, 1, l->disk->size - 1) == 1 && last != '\n';
}

static int open_in(const struct folder *f, struct err *e)
{
	struct stat st;
	bool is_there = folder_stat(f, f->name, &st) == 0;
	int fd = -1;

	/* A pipe would read itself if it were opened both ways.  What stands on the way in /proc is no file of its own. */
	if (f->is_magic || (is_there && !S_ISREG(st.st_mode)))
		return folder_open_file(f, f->name, O_WRONLY | O_APPEND, 0, e);
	fd = folder_open_file(f, f->name, O_RDWR | O_APPEND | O_CREAT, 0640, e);
	/* One that may only be written. */
	if (fd < 0 && errno == EACCES && is_there)
		fd = folder_open_file(f, f->name, O_WRONLY | O_APPEND, 0, e);
	return fd;
}

/* What version 0.1.0 wrote as root where its user may not write to it: the user's own folder keeps it as a part that was turned. */
static bool set_log_aside(const struct logfile *l, const struct folder *f)
{
	struct stat st;

	return f->kind == FOLDER_USERS && l->policy.max_files > 0 && folder_stat(f, f->name, &st) == 0 &&
		S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_uid != l->place.rights->uid &&
		rotate_now(&l->place, &l->policy, l->home->compressor, NULL) == 0;
}

static int open_logfile(struct logfile *l, struct err *e)
{
	struct folder f;
	int fd = -1;

	if (log_folder(&f, l->place.path, l->place.rights, FOLDER_MAKE | FOLDER_FOLLOW_OWN, e) < 0)
		return -1;
	fd = open_in(&f, e);
	if (fd < 0 && e->number == EACCES && set_log_aside(l, &f))
		fd = open_in(&f, e);
	l->disk->is_alone = f.kind == FOLDER_OWN;
	folder_close(&f);
	return fd;
}

int logfile_open(struct logfile *l, struct err *e)
{
	struct stat st;

	if (l->disk->fd >= 0)
		return 0;
	l->disk->fd = open_logfile(l, e);
	if (l->disk->fd < 0)
		return -1;
	l->disk->checked_at = clock_ms();
	if (fstat(l->disk->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	l->disk->is_regular = true;
	l->disk->is_link = file_is_link(l->place.path);
	l->disk->size = st.st_size;
	l->disk->device = st.st_dev;
	l->disk->inode = st.st_ino;
	l->disk->is_mid_line = ends_mid_line(l);
	if (!l->disk->is_healed && !l->disk->is_link)
		rotate_heal(&l->place, &l->policy, l->home->compressor);
	l->disk->is_healed = true;
	index_writer_open(&l->disk->marks, l->place.path, l->place.rights, l->disk->size);
	return 0;
}

/* A link that was put there is another file: what it leads to is not looked at. */
static int stat_logfile(const struct logfile *l, struct stat *st)
{
	return l->disk->is_alone ? stat(l->place.path, st) : lstat(l->place.path, st);
}

/* Somebody may have renamed, deleted or emptied it. */
static void check_logfile(struct logfile *l)
{
	int64_t now = clock_ms();
	struct stat st;

	if (l->disk->fd < 0 || !l->disk->is_regular || now - l->disk->checked_at < LOGFILE_CHECK_MS)
		return;
	l->disk->checked_at = now;
	if (stat_logfile(l, &st) < 0 || st.st_dev != l->disk->device || st.st_ino != l->disk->inode) {
		logfile_shut(l);
		tell_begun(l);
		return;
	}
	if (st.st_size < l->disk->size) {
		l->disk->size = st.st_size;
		l->disk->is_mid_line = ends_mid_line(l);
		index_writer_clear(&l->disk->marks);
		tell_begun(l);
	}
	l->disk->size = st.st_size;
}

/* --- what cannot be written ------------------------------------------------------------------------------------------ */

static void fail_logfile(struct logfile *l, const struct log_source *source, int number, const char *why)
{
	struct buf words = BUF_INIT;

	if (l->disk->failure)
		return;
	l->disk->failure = number ? number : EIO;
	/* The reader of the FIFO may be gone. */
	if (!l->disk->is_regular)
		logfile_shut(l);
	mem_free(l->disk->victim);
	l->disk->victim = mem_strdup(source->name);
	buf_addf(&words, "cannot write to '%s': %s; what it prints is dropped until that works again",
		l->place.path, why);
	tell_trouble(l, words.ptr);
	buf_release(&words);
}

static uint64_t drop_all(struct logfile *l)
{
	size_t len = 0;

	(void)write_journal_raw(l->home->journal, &len);
	write_journal_skip(l->home->journal, len);
	l->disk->lost += len;
	return len;
}

/* Its own line, also after half a one. */
static int write_note(struct logfile *l)
{
	const struct write_journal_goal goal = {
		.path = l->place.path,
		.format = l->format ? l->format : "",
		.source = l->disk->last,
		.rights = l->place.rights,
	};
	struct buf note = BUF_INIT;
	size_t done = 0;

	if (l->disk->is_mid_line)
		buf_addc(&note, '\n');
	if (l->stamp)
		logfile_stamp(l, clock_wall_ms(), &note);
	buf_addf(&note, "[oxherd: %" PRIu64 " bytes were dropped here: %s]\n", l->disk->lost,
		strerror(l->disk->failure));
	write_journal_aim(l->home->journal, l->disk->key, &goal);
	memcpy(write_journal_room(l->home->journal), note.ptr, note.len);
	done = logfile_put(l, write_journal_room(l->home->journal), note.len, 0);
	/* Half a note is worse than none. */
	if (done && done < note.len && l->disk->is_regular &&
		ftruncate(l->disk->fd, l->disk->size - (int64_t)done) == 0) {
		l->disk->size -= (int64_t)done;
		l->disk->is_mid_line = ends_mid_line(l);
	}
	done = done == note.len;
	buf_release(&note);
	return done ? 0 : -1;
}

/* The reason was reported when the trouble began. */
static int reopen(struct logfile *l)
{
	struct err e = ERR_INIT;
	int rc = logfile_open(l, &e);

	err_release(&e);
	return rc;
}

void logfile_retry(struct logfile *l)
{
	struct mark mark;
	struct buf words = BUF_INIT;

	if (!l->disk)
		return;
	mark = l->disk->last;
	check_logfile(l);
	if (!l->disk->failure || reopen(l) < 0)
		return;
	mark.kind = MARK_NOTE;
	logfile_mark(l, &mark);
	if (l->disk->lost && write_note(l) < 0)
		return;
	buf_addf(
		&words, "writes to '%s' again; %" PRIu64 " bytes were dropped", l->place.path, l->disk->lost);
	l->disk->failure = 0;
	l->disk->lost = 0;
	tell_trouble(l, words.ptr);
	buf_release(&words);
	logfile_tell(l);
}

/* --- what comes ------------------------------------------------------------------------------------------------------ */

void logfile_mark(struct logfile *l, const struct mark *source)
{
	struct mark mark = *source;

	l->disk->last = *source;
	if (!l->disk->is_regular)
		return;
	mark.offset = (uint64_t)l->disk->size;
	mark.wall_ms = clock_wall_ms();
	index_writer_add(&l->disk->marks, &mark);
}

bool logfile_cuts(const struct logfile *l, const struct log_source *source)
{
	return l->disk && l->disk->is_mid_line && index_writer_has(&l->disk->marks) &&
		!index_writer_is_of(&l->disk->marks, &source->mark);
}

/* False: it stays where it is, and grows. */
static bool rotate_full(struct logfile *l, const struct log_source *source)
{
	struct err e = ERR_INIT;
	int rc = 0;

	logfile_shut(l);
	rc = rotate_now(&l->place, &l->policy, l->home->compressor, &e);
	if (rc < 0) {
		log_warn("%s: the log is not rotated: %s", source->name ? source->name : l->place.path,
			e.text.ptr);
		l->disk->turn_after = clock_ms() + LOGFILE_TURN_WAIT_MS;
	} else {
		tell_begun(l);
	}
	err_release(&e);
	return rc == 0;
}

static bool may_turn(const struct logfile *l)
{
	return l->disk->is_regular && !l->disk->is_link &&
		(!l->disk->turn_after || clock_ms() >= l->disk->turn_after);
}

/* How much of it goes into this file; 0: it is to be turned first. */
static size_t cut(const struct logfile *l, const char *raw, size_t len)
{
	size_t whole = rotate_cut(&l->policy, l->disk->size, l->disk->is_mid_line, raw, len);

	/* The marks have the same limit, for those who print a few bytes at a time. */
	if (whole && l->policy.max_size_bytes > 0 && !l->disk->is_mid_line &&
		index_writer_size(&l->disk->marks) >= l->policy.max_size_bytes)
		whole = 0;
	return whole < len && !may_turn(l) ? len : whole;
}

static uint64_t put_raw(struct logfile *l, const struct log_source *source, const char *raw, size_t len)
{
	size_t put = logfile_put(l, raw, len, len);

	if (put == len)
		return 0;
	l->disk->lost += len - put;
	fail_logfile(l, source, errno, strerror(errno));
	return len - put;
}

static uint64_t put_stamped(struct logfile *l, const struct log_source *source, const char *raw, size_t len)
{
	size_t eaten = 0;
	size_t made = logfile_stamp_lines(l, raw, len, &eaten);
	size_t put = logfile_put(l, write_journal_room(l->home->journal), made, eaten);

	if (put == made)
		return 0;
	/* How much is missing, without the stamps as far as their length is known. */
	put = made - put < eaten ? made - put : eaten;
	l->disk->lost += put;
	fail_logfile(l, source, errno, strerror(errno));
	return put;
}

uint64_t logfile_take(struct logfile *l, const struct log_source *source)
{
	uint64_t dropped = 0;
	size_t len = 0;
	const char *raw = NULL;
	struct err e = ERR_INIT;

	logfile_begin(l);
	check_logfile(l);
	while (raw = write_journal_raw(l->home->journal, &len), len) {
		size_t part = 0;

		if (!l->disk->failure && logfile_open(l, &e) < 0)
			fail_logfile(l, source, e.number, e.text.ptr);
		if (l->disk->failure) {
			dropped += drop_all(l);
			break;
		}
		part = cut(l, raw, len);
		if (!part) {
			(void)rotate_full(l, source);
			continue;
		}
		l->disk->is_cut = logfile_cuts(l, source);
		logfile_mark(l, &source->mark);
		dropped += l->stamp ? put_stamped(l, source, raw, part) : put_raw(l, source, raw, part);
	}
	err_release(&e);
	return dropped;
}
