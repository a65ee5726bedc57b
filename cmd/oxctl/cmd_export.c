/*
 * oxctl export, oxctl nginx: the apps of an oxfile in the words of another program, and on request the server block around one.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "export/export.h"
#include "model/selector.h"
#include "options.h"
#include "os/file.h"
#include "rules/placement.h"

static const char *config;
static const char *profile;
static const char *server_name;
static const char *output;
static bool as_json;
static const struct exporter *exporter;

const struct opt nginx_options[] = {
	{ .name = "server",
		.kind = OPT_STRING,
		.at = &server_name,
		.value = "NAME",
		.help = "print a whole server block for this host name" },
	{ .name = "output",
		.letter = 'o',
		.kind = OPT_STRING,
		.at = &output,
		.value = "FILE",
		.help = "replace this file, whole or not at all" },
	OPTION_CONFIG(&config, "the oxfile to read"),
	OPTION_PROFILE(&profile),
	OPTION_JSON(&as_json, "print the upstreams as JSON"),
	{ .name = NULL },
};

static void add_export_app(struct vec *apps, const struct placement *p)
{
	struct export_app *app = mem_zalloc(1, sizeof(*app));
	/* Those that share a port are one server. */
	int count = p->spec->port_mode == PORT_SHARED ? 1 : p->instances;
	struct upstream_server *servers = mem_zalloc((size_t)count, sizeof(*servers));

	for (int i = 0; i < count; i++)
		servers[i].at.port = p->ports[i];
	*app = (struct export_app){
		.name = p->spec->nginx.upstream ? p->spec->nginx.upstream : p->spec->name,
		.spec = p->spec,
		.servers = servers,
		.servers_count = (size_t)count,
		.options = (const char *const *)p->spec->nginx.options.items,
		.options_count = exporter == &export_nginx ? p->spec->nginx.options.len : 0,
	};
	vec_push(apps, app);
}

static void free_export_app(void *item)
{
	struct export_app *app = item;

	mem_free((void *)app->servers);
	mem_free(app);
}

static int fail_unknown(const struct loaded *l, const char *name)
{
	struct str_guess guess = { .typed = name };

	selector_guess(&guess, &l->oxfile->specs);
	if (guess.best)
		return daemon_call_fail(EXIT_NO_TARGET,
			"there is no app or namespace '%s' in %s (did you mean '%s'?)", name, l->oxfile->path,
			guess.best);
	return daemon_call_fail(
		EXIT_NO_TARGET, "there is no app or namespace '%s' in %s", name, l->oxfile->path);
}

/* A proxy has no use for an app without a port. */
static bool is_for_exporter(const struct placement *p)
{
	return exporter->side != EXPORT_PROXY || p->claim.first;
}

/* Marks the apps that are named; all where none is.  One that is named itself must be wanted. */
static int mark_named(const struct loaded *l, const struct opt_rest *rest, bool *marks)
{
	struct vec specs = VEC_INIT;
	struct err e = ERR_INIT;
	const struct placement *p = NULL;
	size_t i = 0;
	int code = EXIT_DONE;

	VEC_EACH (&l->placements, i, p) {
		vec_push(&specs, (void *)p->spec);
		marks[i] = !rest->count;
	}
	for (int k = 0; k < rest->count && code == EXIT_DONE; k++) {
		const char *name = rest->items[k];

		if (selector_check_whole(name, &e) < 0)
			code = daemon_call_fail(EXIT_USAGE, "%s", e.text.ptr);
		else if (!selector_mark(name, &specs, marks))
			code = fail_unknown(l, name);
		VEC_EACH (&l->placements, i, p) {
			if (!is_for_exporter(p) && !strcmp(p->spec->name, name))
				code = daemon_call_fail(EXIT_FAILED,
					"'%s' has no port; give it one with port = 3000", p->spec->name);
		}
	}
	err_release(&e);
	vec_release(&specs);
	return code;
}

/* Of the apps that are named, those that the format has words for. */
static int choose_apps(const struct loaded *l, const struct opt_rest *rest, struct vec *apps)
{
	bool *marks = mem_zalloc(l->placements.len + 1, sizeof(*marks));
	const struct placement *p = NULL;
	size_t i = 0;
	int code = mark_named(l, rest, marks);

	VEC_EACH (&l->placements, i, p) {
		if (marks[i] && is_for_exporter(p))
			add_export_app(apps, p);
	}
	mem_free(marks);
	if (code != EXIT_DONE)
		return code;
	if (!apps->len && exporter->side == EXPORT_PROXY)
		return daemon_call_fail(EXIT_FAILED, "no app in %s has a port; give one of them port = 3000",
			l->oxfile->path);
	if (server_name && apps->len > 1)
		return daemon_call_fail(EXIT_USAGE,
			"--server is for one app; name it: oxctl %s%s APP --server %s",
			exporter == &export_nginx ? "" : "export ", exporter->name, server_name);
	return EXIT_DONE;
}

static int render(struct buf *out, const struct vec *apps)
{
	const struct export_options options = { .server_name = server_name };
	struct export_app *all = mem_zalloc(apps->len + 1, sizeof(*all));
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	for (size_t i = 0; i < apps->len; i++)
		all[i] = *(struct export_app *)apps->items[i];
	if (as_json)
		export_json(out, all, apps->len);
	else if (exporter->render(out, all, apps->len, &options, &e) < 0)
		code = daemon_call_fail(EXIT_FAILED, "%s", e.text.ptr);
	mem_free(all);
	err_release(&e);
	return code;
}

static int deliver(const struct buf *text)
{
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	if (!output) {
		out_write(text);
		return out_finish(EXIT_DONE);
	}
	if (file_write(output, text->ptr, text->len, 0644, &e) < 0)
		code = daemon_call_fail(EXIT_FAILED, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

static int print_apps(const struct opt_rest *rest)
{
	struct loaded l = { .diags = DIAGS_INIT };
	struct err e = ERR_INIT;
	struct vec apps = VEC_INIT;
	struct buf text = BUF_INIT;
	char *path = load_find(config, &e);
	int code = EXIT_USAGE;

	if (!path) {
		daemon_call_fail(code, "%s", e.text.ptr);
		goto out;
	}
	code = load_oxfile(&l, path, profile);
	daemon_call_complaints(&l.diags);
	if (code == EXIT_DONE)
		code = choose_apps(&l, rest, &apps);
	if (code == EXIT_DONE)
		code = render(&text, &apps);
	if (code == EXIT_DONE)
		code = deliver(&text);
out:
	vec_release_with(&apps, free_export_app);
	load_release(&l);
	buf_release(&text);
	err_release(&e);
	mem_free(path);
	return code;
}

int cmd_nginx(const struct opt_rest *rest)
{
	exporter = &export_nginx;
	return print_apps(rest);
}

static int fail_format(const char *name)
{
	struct str_guess guess = { .typed = name };
	struct buf known = BUF_INIT;
	int code = 0;

	for (size_t i = 0; exporters[i]; i++) {
		str_guess_offer(&guess, exporters[i]->name);
		buf_addf(&known, "%s%s", i ? ", " : "", exporters[i]->name);
	}
	if (guess.best)
		code = daemon_call_fail(
			EXIT_USAGE, "unknown format '%s' (did you mean '%s'?)", name, guess.best);
	else
		code = daemon_call_fail(EXIT_USAGE, "unknown format '%s'; known are: %s", name, known.ptr);
	buf_release(&known);
	return code;
}

int cmd_export(const struct opt_rest *rest)
{
	struct opt_rest apps = *rest;

	exporter = exporter_find(rest->items[0]);
	if (!exporter)
		return fail_format(rest->items[0]);
	if (exporter->side != EXPORT_PROXY && (server_name || as_json))
		return daemon_call_fail(EXIT_USAGE, "%s is for the formats of proxies, and '%s' is none",
			server_name ? "--server" : "--json", exporter->name);
	apps.items++;
	apps.count--;
	return print_apps(&apps);
}
