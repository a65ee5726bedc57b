#include "base/path.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void takes_dots_out_as_text(void **state)
{
	static const char *const rows[][2] = {
		{ "/srv/app", "/srv/app" },
		{ "/srv/./app/", "/srv/app" },
		{ "/srv/current/../oxfile.toml", "/srv/oxfile.toml" },
		{ "/a/b/../../c", "/c" },
		{ "/../../a", "/a" },
		{ "/a/..", "/" },
		{ "/", "/" },
		{ "/..a/b..", "/..a/b.." },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *path = path_without_dots(rows[i][0]);

		assert_string_equal(path, rows[i][1]);
		mem_free(path);
	}
}

static void joins_and_tidies(void **state)
{
	static const struct {
		const char *folder, *name, *joined;
	} rows[] = {
		{ "/srv/api", "app.js", "/srv/api/app.js" },
		{ "/srv/api/", "app.js", "/srv/api/app.js" },
		{ "/srv//api", "./bin/./app", "/srv/api/bin/app" },
		{ "/srv/api", "/etc//x", "/etc/x" },
		{ "/srv/api", "", "/srv/api" },
		{ "/srv/api", ".", "/srv/api" },
		{ "/", "x", "/x" },
		{ "/", "", "/" },
		{ ".", "x", "x" },
		{ "", "x", "x" },
		{ ".", ".", "." },
		{ "", "", "." },
		{ "a", "b/", "a/b" },
		{ "/a", ".hidden", "/a/.hidden" },
		{ "/a", "...", "/a/..." },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *joined = path_join(rows[i].folder, rows[i].name);

		assert_string_equal(joined, rows[i].joined);
		mem_free(joined);
	}
}

static void keeps_dots(void **state)
{
	char *joined = path_join("/srv/current/..", "../shared/.env");

	(void)state;
	assert_string_equal(joined, "/srv/current/../../shared/.env");
	mem_free(joined);
}

static void parts_a_path(void **state)
{
	static const struct {
		const char *path, *folder, *base;
	} rows[] = {
		{ "/a/b", "/a", "b" },
		{ "b", ".", "b" },
		{ "/b", "/", "b" },
		{ "a/b/c", "a/b", "c" },
		{ "a//b", "a", "b" },
		{ "//b", "/", "b" },
		{ "a/", "a", "" },
		{ "", ".", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *folder = path_folder(rows[i].path);

		assert_string_equal(folder, rows[i].folder);
		assert_string_equal(path_base(rows[i].path), rows[i].base);
		mem_free(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("dots are taken out of a path as text, whatever is a link", takes_dots_out_as_text),
		PROMISE("joined paths hold no doubled slashes and no single dots", joins_and_tidies),
		PROMISE("two dots stay, as a link may stand before them", keeps_dots),
		PROMISE("a path is its folder and its base", parts_a_path),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
