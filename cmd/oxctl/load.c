/*
 * From a path to checked specs with their ports: the same for every command that reads an oxfile.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dotenv.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/toml.h"
#include "cmd.h"
#include "control/local_port_range.h"
#include "os/cpu.h"
#include "os/file.h"
#include "rules/placement.h"

static char *home_oxfile(void)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char *folder = NULL;
	char *path = NULL;

	if (!(config && *config) && !(home && *home))
		return NULL;
	folder = config && *config ? mem_strdup(config) : path_join(home, ".config");
	path = path_join(folder, "oxherd/oxfile.toml");
	mem_free(folder);
	return path;
}

char *load_find(const char *config, struct err *e)
{
	char *at_home = NULL;

	if (config)
		return mem_strdup(config);
	if (file_exists("oxfile.toml"))
		return mem_strdup("oxfile.toml");
	at_home = home_oxfile();
	if (at_home && file_exists(at_home))
		return at_home;
	mem_free(at_home);
	if (geteuid() == 0 && file_exists("/etc/oxherd/oxfile.toml"))
		return mem_strdup("/etc/oxherd/oxfile.toml");
	err_set(e, "no oxfile.toml here; use --config FILE");
	return NULL;
}

static bool has_dots(const char *path)
{
	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");

		if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return true;
		at += len + (at[len] == '/');
	}
	return false;
}

char *load_here(void)
{
	const char *pwd = getenv("PWD");
	char folder[PATH_MAX];

	if (pwd && *pwd == '/' && !has_dots(pwd) && file_is_same(pwd, "."))
		return path_without_dots(pwd);
	return getcwd(folder, sizeof(folder)) ? mem_strdup(folder) : NULL;
}

/* With the links of its folder resolved, as far as that is possible. */
static char *real_path(const char *path)
{
	char real[PATH_MAX];
	char *folder = path_folder(path);
	char *whole = NULL;

	if (realpath(folder, real))
		whole = path_join(real, path_base(path));
	mem_free(folder);
	return whole;
}

char *load_whole(const char *path)
{
	char *here = *path == '/' ? mem_strdup("/") : load_here();
	char *joined = here ? path_join(here, path) : NULL;
	char *whole = joined ? path_without_dots(joined) : NULL;

	if (!whole || (has_dots(joined) && !file_is_same(whole, path))) {
		char *real = real_path(path);

		mem_free(real ? whole : NULL);
		whole = real ? real : whole;
	}
	mem_free(joined);
	mem_free(here);
	return whole ? whole : mem_strdup(path);
}

/* The folder that relative paths in this file are relative to: that of its whole path. */
static char *folder_of_oxfile(const char *path)
{
	char *whole = load_whole(path);
	char *folder = path_folder(whole);

	mem_free(whole);
	return folder;
}

static int load_env_file(
	void *context, const struct spec *s, const char *path, struct buf *bytes, struct err *e)
{
	(void)context;
	return file_read_for(s->user, s->group, path, DOTENV_SIZE_MAX, bytes, e);
}

/* A port that may be taken when its app starts is no mistake, but worth a word. */
static void look_at_ports(struct loaded *l)
{
	const struct placement *p = NULL;
	size_t i = 0;

	VEC_EACH (&l->placements, i, p) {
		struct buf what = BUF_INIT;
		struct buf todo = BUF_INIT;

		if (p->claim.written &&
			local_ports_meet(p->claim.first, p->claim.instances, p->claim.step, &what, &todo))
			diag_hint(diags_warn(&l->diags, oxfile_place(p->spec, "port"), "%s", what.ptr), "%s",
				todo.ptr);
		buf_release(&what);
		buf_release(&todo);
	}
}

int load_oxfile(struct loaded *l, const char *path, const char *profile)
{
	char *folder = folder_of_oxfile(path);
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	const struct oxfile_options options = {
		.path = path,
		.folder = folder,
		.profile = profile,
		.environment = environ,
	};
	int code = EXIT_USAGE;

	*l = (struct loaded){ .placements = VEC_INIT, .diags = DIAGS_INIT };
	if (file_read(path, TOML_SIZE_MAX, &text, &e) < 0) {
		diags_about(&l->diags, path, NULL, 0);
		diags_error(&l->diags, (struct place){ 0, 0 }, "%s", e.text.ptr);
		goto out;
	}
	l->oxfile = oxfile_read(text.ptr, text.len, &options, &l->diags);
	if (!l->oxfile)
		goto out;
	/* Secrets are often not there where a file is checked; starting without them is another matter. */
	if (oxfile_read_env_files(l->oxfile, load_env_file, NULL, true, &l->diags) < 0)
		goto out;
	if (placement_make(l->oxfile, cpu_usable(), &l->placements, &l->diags) == 0)
		code = EXIT_DONE;
	if (code == EXIT_DONE)
		look_at_ports(l);
out:
	buf_release(&text);
	err_release(&e);
	mem_free(folder);
	return code;
}

void load_release(struct loaded *l)
{
	vec_release_with(&l->placements, placement_free);
	oxfile_free(l->oxfile);
	diags_release(&l->diags);
}
