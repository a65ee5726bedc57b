#include "proxy/upstream.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "export/export.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/rights.h"
#include "proxy/nginx_seen.h"
#include "proxy/upstream_file.h"
#include "rules/proxy_round.h"
#include "spawn/launch.h"
#include "spawn/run.h"
#include "spawn/run_words.h"

/* One app's file. */
struct site {
	char *app;
	struct spec *spec;
	struct upstream_file file;
	struct upstream_server *servers;
	size_t count;
	struct proxy_site round;
	bool is_gone;
};

/*
 * One round at a time: files that have the same commands are written, tested and reloaded together, as one mistake in one of them
 * would fail the test of each.
 */
struct upstreams {
	struct upstreams_options options;
	char *folder;
	struct map sites; /* app -> struct site * */
	struct vec round; /* of struct site * */
	struct vec gone;  /* of struct site *, until the round is over */
	struct run *run;
	struct nginx_seen before;
	struct env env;
	ev_timer due, look;
	struct proxy_look look_now; /* what the looks have come to */
};

/* --- what is to be done, and when --- */

static void arm_round(struct upstreams *u)
{
	const struct map_entry *entry = NULL;
	int64_t first = -1;
	int64_t now = clock_ms();

	ev_timer_stop(u->options.loop, &u->due);
	if (u->round.len && !u->look_now.is_lingering)
		return;
	MAP_EACH (&u->sites, entry) {
		const struct site *s = entry->value;

		if (s->round.is_due && (first < 0 || s->round.due_at < first))
			first = s->round.due_at;
	}
	if (first < 0)
		return;
	ev_now_update(u->options.loop);
	ev_timer_set(&u->due, first > now ? (double)(first - now) / 1000 : 0, 0);
	ev_timer_start(u->options.loop, &u->due);
}

static void report_outcome(const struct upstreams *u, const struct site *s, const char *words)
{
	if (!s->is_gone)
		u->options.reported(
			u->options.context, s->app, s->round.reported, s->round.reported_outcome, words);
}

static void fail_site(struct upstreams *u, struct site *s, enum upstream_outcome outcome, const char *words)
{
	if (proxy_site_fail(&s->round, outcome, clock_ms()))
		report_outcome(u, s, words);
	else
		log_debug("%s: still not: %s", s->app, words);
}

static void succeed(struct upstreams *u, struct site *s)
{
	proxy_site_succeed(&s->round);
	report_outcome(u, s, "");
}

/* --- one round --- */

static void site_free(void *item)
{
	struct site *s = item;

	if (!s)
		return;
	upstream_file_release(&s->file);
	spec_free(s->spec);
	mem_free(s->servers);
	mem_free(s->app);
	mem_free(s);
}

static void end_upstream_round(struct upstreams *u)
{
	u->round.len = 0;
	u->look_now.is_lingering = false;
	ev_timer_stop(u->options.loop, &u->look);
	for (size_t i = 0; i < u->gone.len; i++)
		site_free(u->gone.items[i]);
	u->gone.len = 0;
	arm_round(u);
}

static bool same_command(const struct command *a, const struct command *b)
{
	size_t i = 0;

	for (; a->argv[i] && b->argv[i]; i++)
		if (!str_eq(a->argv[i], b->argv[i]))
			return false;
	return a->argv[i] == b->argv[i];
}

static bool goes_with(const struct site *first, const struct site *s)
{
	return proxy_site_goes_with(&first->round, &s->round) &&
		same_command(&first->spec->nginx.test, &s->spec->nginx.test) &&
		same_command(&first->spec->nginx.reload, &s->spec->nginx.reload) &&
		str_eq(first->spec->folder, s->spec->folder);
}

static bool has_server(const struct site *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->servers[i].is_down)
			return true;
	return false;
}

static int render_site(const struct site *s, struct buf *out, struct err *e)
{
	const struct spec *spec = s->spec;
	const struct export_app app = {
		.name = spec->nginx.upstream ? spec->nginx.upstream : s->app,
		.spec = spec,
		.servers = s->servers,
		.servers_count = s->count,
		.options = (const char *const *)spec->nginx.options.items,
		.options_count = spec->nginx.options.len,
	};

	buf_addf(out, "# %s: kept true by oxherd, do not edit\n", s->app);
	return nginx_render(out, &app, 1, NULL, e);
}

/* Its file is as it should be, but for the proxy's knowing; else it is answered already. */
static bool prepare_site(struct upstreams *u, struct site *s)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	bool is_written = false;

	proxy_site_begin(&s->round);
	if (!has_server(s))
		succeed(u, s);
	else if (render_site(s, &text, &e) < 0)
		fail_site(u, s, UPSTREAM_TAKEN_BACK, e.text.ptr);
	else if (upstream_file_is_settled(&s->file, &text))
		succeed(u, s);
	else if (upstream_file_put(&s->file, &text, &e) < 0)
		fail_site(u, s, UPSTREAM_TAKEN_BACK, e.text.ptr);
	else
		is_written = true;
	err_release(&e);
	buf_release(&text);
	return is_written;
}

static void run_command(struct upstreams *u, const struct command *c, const char *what, run_done done)
{
	const struct site *first = u->round.items[0];
	struct buf name = BUF_INIT;
	const struct run_request request = {
		.command = c,
		.folder = first->spec->folder,
		.env = &u->env,
		.umask = 022,
		.timeout_ms = UPSTREAM_COMMAND_MS,
	};
	struct run_request named = request;

	buf_addf(&name, "%s upstream %s", first->app, what);
	named.name = name.ptr;
	u->run = run_start(u->options.runner, &named, done, u);
	buf_release(&name);
}

static void round_failed(struct upstreams *u, const char *words)
{
	for (size_t i = 0; i < u->round.len; i++)
		fail_site(u, u->round.items[i], UPSTREAM_UNSURE, words);
	end_upstream_round(u);
}

static void round_done(struct upstreams *u)
{
	for (size_t i = 0; i < u->round.len; i++) {
		struct site *s = u->round.items[i];

		upstream_file_settle(&s->file);
		succeed(u, s);
	}
	end_upstream_round(u);
}

static void arm_look(struct upstreams *u)
{
	ev_now_update(u->options.loop);
	ev_timer_set(&u->look, (double)u->look_now.pause_ms / 1000, 0);
	ev_timer_start(u->options.loop, &u->look);
}

static void on_workers_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct upstreams *u = w->data;
	enum nginx_turn turn = nginx_compare(&u->before);
	bool has_old = turn == NGINX_TURNED && nginx_has_old(&u->before);
	bool was_lingering = u->look_now.is_lingering;

	(void)loop;
	(void)events;
	switch (proxy_look_judge(&u->look_now, turn, has_old, clock_ms())) {
	case PROXY_IN_EFFECT:
		round_done(u);
		return;
	case PROXY_NOT_TAKEN:
		round_failed(u,
			"the reload was accepted, but nginx still works with what it had; its error log says why");
		return;
	case PROXY_LOOK_AGAIN:
		break;
	}
	arm_look(u);
	/* Removed instances are not stopped yet, but changes that are due meanwhile are made. */
	if (u->look_now.is_lingering && !was_lingering)
		arm_round(u);
}

/* No nginx runs that could be reloaded: it reads the file when it starts. */
static bool nobody_listens(const struct upstreams *u, const struct command *reload)
{
	return str_eq(path_base(reload->argv[0]), "nginx") && !u->before.masters_len;
}

static void on_reloaded(void *context, const struct run_result *result)
{
	struct upstreams *u = context;
	const struct site *first = u->round.items[0];
	struct buf words = BUF_INIT;

	u->run = NULL;
	if (!run_went_well(result) && nobody_listens(u, &first->spec->nginx.reload)) {
		round_done(u);
		return;
	}
	if (!run_went_well(result)) {
		run_failure_words(&first->spec->nginx.reload, result, &words);
		round_failed(u, words.ptr);
		buf_release(&words);
		return;
	}
	proxy_look_begin(&u->look_now, clock_ms());
	arm_look(u);
}

/* What was refused together is tried one by one; what was refused alone is put back. */
static void take_back(struct upstreams *u, const char *words)
{
	bool was_alone = u->round.len == 1;

	for (size_t i = 0; i < u->round.len; i++) {
		struct site *s = u->round.items[i];
		struct err e = ERR_INIT;
		bool is_back = upstream_file_restore(&s->file, &e) == 0;

		if (!is_back)
			log_error("%s: %s", s->app, e.text.ptr);
		err_release(&e);
		if (was_alone)
			fail_site(u, s, is_back ? UPSTREAM_TAKEN_BACK : UPSTREAM_UNSURE, words);
		else
			proxy_site_set_apart(&s->round, clock_ms());
	}
	end_upstream_round(u);
}

static void on_tested(void *context, const struct run_result *result)
{
	struct upstreams *u = context;
	const struct site *first = u->round.items[0];
	struct buf words = BUF_INIT;

	u->run = NULL;
	if (run_went_well(result)) {
		nginx_look(&u->before);
		run_command(u, &first->spec->nginx.reload, "reload", on_reloaded);
		return;
	}
	run_failure_words(&first->spec->nginx.test, result, &words);
	take_back(u, words.ptr);
	buf_release(&words);
}

static struct site *next_due(const struct upstreams *u, int64_t now)
{
	const struct map_entry *entry = NULL;
	struct site *first = NULL;

	MAP_EACH (&u->sites, entry) {
		struct site *s = entry->value;

		if (proxy_site_is_due(&s->round, now) && (!first || s->round.due_at < first->round.due_at))
			first = s;
	}
	return first;
}

/* Telling may change what is due, and who is there, so all are looked at anew after each. */
static void begin_round(struct upstreams *u)
{
	int64_t now = clock_ms();
	struct site *first = NULL;

	while (!u->round.len && (first = next_due(u, now)) != NULL)
		if (prepare_site(u, first))
			vec_push(&u->round, first);
	for (size_t i = 0; u->round.len && i < u->sites.len; i++) {
		struct site *s = map_at(&u->sites, i)->value;

		if (s != u->round.items[0] && goes_with(u->round.items[0], s) && prepare_site(u, s))
			vec_push(&u->round, s);
	}
	if (!u->round.len)
		arm_round(u);
	else
		run_command(u, &((struct site *)u->round.items[0])->spec->nginx.test, "test", on_tested);
}

static void on_round_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct upstreams *u = w->data;

	(void)loop;
	(void)events;
	if (u->look_now.is_lingering)
		round_done(u);
	if (!u->round.len)
		begin_round(u);
}

/* --- life --- */

struct upstreams *upstreams_new(const struct upstreams_options *options)
{
	struct upstreams *u = mem_zalloc(1, sizeof(*u));

	u->options = *options;
	u->folder = mem_strdup(options->folder);
	launch_own_environment(&u->env);
	ev_timer_init(&u->due, on_round_due, 0, 0);
	ev_timer_init(&u->look, on_workers_look, 0, 0);
	u->due.data = u->look.data = u;
	return u;
}

void upstreams_free(struct upstreams *u)
{
	if (!u)
		return;
	ev_timer_stop(u->options.loop, &u->due);
	ev_timer_stop(u->options.loop, &u->look);
	run_cancel(u->run);
	vec_release_with(&u->gone, site_free);
	vec_release(&u->round);
	map_release_with(&u->sites, site_free);
	env_release(&u->env);
	mem_free(u->folder);
	mem_free(u);
}

static void take_spec(struct upstreams *u, struct site *s, const struct spec *spec)
{
	char *path = NULL;

	/* A user is not looked up each time that a server comes or goes. */
	if (s->spec && spec_equal(s->spec, spec))
		return;
	path = path_join(spec->folder, spec->nginx.output);
	spec_free(s->spec);
	s->spec = spec_clone(spec);
	upstream_file_release(&s->file);
	upstream_file_init(&s->file, path, u->folder, s->app, rights_find(spec->user, spec->group));
	mem_free(path);
}

static struct site *find_or_add_site(struct upstreams *u, const char *app)
{
	struct site *s = map_get(&u->sites, app);

	if (s)
		return s;
	if (mkdir(u->folder, 0700) < 0 && errno != EEXIST)
		log_warn_sys(errno, "cannot make the folder '%s'", u->folder);
	s = mem_zalloc(1, sizeof(*s));
	s->app = mem_strdup(app);
	map_put(&u->sites, app, s);
	return s;
}

void upstreams_set(struct upstreams *u, const struct spec *spec, const struct upstream_server *servers,
	size_t count, uint64_t serial)
{
	struct site *s = find_or_add_site(u, spec->name);

	take_spec(u, s, spec);
	mem_free(s->servers);
	s->servers = count ? mem_dup(servers, count * sizeof(*servers)) : NULL;
	s->count = count;
	proxy_site_change(&s->round, serial, clock_ms());
	arm_round(u);
}

void upstreams_forget(struct upstreams *u, const char *app)
{
	struct site *s = map_remove(&u->sites, app);

	if (!s)
		return;
	s->is_gone = true;
	proxy_site_drop(&s->round);
	if (u->round.len)
		vec_push(&u->gone, s);
	else
		site_free(s);
	arm_round(u);
}
