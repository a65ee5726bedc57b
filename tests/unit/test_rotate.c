#include "rules/rotate.h"

#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "unit.h"

#define NAMES(...)                                                                                           \
	(const char *const[])                                                                                \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}

/* A folder that exists only here: names to what their files hold. */
static bool in_folder(void *context, const char *path)
{
	return map_get(context, path) != NULL;
}

static void fill(struct map *folder, const char *const *names)
{
	for (; *names; names++)
		map_put(folder, *names, mem_strdup(*names));
}

/* As the daemon would; nothing that is there is ever written over. */
static void take(struct map *folder, const struct rotate_step *step)
{
	char *held = map_remove(folder, step->from);

	assert_non_null(held);
	if (step->verb == ROTATE_REMOVE) {
		assert_null(step->to);
		mem_free(held);
		return;
	}
	assert_null(map_put(folder, step->to, held));
}

static void plan(const struct rotate_policy *p, struct map *folder, struct vec *steps)
{
	rotate_plan(p, "api.log", in_folder, folder, steps);
}

static char *told(const struct vec *steps)
{
	static const char *const words[] = {
		[ROTATE_RENAME] = "rename",
		[ROTATE_REMOVE] = "remove",
		[ROTATE_COMPRESS] = "compress",
	};
	struct buf text = BUF_INIT;
	struct rotate_step *step = NULL;
	size_t i = 0;

	VEC_EACH (steps, i, step) {
		buf_addf(&text, "%s %s", words[step->verb], step->from);
		if (step->to)
			buf_addf(&text, " %s", step->to);
		buf_addc(&text, '\n');
	}
	return buf_detach(&text);
}

static void expect(int64_t max_files, bool compress, const char *const *names, const char *steps_expected)
{
	struct rotate_policy p = { .max_size_bytes = 100, .max_files = max_files, .compress = compress };
	struct map folder = MAP_INIT;
	struct vec steps = VEC_INIT;
	char *text = NULL;

	fill(&folder, names);
	plan(&p, &folder, &steps);
	text = told(&steps);
	assert_string_equal(text, steps_expected);
	mem_free(text);
	vec_release_with(&steps, rotate_step_free);
	map_release_with(&folder, mem_free);
}

static void is_due_when_it_would_pass_the_limit(void **state)
{
	struct rotate_policy p = { .max_size_bytes = 100 };
	struct rotate_policy never = { .max_size_bytes = 0 };

	(void)state;
	assert_false(rotate_is_due(&p, 0, 1));
	assert_false(rotate_is_due(&p, 0, 1000));
	assert_false(rotate_is_due(&p, 99, 1));
	assert_true(rotate_is_due(&p, 99, 2));
	assert_false(rotate_is_due(&p, 100, 0));
	assert_true(rotate_is_due(&p, 100, 1));
	assert_true(rotate_is_due(&p, 101, 0));
	assert_true(rotate_is_due(&p, INT64_MAX, 0));
	assert_true(rotate_is_due(&p, 1, INT64_MAX));
	assert_true(rotate_is_due(&p, INT64_MAX, INT64_MAX));
	assert_false(rotate_is_due(&never, INT64_MAX, INT64_MAX));
}

static void the_first_round_moves_one(void **state)
{
	(void)state;
	expect(3, false, NAMES("api.log"), "rename api.log api.log.1\n");
	expect(3, true, NAMES("api.log"), "rename api.log api.log.1\ncompress api.log.1 api.log.1.gz\n");
}

static void a_full_row_drops_its_oldest(void **state)
{
	(void)state;
	expect(2, false, NAMES("api.log", "api.log.1", "api.log.2"),
		"remove api.log.2\n"
		"rename api.log.1 api.log.2\n"
		"rename api.log api.log.1\n");
	expect(3, true, NAMES("api.log", "api.log.1.gz", "api.log.2.gz", "api.log.3.gz"),
		"remove api.log.3.gz\n"
		"rename api.log.2.gz api.log.3.gz\n"
		"rename api.log.1.gz api.log.2.gz\n"
		"rename api.log api.log.1\n"
		"compress api.log.1 api.log.1.gz\n");
}

static void compressed_ones_stay_compressed(void **state)
{
	(void)state;
	expect(3, false, NAMES("api.log", "api.log.1", "api.log.2.gz", "api.log.3.gz"),
		"remove api.log.3.gz\n"
		"rename api.log.2.gz api.log.3.gz\n"
		"rename api.log.1 api.log.2\n"
		"rename api.log api.log.1\n");
}

static void no_files_kept_begins_again(void **state)
{
	(void)state;
	expect(0, true, NAMES("api.log"), "remove api.log\n");
	expect(0, false, NAMES("api.log", "api.log.1", "api.log.2.gz"),
		"remove api.log.2.gz\n"
		"remove api.log.1\n"
		"remove api.log\n");
	expect(-1, false, NAMES("api.log"), "remove api.log\n");
}

static void a_lowered_limit_drops_the_rest(void **state)
{
	(void)state;
	expect(1, false, NAMES("api.log", "api.log.1", "api.log.2", "api.log.3.gz", "api.log.4"),
		"remove api.log.4\n"
		"remove api.log.3.gz\n"
		"remove api.log.2\n"
		"remove api.log.1\n"
		"rename api.log api.log.1\n");
}

static void a_gap_is_filled_before_anything_is_dropped(void **state)
{
	(void)state;
	expect(3, false, NAMES("api.log", "api.log.1", "api.log.3"),
		"rename api.log.1 api.log.2\n"
		"rename api.log api.log.1\n");
}

static void what_was_left_plain_is_compressed(void **state)
{
	(void)state;
	expect(3, true, NAMES("api.log", "api.log.1", "api.log.2.gz"),
		"rename api.log.2.gz api.log.3.gz\n"
		"rename api.log.1 api.log.2\n"
		"rename api.log api.log.1\n"
		"compress api.log.1 api.log.1.gz\n"
		"compress api.log.2 api.log.2.gz\n");
	expect(3, true, NAMES("api.log", "api.log.1", "api.log.1.gz"),
		"remove api.log.1.gz\n"
		"rename api.log.1 api.log.2\n"
		"rename api.log api.log.1\n"
		"compress api.log.1 api.log.1.gz\n"
		"compress api.log.2 api.log.2.gz\n");
}

static void without_the_file_nothing_moves(void **state)
{
	(void)state;
	expect(2, true, NAMES("api.log.1", "api.log.2"), "");
	expect(1, true, NAMES("api.log.1", "api.log.2"), "remove api.log.2\n");
}

static bool everything_is_there(void *context, const char *path)
{
	(void)path;
	(*(size_t *)context)++;
	return true;
}

static void a_folder_that_says_yes_to_all_ends(void **state)
{
	struct rotate_policy p = { .max_size_bytes = 1, .max_files = INT64_MAX, .compress = true };
	struct vec steps = VEC_INIT;
	size_t asked = 0;

	(void)state;
	rotate_plan(&p, "x", everything_is_there, &asked, &steps);
	assert_true(asked < 20 * ROTATE_FILES_MAX);
	assert_true(steps.len > 0);
	vec_release_with(&steps, rotate_step_free);
	rotate_step_free(NULL);
}

/* Writes the file anew with the round's number, rotates, and stops after `until` steps as if the power had gone. */
static void one_round(const struct rotate_policy *p, struct map *folder, int round, size_t until)
{
	struct buf content = BUF_INIT;
	struct vec steps = VEC_INIT;

	if (!map_get(folder, "api.log")) {
		buf_addf(&content, "%d", round);
		map_put(folder, "api.log", buf_detach(&content));
	}
	plan(p, folder, &steps);
	for (size_t i = 0; i < steps.len && i < until; i++)
		take(folder, steps.items[i]);
	vec_release_with(&steps, rotate_step_free);
}

static const char *held(const struct map *folder, int number, bool is_compressed)
{
	struct buf name = BUF_INIT;
	const char *content = NULL;

	buf_addf(&name, "api.log.%d%s", number, is_compressed ? ".gz" : "");
	content = map_get(folder, name.ptr);
	buf_release(&name);
	return content;
}

static void years_of_rounds_keep_the_newest(void **state)
{
	struct rotate_policy p = { .max_size_bytes = 100, .max_files = 5 };
	struct map folder = MAP_INIT;

	(void)state;
	for (int round = 1; round <= 1000; round++) {
		p.compress = round % 50 < 25;
		one_round(&p, &folder, round, SIZE_MAX);
		for (int n = 1; n <= 5 && n <= round; n++) {
			const char *plain = held(&folder, n, false);
			const char *compressed = held(&folder, n, true);
			struct buf expected = BUF_INIT;

			assert_true(!plain != !compressed);
			buf_addf(&expected, "%d", round - n + 1);
			assert_string_equal(plain ? plain : compressed, expected.ptr);
			buf_release(&expected);
		}
		assert_int_equal(folder.len, round < 5 ? round : 5);
	}
	map_release_with(&folder, mem_free);
}

static bool holds(const struct map *folder, const char *content)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (folder, entry)
		if (!strcmp(entry->value, content))
			return true;
	return false;
}

static void a_crash_between_two_steps_loses_nothing(void **state)
{
	static const char *const newest[] = { "6", "5", "4", "3" };

	(void)state;
	/* Five files are kept and six were written: whatever was done of the sixth round, 3 to 6 survive it and the next one. */
	for (size_t until = 0; until < 16; until++) {
		struct rotate_policy p = { .max_size_bytes = 100, .max_files = 5, .compress = true };
		struct map folder = MAP_INIT;

		for (int round = 1; round <= 5; round++)
			one_round(&p, &folder, round, SIZE_MAX);
		one_round(&p, &folder, 6, until);
		for (size_t i = 0; i < 4; i++)
			assert_true(holds(&folder, newest[i]));
		one_round(&p, &folder, 7, SIZE_MAX);
		for (size_t i = 0; i < 4; i++)
			assert_true(holds(&folder, newest[i]));
		map_release_with(&folder, mem_free);
	}
}

static void lines_are_not_torn(void **state)
{
	const struct rotate_policy p = { .max_size_bytes = 100, .max_files = 3 };
	const struct rotate_policy never = { .max_files = 3 };

	(void)state;
	assert_int_equal(rotate_cut(&p, 50, true, "abc\ndef", 7), 7);
	assert_int_equal(rotate_cut(&p, 0, false, "abc\ndef", 7), 7);
	assert_int_equal(rotate_cut(&p, 95, false, "abc\ndef", 7), 0);
	assert_int_equal(rotate_cut(&p, 95, true, "abc\ndef", 7), 4);
	assert_int_equal(rotate_cut(&p, 95, true, "\nabcdef", 7), 1);
	assert_int_equal(rotate_cut(&p, 95, true, "abcdefg", 7), 7);
	assert_int_equal(rotate_cut(&p, 100 + ROTATE_LINE_MAX, true, "abcdefg", 7), 7);
	assert_int_equal(rotate_cut(&p, 101 + ROTATE_LINE_MAX, true, "abcdefg", 7), 0);
	assert_int_equal(rotate_cut(&never, INT64_MAX / 2, true, "abcdefg", 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a file is full when more would pass its limit, an empty one never",
			is_due_when_it_would_pass_the_limit),
		PROMISE("a line is finished before the file is rotated, unless it has no end",
			lines_are_not_torn),
		PROMISE("the first round moves one file", the_first_round_moves_one),
		PROMISE("a full row drops its oldest and moves the rest from the top",
			a_full_row_drops_its_oldest),
		PROMISE("compressed files keep their name after compress was turned off",
			compressed_ones_stay_compressed),
		PROMISE("max_files = 0 keeps nothing", no_files_kept_begins_again),
		PROMISE("a lowered max_files drops what is beyond it", a_lowered_limit_drops_the_rest),
		PROMISE("a gap is filled before anything is dropped",
			a_gap_is_filled_before_anything_is_dropped),
		PROMISE("what a crash left plain is compressed, and its half-made twin removed",
			what_was_left_plain_is_compressed),
		PROMISE("without the file itself nothing moves", without_the_file_nothing_moves),
		PROMISE("a folder in which every name exists ends the search",
			a_folder_that_says_yes_to_all_ends),
		PROMISE("a thousand rounds keep the newest five in order", years_of_rounds_keep_the_newest),
		PROMISE("a crash between any two steps loses nothing",
			a_crash_between_two_steps_loses_nothing),
	};

	return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
