/*
 * Plays every scene of tests/scenes.  With SCENES_WRITE set, what happened is written over what was expected: read the difference before it is
 * committed, as every line of it is a promise.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "scene.h"
#include "unit.h"

enum { SCENE_MAX = 1 << 20 };

static const char *folder(void)
{
	const char *given = getenv("OX_SCENES");

	return given ? given : "tests/scenes";
}

static void tell_difference(const char *name, const char *expected, const char *played)
{
	int line = 1;

	while (*expected && *expected == *played) {
		line += *expected == '\n';
		expected++;
		played++;
	}
	print_error("%s:%d differs\n", name, line);
}

static void read_all(const char *name, struct buf *out)
{
	FILE *file = fopen(name, "r");
	char piece[4096];
	size_t got = 0;

	if (!file)
		fail_msg("cannot open '%s'", name);
	while (out->len < SCENE_MAX && (got = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, got);
	(void)fclose(file);
}

static void write_all(const char *name, const struct buf *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text->ptr, 1, text->len, file), text->len);
	assert_int_equal(fclose(file), 0);
}

static void plays_as_written(void **state)
{
	const char *name = *state;
	struct buf expected = BUF_INIT;
	struct buf played = BUF_INIT;
	bool is_good = false;

	read_all(name, &expected);
	is_good = scene_play(expected.ptr, &played);
	if (getenv("SCENES_WRITE"))
		write_all(name, &played);
	else if (!str_eq(expected.ptr, played.ptr))
		tell_difference(name, expected.ptr, played.ptr);
	if (!is_good)
		print_error("%s\n", played.ptr);
	assert_true(is_good);
	assert_true(getenv("SCENES_WRITE") || str_eq(expected.ptr, played.ptr));
	buf_release(&expected);
	buf_release(&played);
}

/* The first line of a scene is its title. */
static char *title_of(const char *path)
{
	struct buf text = BUF_INIT;
	char *title = NULL;

	read_all(path, &text);
	title = mem_strndup(
		text.ptr + strspn(text.ptr, "# "), strcspn(text.ptr, "\n") - strspn(text.ptr, "# "));
	buf_release(&text);
	return title;
}

static int is_scene(const struct dirent *entry)
{
	return str_ends(entry->d_name, ".txt");
}

int main(void)
{
	struct dirent **found = NULL;
	int count = scandir(folder(), &found, is_scene, alphasort);
	struct CMUnitTest *tests = mem_zalloc((size_t)(count > 0 ? count : 1), sizeof(*tests));
	int failed = 0;

	for (int k = 0; k < count; k++) {
		struct buf path = BUF_INIT;

		buf_addf(&path, "%s/%s", folder(), found[k]->d_name);
		tests[k] = (struct CMUnitTest){
			.name = title_of(path.ptr),
			.test_func = plays_as_written,
			.initial_state = path.ptr,
		};
		free(found[k]);
	}
	free(found);
	/* No scene at all is no success. */
	failed = count > 0 ? _cmocka_run_group_tests("scenes", tests, (size_t)count, NULL, NULL) : 1;
	for (int k = 0; k < count; k++) {
		mem_free((void *)tests[k].name);
		mem_free(tests[k].initial_state);
	}
	mem_free(tests);
	return failed;
}
