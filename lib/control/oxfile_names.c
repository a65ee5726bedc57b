#include "control/oxfile_names.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "control/handle.h"
#include "engine/brain.h"

static bool is_one(const char *a, const char *b)
{
	struct stat first;
	struct stat second;

	if (str_eq(a, b))
		return true;
	return a && b && stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
		first.st_ino == second.st_ino;
}

static bool is_gone(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void add_name(const char *path, struct strings *paths)
{
	if (path && !strings_have(paths, path))
		strings_add(paths, path);
}

static void names_of(struct handle *h, const struct vec *specs, struct strings *paths)
{
	const struct herd *herd = brain_herd(h->brain);

	for (size_t i = 0; specs && i < specs->len; i++)
		add_name(((const struct spec *)specs->items[i])->oxfile, paths);
	for (size_t i = 0; !specs && i < herd_app_count(herd); i++) {
		struct app_status app;

		herd_app_status(herd, i, &app);
		add_name(app.oxfile, paths);
	}
}

void oxfile_names_find(struct handle *h, const char *path, struct oxfile_names *names)
{
	struct strings known = { .items = NULL };

	*names = (struct oxfile_names){ .also = { .items = NULL } };
	names_of(h, NULL, &known);
	for (size_t i = 0; path && i < known.len; i++) {
		if (str_eq(known.items[i], path))
			continue;
		if (is_one(known.items[i], path))
			strings_add(&names->also, known.items[i]);
		else if (is_gone(known.items[i]))
			strings_add(&names->gone, known.items[i]);
	}
	strings_release(&known);
}

void oxfile_names_release(struct oxfile_names *names)
{
	strings_release(&names->also);
	strings_release(&names->gone);
}

static bool has_links(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && !str_eq(path, real);
}

void oxfile_names_of(struct handle *h, const struct vec *specs, struct strings *paths)
{
	struct strings known = { .items = NULL };

	names_of(h, specs, &known);
	for (size_t i = 0; i < known.len; i++) {
		size_t at = 0;

		while (at < paths->len && !is_one(paths->items[at], known.items[i]))
			at++;
		if (at == paths->len) {
			strings_add(paths, known.items[i]);
		} else if (!has_links(paths->items[at]) && has_links(known.items[i])) {
			mem_free(paths->items[at]);
			paths->items[at] = mem_strdup(known.items[i]);
		}
	}
	strings_release(&known);
}
