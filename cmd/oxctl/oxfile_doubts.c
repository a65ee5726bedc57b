/*
 * What is no mistake in an oxfile, and will probably not do what was meant: warnings of `oxctl validate` that take a look at this machine.
 */
#include "oxfile_doubts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd.h"
#include "export/export.h"
#include "export/nginx_check.h"
#include "os/affinity.h"
#include "os/user.h"

static void warn_without(struct diags *d, const struct spec *s, const char *key, const struct err *e)
{
	diag_hint(diags_warn(d, oxfile_place(s, key), "%s", e->text.ptr),
		"create it or correct the name; '%s' does not start without it", s->name);
}

static void doubt_user(struct diags *d, const struct spec *s)
{
	struct user *user = s->user ? mem_zalloc(1, sizeof(*user)) : NULL;
	struct err e = ERR_INIT;

	/* A number without a name needs a group; whether that one is there is asked for itself. */
	if (user && user_find(user, s->user, s->group ? "0" : NULL, &e) < 0)
		warn_without(d, s, "user", &e);
	else if (user)
		user_release(user);
	mem_free(user);
	err_release(&e);
}

static void doubt_group(struct diags *d, const struct spec *s)
{
	struct err e = ERR_INIT;
	gid_t group = 0;

	if (s->group && user_find_group(s->group, &group, &e) < 0)
		warn_without(d, s, "group", &e);
	err_release(&e);
}

static void doubt_folder(struct diags *d, const struct spec *s)
{
	char *path = s->working_dir ? path_join(s->folder, s->working_dir) : NULL;
	struct stat st;

	if (path && stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		diag_hint(diags_warn(d, oxfile_place(s, "working_dir"), "there is no folder '%s'", path),
			"make it before '%s' starts", s->name);
	else if (path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		diags_warn(d, oxfile_place(s, "working_dir"), "'%s' is no folder", path);
	mem_free(path);
}

static void doubt_cpus(struct diags *d, const struct spec *s)
{
	struct cpu_list wanted;
	struct cpu_list here;
	struct cpu_list both;
	struct buf usable = BUF_INIT;

	if (!s->cpus || !strcmp(s->cpus, CPUS_ONE_EACH) || cpu_list_parse(s->cpus, &wanted, NULL) < 0 ||
		affinity_reachable(&here) < 0)
		return;
	both = cpu_list_both(&wanted, &here);
	cpu_list_print(cpu_list_count(&both) ? &both : &here, &usable);
	if (!cpu_list_count(&both))
		diags_warn(d, oxfile_place(s, "cpus"),
			"'%s' cannot start here: none of the processors %s can be used, only %s", s->name,
			s->cpus, usable.ptr);
	else if (!cpu_list_equal(&both, &wanted))
		diags_warn(d, oxfile_place(s, "cpus"),
			"of the processors %s only %s can be used here; '%s' runs on these", s->cpus,
			usable.ptr, s->name);
	buf_release(&usable);
}

/* Where a name or a line that nginx would refuse was written; only apps that say something about nginx. */
static void doubt_nginx(struct diags *d, const struct vec *specs)
{
	static const struct upstream_server server = { .at = { .port = 1 } };
	struct export_app *list = mem_zalloc(specs->len + 1, sizeof(*list));
	size_t count = 0;
	size_t i = 0;
	const struct spec *s = NULL;

	VEC_EACH (specs, i, s) {
		struct err e = ERR_INIT;

		if (!s->nginx.upstream && !s->nginx.output && !s->nginx.options.len)
			continue;
		list[count] = (struct export_app){
			.name = s->nginx.upstream ? s->nginx.upstream : s->name,
			.servers = &server,
			.servers_count = 1,
			.options = (const char *const *)s->nginx.options.items,
			.options_count = s->nginx.options.len,
		};
		if (nginx_check_upstreams(&list[count], 1, &e) < 0)
			diags_warn(d, oxfile_place(s, s->nginx.upstream ? "nginx.upstream" : "nginx.options"),
				"%s", e.text.ptr);
		else if (nginx_check_upstreams(list, ++count, &e) < 0)
			diags_warn(d, oxfile_place(s, "nginx.upstream"), "%s", e.text.ptr), count--;
		err_release(&e);
	}
	mem_free(list);
}

/* One file that an app writes by its own name; several instances have theirs by their number. */
struct log_name {
	const struct spec *spec;
	const char *key;
	char *path;
	bool is_numbered;
};

static void add_log(struct vec *logs, const struct spec *s, const char *key, const char *file)
{
	struct log_name *log = file ? mem_zalloc(1, sizeof(*log)) : NULL;
	char *joined = file ? path_join(s->folder, file) : NULL;

	if (log)
		*log = (struct log_name){
			.spec = s,
			.key = key,
			.path = path_without_dots(joined),
			.is_numbered = !s->logs.merge &&
				(s->instances.kind != COUNT_NUMBER || s->instances.value != 1),
		};
	if (log)
		vec_push(logs, log);
	mem_free(joined);
}

static void doubt_log(struct diags *d, const struct vec *logs, const struct log_name *log)
{
	const struct log_name *other = NULL;
	size_t i = 0;

	VEC_EACH (logs, i, other) {
		if (other == log)
			return;
		if (other->spec == log->spec || other->is_numbered != log->is_numbered ||
			!str_eq(other->path, log->path))
			continue;
		diag_hint(
			diags_warn(d, oxfile_place(log->spec, log->key),
				"'%s' and '%s' write to one log file, and 'oxctl logs' cannot tell them apart",
				other->spec->name, log->spec->name),
			"give each app a file of its own, such as \"%s.log\"", log->spec->name);
		return;
	}
}

static void free_log(void *item)
{
	struct log_name *log = item;

	mem_free(log->path);
	mem_free(log);
}

static void doubt_logs(struct diags *d, const struct vec *specs)
{
	struct vec logs = VEC_INIT;
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		if (s->disabled)
			continue;
		add_log(&logs, s, "logs.combined", s->logs.combined);
		add_log(&logs, s, "logs.stdout", s->logs.combined ? NULL : s->logs.out);
		add_log(&logs, s, "logs.stderr", s->logs.combined || s->logs.unified ? NULL : s->logs.err);
	}
	for (i = 0; i < logs.len; i++)
		doubt_log(d, &logs, logs.items[i]);
	vec_release_with(&logs, free_log);
}

void oxfile_doubts(struct loaded *l)
{
	const struct spec *s = NULL;
	size_t i = 0;

	oxfile_about(l->oxfile, &l->diags);
	VEC_EACH (&l->oxfile->specs, i, s) {
		if (s->disabled)
			continue;
		doubt_user(&l->diags, s);
		doubt_group(&l->diags, s);
		doubt_folder(&l->diags, s);
		doubt_cpus(&l->diags, s);
	}
	doubt_nginx(&l->diags, &l->oxfile->specs);
	doubt_logs(&l->diags, &l->oxfile->specs);
}
