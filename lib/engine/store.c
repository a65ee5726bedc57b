#include "engine/store.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/store_format.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

struct store {
	struct ev_loop *loop;
	struct store_options options;
	char *path, *previous, *journal;
	struct store_head head;
	int journal_fd; /* -1: there is none, and the next snapshot makes one */
	size_t journal_bytes;
	bool is_dirty;
	int64_t took_ms;
	struct err failure; /* empty while all is well */
	struct ev_prepare end_of_turn;
	struct ev_timer retry; /* only while the disk refuses */
};

static char *name_of(const char *path, const char *tail)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s%s", path, tail);
	return buf_detach(&name);
}

/* --- setting aside --- */

static void set_aside(const char *path, const char *why, struct buf *words)
{
	struct buf name = BUF_INIT;

	for (int n = 1; n <= STORE_BAD_MAX; n++) {
		buf_clear(&name);
		buf_addf(&name, "%s.bad-%s-%d", path, why, n);
		if (!file_exists(name.ptr))
			break;
	}
	if (rename(path, name.ptr) == 0)
		buf_addf(words, "'%s' cannot be used (%s) and was set aside as '%s'\n", path, why, name.ptr);
	else
		buf_addf(words, "'%s' cannot be used (%s) and cannot be set aside: %s\n", path, why,
			strerror(errno));
	buf_release(&name);
}

/*
 * No fault of the file: the same words may be read in a moment.  To take it for absent or damaged now would be to forget all that runs, and to stop
 * it.
 */
static bool is_want_of_room(int number)
{
	return number == ENOMEM || number == EMFILE || number == ENFILE || number == EINTR ||
		number == EAGAIN;
}

enum look { ABSENT, THERE, NO_ROOM };

/* `why`: one word for why a file that is there is not even read, or NULL. */
static enum look look_at(const char *path, const char **why, struct err *e)
{
	struct stat st;

	*why = NULL;
	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return ABSENT;
		if (is_want_of_room(errno)) {
			err_sys(e, errno, "cannot look at '%s'", path);
			return NO_ROOM;
		}
		*why = "unreadable";
	} else if (!S_ISREG(st.st_mode)) {
		*why = "no-file";
	} else if (st.st_uid != geteuid()) {
		*why = "foreign";
	}
	return THERE;
}

/* 1 and the text, or 0 and nothing; what cannot be read is set aside.  -1 with words: there is no room to read anything now. */
static int read_or_set_aside(
	const char *path, size_t size_max, struct buf *text, struct buf *words, struct err *e)
{
	struct err own = ERR_INIT;
	const char *why = NULL;
	enum look look = look_at(path, &why, e);
	int rc = look == NO_ROOM ? -1 : look == THERE && !why;

	if (rc > 0 && file_read(path, size_max, text, &own) < 0) {
		rc = is_want_of_room(own.number) ? err_sys(e, own.number, "cannot read '%s'", path) : 0;
		why = "unreadable";
	}
	if (rc == 0 && why)
		set_aside(path, why, words);
	err_release(&own);
	return rc;
}

static int load_snapshot(
	const char *path, struct store_head *head, struct json **state, struct buf *words, struct err *e)
{
	struct buf text = BUF_INIT;
	const char *why = NULL;
	int rc = read_or_set_aside(path, STORE_SNAPSHOT_MAX, &text, words, e);

	*state = NULL;
	if (rc > 0) {
		*state = store_read_snapshot(&text, head, &why);
		if (!*state)
			set_aside(path, why, words);
	}
	buf_release(&text);
	return rc < 0 ? -1 : 0;
}

int store_peek(const char *path, struct json **state, struct err *e)
{
	struct buf text = BUF_INIT;
	struct store_head head = { .serial = 0 };
	const char *why = NULL;
	enum look look = look_at(path, &why, e);
	int rc = look == NO_ROOM ? -1 : 0;

	*state = NULL;
	if (look == ABSENT)
		return 0;
	if (rc == 0 && !why)
		rc = file_read(path, STORE_SNAPSHOT_MAX, &text, e);
	if (rc == 0 && !why)
		*state = store_read_snapshot(&text, &head, &why);
	buf_release(&text);
	if (rc == 0 && !*state)
		return err_set(e, "'%s' cannot be used by this build: it is %s", path, why);
	return rc;
}

static int load_journal(struct store *s, struct store_found *found, struct err *e)
{
	struct buf text = BUF_INIT;
	struct store_head head = { .serial = 0 };
	struct json *records = NULL;
	size_t left_out = 0;
	int rc = read_or_set_aside(s->journal, 2 * (size_t)STORE_JOURNAL_MAX, &text, &found->words, e);

	if (rc > 0) {
		records = store_read_journal(&text, &head, &left_out);
		if (!records)
			set_aside(s->journal, "corrupt", &found->words);
	}
	if (records && head.serial == s->head.serial && left_out)
		buf_addf(&found->words, "the last %zu bytes of '%s' are not whole and were left out\n",
			left_out, s->journal);
	/* A journal of another snapshot tells of times before it, and is in it. */
	if (records && head.serial != s->head.serial) {
		json_free(records);
		records = NULL;
		/* Nor may it seem to belong to one that is still to come. */
		if (head.serial > s->head.serial)
			s->head.serial = head.serial;
	}
	buf_release(&text);
	found->records = records ? records : json_new_array();
	return rc < 0 ? -1 : 0;
}

static int load(struct store *s, struct store_found *found, struct err *e)
{
	*found = (struct store_found){ .words = BUF_INIT };
	if (load_snapshot(s->path, &s->head, &found->state, &found->words, e) < 0)
		return -1;
	/* The one before it is better than nothing, though its journal is gone. */
	if (!found->state && found->words.len) {
		if (load_snapshot(s->previous, &s->head, &found->state, &found->words, e) < 0)
			return -1;
		if (found->state)
			buf_addf(&found->words, "'%s' is used instead\n", s->previous);
	}
	if (load_journal(s, found, e) < 0)
		return -1;
	found->is_same_boot = found->state && str_eq(s->head.boot_id, s->options.boot_id);
	return 0;
}

void store_found_release(struct store_found *found)
{
	json_free(found->state);
	json_free(found->records);
	buf_release(&found->words);
	*found = (struct store_found){ .words = BUF_INIT };
}

/* --- saving --- */

static void close_journal(struct store *s)
{
	fd_close(&s->journal_fd);
	s->journal_bytes = 0;
}

/* An empty journal for the snapshot that was just written.  If it cannot be made, every record makes a snapshot due: slower, not wrong. */
static void begin_journal(struct store *s)
{
	struct buf line = BUF_INIT;
	struct stat st;

	/* The one at hand is emptied, unless somebody has taken its name away. */
	if (s->journal_fd < 0 || fstat(s->journal_fd, &st) < 0 || !st.st_nlink ||
		ftruncate(s->journal_fd, 0) < 0)
		close_journal(s);
	store_write_journal_head(&line, &s->head);
	if (s->journal_fd < 0)
		s->journal_fd = open(
			s->journal, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->journal_fd >= 0 && write(s->journal_fd, line.ptr, line.len) != (ssize_t)line.len)
		close_journal(s);
	s->journal_bytes = line.len;
	buf_release(&line);
}

static void remember_failure(struct store *s, const struct err *e)
{
	/* Said when it begins and when it ends; the tries between are silent. */
	if (!s->failure.text.len)
		log_warn("store: %s; it is tried again every %d s", e->text.ptr, STORE_RETRY_MS / 1000);
	err_set(&s->failure, "%s", e->text.ptr);
	ev_timer_again(s->loop, &s->retry);
}

static void forget_failure(struct store *s)
{
	if (s->failure.text.len)
		log_info("store: '%s' can be written again", s->path);
	buf_clear(&s->failure.text);
	ev_timer_stop(s->loop, &s->retry);
}

static int save(struct store *s, struct err *e)
{
	struct store_head next = s->head;
	struct buf state = BUF_INIT;
	struct buf text = BUF_INIT;
	int rc = 0;

	next.serial++;
	s->options.snapshot(s->options.context, &state);
	store_write_snapshot(&text, &next, &state);
	buf_release(&state);
	if (text.len > STORE_SNAPSHOT_MAX)
		rc = err_set(e, "the state has %zu bytes, and %d is the most", text.len, STORE_SNAPSHOT_MAX);
	if (rc == 0)
		rc = file_write_keeping(s->path, s->previous, text.ptr, text.len, 0600, e);
	buf_release(&text);
	if (rc < 0)
		return -1;
	s->is_dirty = false;
	s->head = next;
	begin_journal(s);
	return 0;
}

int store_save_now(struct store *s, struct err *e)
{
	struct err own = ERR_INIT;
	int64_t begin = clock_ms();
	int rc = 0;

	if (!s->is_dirty)
		return 0;
	rc = save(s, &own);
	s->took_ms = clock_ms() - begin;
	if (rc < 0) {
		remember_failure(s, &own);
		err_set(e, "%s", own.text.ptr);
	} else {
		forget_failure(s);
	}
	err_release(&own);
	return rc;
}

void store_save_soon(struct store *s)
{
	s->is_dirty = true;
}

void store_note(struct store *s, struct json *record)
{
	struct buf line = BUF_INIT;

	store_write_record(&line, record);
	json_free(record);
	if (s->journal_fd < 0 || line.len > STORE_RECORD_MAX ||
		s->journal_bytes + line.len > STORE_JOURNAL_MAX) {
		s->is_dirty = true;
	} else if (write(s->journal_fd, line.ptr, line.len) == (ssize_t)line.len) {
		s->journal_bytes += line.len;
	} else {
		/* Half a record would hide all that follow it. */
		close_journal(s);
		s->is_dirty = true;
	}
	buf_release(&line);
}

int64_t store_took_ms(const struct store *s)
{
	return s->took_ms;
}

bool store_is_failing(const struct store *s, const char **words)
{
	*words = s->failure.text.ptr;
	return s->failure.text.len > 0;
}

/* --- life --- */

static void on_end_of_turn(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	struct store *s = w->data;

	(void)loop;
	(void)events;
	/* While the disk refuses, tries come from the timer only. */
	if (!ev_is_active(&s->retry))
		(void)store_save_now(s, NULL);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	(void)store_save_now(w->data, NULL);
}

static void free_store(struct store *s)
{
	close_journal(s);
	mem_free(s->path);
	mem_free(s->previous);
	mem_free(s->journal);
	err_release(&s->failure);
	mem_free(s);
}

struct store *store_open(
	struct ev_loop *loop, const struct store_options *options, struct store_found *found, struct err *e)
{
	struct store *s = NULL;

	if (strlen(options->boot_id) > STORE_BOOT_ID_MAX || strchr(options->boot_id, ' ')) {
		err_set(e, "'%s' is no boot id", options->boot_id);
		return NULL;
	}
	s = mem_zalloc(1, sizeof(*s));
	s->loop = loop;
	s->options = *options;
	s->path = mem_strdup(options->path);
	s->previous = name_of(options->path, ".prev");
	s->journal = name_of(options->path, ".journal");
	s->journal_fd = -1;
	buf_init(&s->failure.text);
	if (load(s, found, e) < 0) {
		store_found_release(found);
		free_store(s);
		return NULL;
	}
	memcpy(s->head.boot_id, options->boot_id, strlen(options->boot_id) + 1);
	ev_prepare_init(&s->end_of_turn, on_end_of_turn);
	ev_timer_init(&s->retry, on_retry, 0., STORE_RETRY_MS / 1000.);
	/* The first to act at the end of a turn: what was promised is saved before anybody hears of it. */
	ev_set_priority(&s->end_of_turn, EV_MAXPRI);
	s->end_of_turn.data = s->retry.data = s;
	ev_prepare_start(loop, &s->end_of_turn);
	ev_unref(loop);
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	(void)store_save_now(s, NULL);
	ev_timer_stop(s->loop, &s->retry);
	ev_ref(s->loop);
	ev_prepare_stop(s->loop, &s->end_of_turn);
	free_store(s);
}
