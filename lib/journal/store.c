#include "journal/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "journal/store_format.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "rules/pace.h"

/* One write; while its thread runs nobody else touches it. */
struct writing {
	const char *path, *previous;
	struct buf text;
	struct err e;
	int rc;
	int64_t took_ms;
	int done; /* an eventfd, written to when it has ended */
};

struct store {
	struct ev_loop *loop;
	struct store_options options;
	char *path, *previous;
	struct store_head head;
	bool is_dirty;
	bool is_writing; /* `thread` has `writing` */
	struct writing writing;
	pthread_t thread;
	struct ev_io done;
	uint64_t ended; /* writes, and those that the disk had refused before they began */
	int64_t took_ms;
	struct err failure; /* empty while all is well */
	struct ev_prepare end_of_turn;
	struct ev_timer retry; /* only while the disk refuses */
};

static char *path_with(const char *path, const char *tail)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s%s", path, tail);
	return buf_detach(&name);
}

/* --- setting aside --- */

static void set_state_aside(const char *path, const char *why, struct buf *words)
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
static enum look examine(const char *path, const char **why, struct err *e)
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
	enum look look = examine(path, &why, e);
	int rc = look == NO_ROOM ? -1 : look == THERE && !why;

	if (rc > 0 && file_read(path, size_max, text, &own) < 0) {
		rc = is_want_of_room(own.number) ? err_sys(e, own.number, "cannot read '%s'", path) : 0;
		why = "unreadable";
	}
	if (rc == 0 && why)
		set_state_aside(path, why, words);
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
			set_state_aside(path, why, words);
	}
	buf_release(&text);
	return rc < 0 ? -1 : 0;
}

int store_peek(const char *path, struct json **state, struct err *e)
{
	struct buf text = BUF_INIT;
	struct store_head head = { .serial = 0 };
	const char *why = NULL;
	enum look look = examine(path, &why, e);
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

static int load(struct store *s, struct store_found *found, struct err *e)
{
	*found = (struct store_found){ .words = BUF_INIT };
	if (load_snapshot(s->path, &s->head, &found->state, &found->words, e) < 0)
		return -1;
	/* The one before it is better than nothing. */
	if (!found->state && found->words.len) {
		if (load_snapshot(s->previous, &s->head, &found->state, &found->words, e) < 0)
			return -1;
		if (found->state)
			buf_addf(&found->words, "'%s' is used instead\n", s->previous);
	}
	found->is_same_boot = found->state && str_eq(s->head.boot_id, s->options.boot_id);
	return 0;
}

void store_found_release(struct store_found *found)
{
	json_free(found->state);
	buf_release(&found->words);
	*found = (struct store_found){ .words = BUF_INIT };
}

/* --- saving --- */

static void remember_failure(struct store *s, const struct err *e)
{
	/* Said when it begins and when it ends; the tries between are silent. */
	if (!s->failure.text.len)
		log_warn("store: %s; it is tried again every %d s", e->text.ptr, SAVE_RETRY_MS / 1000);
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

static bool make_state_folder(const char *path)
{
	char *folder = path_folder(path);
	bool is_made = mkdir(folder, 0700) == 0;

	mem_free(folder);
	return is_made;
}

/* In the thread, or in the loop where the caller has to wait for it. */
static void write_out(struct writing *w)
{
	int64_t begin = clock_ms();

	w->rc = w->text.len > STORE_SNAPSHOT_MAX
		? err_set(&w->e, "the state has %zu bytes, and %d is the most", w->text.len,
			  STORE_SNAPSHOT_MAX)
		: file_write_keeping(w->path, w->previous, w->text.ptr, w->text.len, 0600, &w->e);
	/* Somebody has deleted the folder. */
	if (w->rc < 0 && w->e.number == ENOENT && make_state_folder(w->path))
		w->rc = file_write_keeping(w->path, w->previous, w->text.ptr, w->text.len, 0600, &w->e);
	w->took_ms = clock_ms() - begin;
}

static void *run_save(void *argument)
{
	struct writing *w = argument;

	write_out(w);
	(void)eventfd_write(w->done, 1);
	return NULL;
}

/* The end of a turn is looked at only where there is something to save; it keeps no loop running. */
static void set_dirty(struct store *s)
{
	s->is_dirty = true;
	if (ev_is_active(&s->end_of_turn))
		return;
	ev_prepare_start(s->loop, &s->end_of_turn);
	ev_unref(s->loop);
}

static void set_clean(struct store *s)
{
	s->is_dirty = false;
	if (!ev_is_active(&s->end_of_turn))
		return;
	ev_ref(s->loop);
	ev_prepare_stop(s->loop, &s->end_of_turn);
}

static void begin_save(struct store *s)
{
	struct buf state = BUF_INIT;

	set_clean(s);
	s->head.serial++;
	s->options.snapshot(s->options.context, &state);
	buf_clear(&s->writing.text);
	store_write_snapshot(&s->writing.text, &s->head, &state);
	buf_release(&state);
}

static void end_save(struct store *s)
{
	struct writing *w = &s->writing;

	s->ended++;
	s->took_ms = w->took_ms;
	if (w->rc < 0) {
		/* Requests since then fail too, and do not wait for the retry. */
		s->ended += s->is_dirty;
		set_dirty(s);
		remember_failure(s, &w->e);
	} else {
		forget_failure(s);
	}
	buf_release(&w->text);
	buf_clear(&w->e.text);
	if (s->options.ended)
		s->options.ended(s->options.context);
}

/* Waits for the thread, where there is one. */
static void join(struct store *s)
{
	eventfd_t count = 0;

	if (!s->is_writing)
		return;
	ev_io_stop(s->loop, &s->done);
	(void)pthread_join(s->thread, NULL);
	(void)eventfd_read(s->writing.done, &count);
	s->is_writing = false;
	end_save(s);
}

static void on_saved(struct ev_loop *loop, struct ev_io *w, int events)
{
	(void)loop;
	/* Also where it cannot be watched any more: then the loop waits for this one. */
	(void)events;
	join(w->data);
}

/* Without an eventfd or a thread the loop waits for the disk itself. */
static void save_state(struct store *s)
{
	begin_save(s);
	if (s->writing.done >= 0 && loop_thread_start(&s->thread, run_save, &s->writing) == 0) {
		s->is_writing = true;
		loop_watch(s->loop, &s->done);
	} else {
		write_out(&s->writing);
		end_save(s);
	}
}

int store_save_now(struct store *s, struct err *e)
{
	const char *words = NULL;

	join(s);
	if (s->is_dirty) {
		begin_save(s);
		write_out(&s->writing);
		end_save(s);
	}
	return store_is_failing(s, &words) ? err_set(e, "%s", words) : 0;
}

void store_save_soon(struct store *s)
{
	set_dirty(s);
}

uint64_t store_due(const struct store *s)
{
	return s->ended + s->is_writing + s->is_dirty;
}

uint64_t store_ended(const struct store *s)
{
	return s->ended;
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

static void on_turn_end(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	struct store *s = w->data;

	(void)loop;
	(void)events;
	/* While the disk refuses, tries come from the timer only. */
	if (s->is_dirty && !s->is_writing && !ev_is_active(&s->retry))
		save_state(s);
}

static void on_save_retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct store *s = w->data;

	(void)loop;
	(void)events;
	if (!s->is_writing)
		save_state(s);
}

static void free_store(struct store *s)
{
	fd_close(&s->writing.done);
	buf_release(&s->writing.text);
	err_release(&s->writing.e);
	mem_free(s->path);
	mem_free(s->previous);
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
	s->previous = path_with(options->path, ".prev");
	s->writing.path = s->path;
	s->writing.previous = s->previous;
	s->writing.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	buf_init(&s->writing.text);
	s->writing.e = (struct err)ERR_INIT;
	buf_init(&s->failure.text);
	if (load(s, found, e) < 0) {
		store_found_release(found);
		free_store(s);
		return NULL;
	}
	memcpy(s->head.boot_id, options->boot_id, strlen(options->boot_id) + 1);
	ev_io_init(&s->done, on_saved, s->writing.done, EV_READ);
	ev_prepare_init(&s->end_of_turn, on_turn_end);
	ev_timer_init(&s->retry, on_save_retry, 0., SAVE_RETRY_MS / 1000.);
	/* The first to act at the end of a turn: answers made after it know what to wait for. */
	ev_set_priority(&s->end_of_turn, EV_MAXPRI);
	s->end_of_turn.data = s->retry.data = s->done.data = s;
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	(void)store_save_now(s, NULL);
	ev_timer_stop(s->loop, &s->retry);
	set_clean(s);
	free_store(s);
}
