/* Nothing that was saved is lost, and nothing that is broken keeps a daemon from starting. */
#include "journal/store.h"
#include "loop/watchers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "unit.h"

struct fixture {
	char folder[32];
	char path[64];
	struct ev_loop *loop;
	struct store *store;
	struct store_found found;
	struct err e;
	int value;
	int snapshots;
	int ends;        /* of writes, by the callback */
	bool asks_again; /* while the next write is under way */
};

static void snapshot(void *context, struct buf *out)
{
	struct fixture *f = context;

	f->snapshots++;
	buf_addf(out, "{\"value\":%d}", f->value);
	if (f->asks_again)
		store_save_soon(f->store);
	f->asks_again = false;
}

static void ended(void *context)
{
	struct fixture *f = context;

	assert_true(store_ended(f->store) > (uint64_t)f->ends);
	f->ends = (int)store_ended(f->store);
}

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/oxstore.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/state", f->folder);
	f->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	buf_init(&f->e.text);
	buf_init(&f->found.words);
	*state = f;
	return 0;
}

static void close_store(struct fixture *f)
{
	store_free(f->store);
	f->store = NULL;
	store_found_release(&f->found);
}

static void remove_like(struct fixture *f, const char *tail)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", f->path, tail);
	unlink(path);
	rmdir(path);
}

static int teardown(void **state)
{
	static const char *const tails[] = { "", ".prev", ".bad-corrupt-1", ".bad-corrupt-2", ".bad-newer-1",
		".bad-foreign-1", ".bad-no-file-1", ".prev.bad-corrupt-1" };
	struct fixture *f = *state;

	close_store(f);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		remove_like(f, tails[i]);
	rmdir(f->folder);
	ev_loop_destroy(f->loop);
	err_release(&f->e);
	mem_free(f);
	return 0;
}

static void open_on_boot(struct fixture *f, const char *boot_id)
{
	struct store_options options = {
		.path = f->path,
		.boot_id = boot_id,
		.snapshot = snapshot,
		.ended = ended,
		.context = f,
	};

	f->ends = 0;
	f->store = store_open(f->loop, &options, &f->found, &f->e);
	assert_non_null(f->store);
}

static void open_store(struct fixture *f)
{
	open_on_boot(f, "boot-1");
}

static void save(struct fixture *f, int value)
{
	f->value = value;
	store_save_soon(f->store);
	assert_int_equal(store_save_now(f->store, &f->e), 0);
}

static void reopen(struct fixture *f)
{
	close_store(f);
	open_store(f);
}

static void assert_found(struct fixture *f, int64_t value)
{
	int64_t got = -1;

	(void)json_int(json_get(f->found.state, "value"), &got);
	assert_int_equal(got, value);
}

static void overwrite(struct fixture *f, const char *tail, const char *bytes, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", f->path, tail);
	assert_int_equal(file_write(path, bytes, len, 0600, &f->e), 0);
}

static void read_back(struct fixture *f, const char *tail, struct buf *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", f->path, tail);
	buf_clear(text);
	assert_int_equal(file_read(path, 1 << 24, text, &f->e), 0);
}

static void nothing_there_is_nothing_found(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	assert_null(f->found.state);
	assert_found(f, -1);
	assert_false(f->found.is_same_boot);
	assert_string_equal(f->found.words.ptr, "");
	close_store(f);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void a_moment_without_room_forgets_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_options options = {
		.path = f->path, .boot_id = "boot-1", .snapshot = snapshot, .context = f
	};
	struct json *peeked = NULL;
	struct rlimit before;
	struct rlimit none;

	open_store(f);
	save(f, 1);
	close_store(f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	f->store = store_open(f->loop, &options, &f->found, &f->e);
	assert_int_equal(store_peek(f->path, &peeked, NULL), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(f->store);
	assert_non_null(strstr(f->e.text.ptr, "Too many open files"));
	open_store(f);
	assert_found(f, 1);
	assert_string_equal(f->found.words.ptr, "");
}

static void what_was_saved_is_found(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_store(f);
	save(f, 1);
	reopen(f);
	assert_found(f, 1);
	assert_true(f->found.is_same_boot);
	assert_string_equal(f->found.words.ptr, "");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	save(f, 2);
	reopen(f);
	assert_found(f, 2);
	close_store(f);
	open_on_boot(f, "boot-2");
	assert_found(f, 2);
	assert_false(f->found.is_same_boot);
}

static void a_turn_saves_once(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->snapshots, 0);
	for (int i = 0; i < 100; i++)
		store_save_soon(f->store);
	ev_run(f->loop, EVRUN_NOWAIT);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->snapshots, 1);
}

/* An answer that has to wait for the disk knows what it waits for. */
static void the_loop_goes_on_while_the_disk_is_waited_for(void **state)
{
	struct fixture *f = *state;
	uint64_t due = 0;

	open_store(f);
	assert_int_equal(store_due(f->store), 0);
	f->value = 1;
	store_save_soon(f->store);
	assert_int_equal(store_due(f->store), 1);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->snapshots, 1);
	/* What comes now is not in the one that is being written. */
	f->value = 2;
	store_save_soon(f->store);
	due = store_due(f->store);
	assert_in_range(due, 1 + f->ends, 2);
	while (store_ended(f->store) < due)
		ev_run(f->loop, EVRUN_ONCE);
	assert_int_equal(f->snapshots, 2);
	assert_int_equal(store_due(f->store), 2);
	reopen(f);
	assert_found(f, 2);
}

static void who_does_not_wait_for_the_thread_gets_it_all_the_same(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	f->value = 1;
	store_save_soon(f->store);
	ev_run(f->loop, EVRUN_NOWAIT);
	f->value = 2;
	store_save_soon(f->store);
	assert_int_equal(store_save_now(f->store, &f->e), 0);
	assert_int_equal(store_ended(f->store), 2);
	f->value = 3;
	store_save_soon(f->store);
	ev_run(f->loop, EVRUN_NOWAIT);
	reopen(f);
	assert_found(f, 3);
}

static void a_broken_snapshot_is_set_aside_and_the_one_before_is_used(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;

	open_store(f);
	save(f, 1);
	save(f, 2);
	close_store(f);
	read_back(f, "", &text);
	/* Every way to be cut short, and every bit flipped somewhere. */
	for (size_t at = 0; at < text.len; at += 7) {
		struct json *state_was = NULL;

		text.ptr[at] ^= 1;
		overwrite(f, "", text.ptr, text.len);
		text.ptr[at] ^= 1;
		open_store(f);
		state_was = f->found.state;
		assert_non_null(state_was);
		assert_found(f, 1);
		assert_non_null(strstr(f->found.words.ptr, ".bad-corrupt-1'"));
		assert_non_null(strstr(f->found.words.ptr, ".prev' is used instead"));
		assert_int_equal(access(f->path, F_OK), -1);
		close_store(f);
		remove_like(f, ".bad-corrupt-1");
	}
	for (size_t len = 0; len < text.len; len += 5) {
		overwrite(f, "", text.ptr, len);
		open_store(f);
		assert_found(f, 1);
		close_store(f);
		remove_like(f, ".bad-corrupt-1");
	}
	buf_release(&text);
}

static void a_newer_snapshot_is_set_aside(void **state)
{
	struct fixture *f = *state;
	static const char newer[] = "oxherd state 2 7 boot-1 3 0000000000000000 more\n{}\n";

	overwrite(f, "", newer, sizeof(newer) - 1);
	open_store(f);
	assert_null(f->found.state);
	assert_non_null(strstr(f->found.words.ptr, "(newer) and was set aside as"));
	save(f, 5);
	reopen(f);
	assert_found(f, 5);
}

static void a_folder_or_a_strangers_file_in_its_place_is_set_aside(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	open_store(f);
	assert_null(f->found.state);
	assert_non_null(strstr(f->found.words.ptr, "(no-file)"));
	save(f, 5);
	close_store(f);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	open_store(f);
	assert_non_null(strstr(f->found.words.ptr, "(foreign)"));
	assert_null(f->found.state);
}

/* In the place of the folder there is a file, so that nothing can be written there. */
static void move_away(const struct fixture *f, const char *moved)
{
	int fd = -1;

	assert_int_equal(rename(f->folder, moved), 0);
	fd = open(f->folder, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void move_back(const struct fixture *f, const char *moved)
{
	assert_int_equal(unlink(f->folder), 0);
	assert_int_equal(rename(moved, f->folder), 0);
}

static void a_folder_that_was_deleted_is_made_again(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	save(f, 1);
	remove_like(f, "");
	remove_like(f, ".prev");
	assert_int_equal(rmdir(f->folder), 0);
	save(f, 2);
	reopen(f);
	assert_found(f, 2);
}

static void a_disk_that_refuses_is_told_and_tried_again(void **state)
{
	struct fixture *f = *state;
	const char *words = NULL;
	char moved[64];

	open_store(f);
	save(f, 1);
	snprintf(moved, sizeof(moved), "%s.away", f->folder);
	move_away(f, moved);
	f->value = 2;
	store_save_soon(f->store);
	assert_int_equal(store_save_now(f->store, &f->e), -1);
	assert_true(f->e.text.len > 0);
	assert_true(store_is_failing(f->store, &words));
	assert_string_equal(words, f->e.text.ptr);
	/* What was there is untouched, and once there is room again all is well. */
	move_back(f, moved);
	assert_int_equal(store_save_now(f->store, &f->e), 0);
	assert_false(store_is_failing(f->store, &words));
	reopen(f);
	assert_found(f, 2);
}

/* The next try is seconds away, and nobody is kept waiting for it. */
static void who_asks_while_a_write_fails_waits_for_that_one_only(void **state)
{
	struct fixture *f = *state;
	const char *words = NULL;
	char moved[64];

	open_store(f);
	snprintf(moved, sizeof(moved), "%s.away", f->folder);
	move_away(f, moved);
	f->asks_again = true;
	store_save_soon(f->store);
	while (!f->ends)
		ev_run(f->loop, EVRUN_ONCE);
	assert_true(store_is_failing(f->store, &words));
	assert_int_equal(f->snapshots, 1);
	assert_int_equal(store_ended(f->store), 2);
	/* What was asked for is not forgotten. */
	assert_int_equal(store_due(f->store), 3);
	move_back(f, moved);
	f->value = 2;
	reopen(f);
	assert_found(f, 2);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("where nothing is, nothing is found and nothing is written",
			nothing_there_is_nothing_found),
		ONE("what was saved is found again", what_was_saved_is_found),
		ONE("a moment in which there is no room to read it forgets nothing",
			a_moment_without_room_forgets_nothing),
		ONE("however often it is asked for, a turn of the loop saves once", a_turn_saves_once),
		ONE("the loop continues while the disk is waited for, and what changes meanwhile is written next",
			the_loop_goes_on_while_the_disk_is_waited_for),
		ONE("who saves now has waited for what was under way, and so has who ends",
			who_does_not_wait_for_the_thread_gets_it_all_the_same),
		ONE("a broken snapshot is set aside, and the one before it is used",
			a_broken_snapshot_is_set_aside_and_the_one_before_is_used),
		ONE("a newer snapshot is set aside and named", a_newer_snapshot_is_set_aside),
		ONE("a folder or a stranger's file in its place is set aside",
			a_folder_or_a_strangers_file_in_its_place_is_set_aside),
		ONE("a folder that was deleted is made again", a_folder_that_was_deleted_is_made_again),
		ONE("a disk that refuses is reported, and tried again",
			a_disk_that_refuses_is_told_and_tried_again),
		ONE("who asks for a change while a write fails waits for that one, and not for the next try",
			who_asks_while_a_write_fails_waits_for_that_one_only),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
