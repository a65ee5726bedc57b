/* Nothing that was saved is lost, and nothing that is broken keeps a daemon from starting. */
#include "engine/store.h"

#include <ev.h>
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
};

static void snapshot(void *context, struct buf *out)
{
	struct fixture *f = context;

	f->snapshots++;
	buf_addf(out, "{\"value\":%d}", f->value);
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
	static const char *const tails[] = { "", ".prev", ".journal", ".bad-corrupt-1", ".bad-corrupt-2",
		".bad-newer-1", ".bad-foreign-1", ".bad-no-file-1", ".prev.bad-corrupt-1",
		".journal.bad-corrupt-1" };
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
		.context = f,
	};

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

static void note(struct fixture *f, int value)
{
	store_note(f->store, json_new_int(value));
}

static void reopen(struct fixture *f)
{
	close_store(f);
	open_store(f);
}

static void assert_found(struct fixture *f, int64_t value, int64_t records)
{
	int64_t got = -1;

	(void)json_int(json_get(f->found.state, "value"), &got);
	assert_int_equal(got, value);
	assert_int_equal(json_count(f->found.records), records);
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
	assert_found(f, -1, 0);
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
	note(f, 10);
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
	assert_found(f, 1, 1);
	assert_string_equal(f->found.words.ptr, "");
}

static void what_was_saved_is_found(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_store(f);
	save(f, 1);
	note(f, 10);
	note(f, 11);
	reopen(f);
	assert_found(f, 1, 2);
	assert_true(f->found.is_same_boot);
	assert_string_equal(f->found.words.ptr, "");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A snapshot holds what the journal told before. */
	save(f, 2);
	note(f, 12);
	reopen(f);
	assert_found(f, 2, 1);
	close_store(f);
	open_on_boot(f, "boot-2");
	assert_found(f, 2, 1);
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

static void a_broken_snapshot_is_set_aside_and_the_one_before_is_used(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;

	open_store(f);
	save(f, 1);
	save(f, 2);
	note(f, 10);
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
		assert_found(f, 1, 0);
		assert_non_null(strstr(f->found.words.ptr, ".bad-corrupt-1'"));
		assert_non_null(strstr(f->found.words.ptr, ".prev' is used instead"));
		assert_int_equal(access(f->path, F_OK), -1);
		close_store(f);
		remove_like(f, ".bad-corrupt-1");
	}
	for (size_t len = 0; len < text.len; len += 5) {
		overwrite(f, "", text.ptr, len);
		open_store(f);
		assert_found(f, 1, 0);
		close_store(f);
		remove_like(f, ".bad-corrupt-1");
	}
	buf_release(&text);
}

static void after_a_broken_one_an_old_journal_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	char journal[80];
	char held[80];

	open_store(f);
	save(f, 1);
	save(f, 2);
	note(f, 10);
	close_store(f);
	overwrite(f, "", "junk", 4);
	open_store(f);
	assert_found(f, 1, 0);
	/* The journal of the lost snapshot is still there, and cannot be rewritten this time. */
	snprintf(journal, sizeof(journal), "%s.journal", f->path);
	snprintf(held, sizeof(held), "%s.held", f->path);
	assert_int_equal(rename(journal, held), 0);
	assert_int_equal(symlink("nowhere", journal), 0);
	save(f, 3);
	assert_int_equal(rename(held, journal), 0);
	reopen(f);
	assert_found(f, 3, 0);
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
	assert_found(f, 5, 0);
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

static void a_torn_journal_gives_what_is_whole(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;
	size_t whole = 0;

	open_store(f);
	save(f, 1);
	for (int i = 0; i < 5; i++)
		note(f, i);
	close_store(f);
	read_back(f, ".journal", &text);
	for (size_t len = strcspn(text.ptr, "\n") + 1; len <= text.len; len++) {
		whole = 0;
		for (size_t i = 0; i < len; i++)
			whole += text.ptr[i] == '\n';
		overwrite(f, ".journal", text.ptr, len);
		open_store(f);
		assert_found(f, 1, (int64_t)whole - 1);
		assert_int_equal(f->found.words.len > 0, text.ptr[len - 1] != '\n');
		close_store(f);
	}
	buf_release(&text);
}

static void a_journal_that_grows_becomes_a_snapshot(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;
	struct stat st;
	char path[80];

	open_store(f);
	save(f, 1);
	buf_fill(&text, 'x', 100000);
	for (int i = 0; i < 100; i++) {
		f->value = i;
		store_note(f->store, json_new_string(text.ptr));
		ev_run(f->loop, EVRUN_NOWAIT);
	}
	assert_true(f->snapshots >= 3);
	snprintf(path, sizeof(path), "%s.journal", f->path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= STORE_JOURNAL_MAX);
	/* One that no journal takes makes a snapshot by itself. */
	buf_fill(&text, 'x', STORE_RECORD_MAX);
	f->snapshots = 0;
	store_note(f->store, json_new_string(text.ptr));
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->snapshots, 1);
	buf_release(&text);
}

static void a_disk_that_refuses_is_told_and_tried_again(void **state)
{
	struct fixture *f = *state;
	const char *words = NULL;
	char moved[64];

	open_store(f);
	save(f, 1);
	snprintf(moved, sizeof(moved), "%s.away", f->folder);
	assert_int_equal(rename(f->folder, moved), 0);
	f->value = 2;
	store_save_soon(f->store);
	assert_int_equal(store_save_now(f->store, &f->e), -1);
	assert_true(f->e.text.len > 0);
	assert_true(store_is_failing(f->store, &words));
	assert_string_equal(words, f->e.text.ptr);
	/* What was there is untouched, and once there is room again all is well. */
	assert_int_equal(rename(moved, f->folder), 0);
	assert_int_equal(store_save_now(f->store, &f->e), 0);
	assert_false(store_is_failing(f->store, &words));
	reopen(f);
	assert_found(f, 2, 0);
}

static void a_record_costs_no_trip_to_the_disk(void **state)
{
	struct fixture *f = *state;
	int64_t began = 0;
	int64_t saves = 0;

	open_store(f);
	save(f, 1);
	began = clock_us();
	for (int i = 0; i < 50; i++)
		save(f, i);
	saves = clock_us() - began;
	began = clock_us();
	for (int i = 0; i < 5000; i++)
		note(f, i);
	printf("# a snapshot: %lld us, a record: %.2f us\n", (long long)saves / 50,
		(double)(clock_us() - began) / 5000);
	reopen(f);
	assert_found(f, 49, 5000);
}

int main(void)
{
#define ONE(sentence, function)                                                                              \
	{                                                                                                    \
		.name = (sentence), .test_func = (function), .setup_func = setup, .teardown_func = teardown, \
	}
	const struct CMUnitTest tests[] = {
		ONE("where nothing is, nothing is found and nothing is written",
			nothing_there_is_nothing_found),
		ONE("what was saved and noted is found again", what_was_saved_is_found),
		ONE("a moment in which there is no room to read it forgets nothing",
			a_moment_without_room_forgets_nothing),
		ONE("however often it is asked for, a turn of the loop saves once", a_turn_saves_once),
		ONE("a broken snapshot is set aside, and the one before it is used",
			a_broken_snapshot_is_set_aside_and_the_one_before_is_used),
		ONE("the journal of a lost snapshot does not come back",
			after_a_broken_one_an_old_journal_does_not_come_back),
		ONE("a newer snapshot is set aside and named", a_newer_snapshot_is_set_aside),
		ONE("a folder or a stranger's file in its place is set aside",
			a_folder_or_a_strangers_file_in_its_place_is_set_aside),
		ONE("a torn journal gives what is whole, and says what is not",
			a_torn_journal_gives_what_is_whole),
		ONE("a journal that grows becomes a snapshot", a_journal_that_grows_becomes_a_snapshot),
		ONE("a disk that refuses is told, and tried again",
			a_disk_that_refuses_is_told_and_tried_again),
		ONE("a record costs no trip to the disk", a_record_costs_no_trip_to_the_disk),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
