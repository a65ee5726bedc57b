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
	uint64_t serial;
	uint64_t told; /* the last serial that was answered, and how */
	enum upstream_outcome told_outcome;
	int64_t due_at, retry_ms;
	bool is_due;   /* something is to be done at due_at */
	bool is_alone; /* it is tested by itself: together with others the test failed */
	bool is_gone;
	uint64_t round_serial; /* what the round under way is about */
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
	int64_t look_ms, look_until;
	bool is_lingering; /* the round is over but for old workers */
};

/* --- what is to be done, and when --- */

static void arm_round(struct upstreams *u)
{
	const struct map_entry *entry = NULL;
	int64_t first = -1;
	int64_t now = clock_ms();

	ev_timer_stop(u->options.loop, &u->due);
	if (u->round.len && !u->is_lingering)
		return;
	MAP_EACH (&u->sites, entry) {
		const struct site *s = entry->value;

		if (s->is_due && (first < 0 || s->due_at < first))
			first = s->due_at;
	}
	if (first < 0)
		return;
	ev_now_update(u->options.loop);
	ev_timer_set(&u->due, first > now ? (double)(first - now) / 1000 : 0, 0);
	ev_timer_start(u->options.loop, &u->due);
}

static void report_outcome(struct upstreams *u, struct site *s, uint64_t serial,
	enum upstream_outcome outcome, const char *words)
{
	if (s->is_gone)
		return;
	s->told = serial;
	s->told_outcome = outcome;
	u->options.told(u->options.context, s->app, serial, outcome, words);
}

static void retry_site_later(struct site *s)
{
	s->retry_ms = s->retry_ms ? s->retry_ms * 2 : UPSTREAM_RETRY_MS;
	if (s->retry_ms > UPSTREAM_RETRY_MAX_MS)
		s->retry_ms = UPSTREAM_RETRY_MAX_MS;
	/* What was asked for meanwhile is due before. */
	if (s->is_due)
		return;
	s->is_due = true;
	s->due_at = clock_ms() + s->retry_ms;
}

/* Told once: what is tried again and fails again says nothing new. */
static void fail_site(struct upstreams *u, struct site *s, enum upstream_outcome outcome, const char *words)
{
	uint64_t serial = s->round_serial;

	retry_site_later(s);
	if (s->told == serial && s->told_outcome == outcome)
		log_debug("%s: still not: %s", s->app, words);
	else
		report_outcome(u, s, serial, outcome, words);
}

static void succeed(struct upstreams *u, struct site *s)
{
	s->retry_ms = 0;
	s->is_alone = false;
	report_outcome(u, s, s->round_serial, UPSTREAM_IN_EFFECT, "");
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
	u->is_lingering = false;
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
	return !first->is_alone && !s->is_alone &&
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
static bool prepare(struct upstreams *u, struct site *s)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	bool is_written = false;

	s->is_due = false;
	s->round_serial = s->serial;
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
	ev_timer_set(&u->look, (double)u->look_ms / 1000, 0);
	ev_timer_start(u->options.loop, &u->look);
}

/* Removed instances are not stopped yet, but changes that are due meanwhile are made. */
static bool waits_for_old(struct upstreams *u)
{
	if (!nginx_has_old(&u->before))
		return false;
	if (u->is_lingering)
		return clock_ms() < u->look_until;
	u->is_lingering = true;
	u->look_ms = UPSTREAM_LOOK_FIRST_MS;
	u->look_until = clock_ms() + UPSTREAM_OLD_MS;
	arm_round(u);
	return true;
}

static void on_workers_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct upstreams *u = w->data;
	enum nginx_turn turn = nginx_compare(&u->before);

	(void)loop;
	(void)events;
	if (turn == NGINX_TURNED ? !waits_for_old(u) : turn == NGINX_NOBODY) {
		round_done(u);
		return;
	}
	if (turn == NGINX_SAME && clock_ms() >= u->look_until) {
		round_failed(u,
			"the reload was accepted, but nginx still works with what it had; its error log says why");
		return;
	}
	u->look_ms = u->look_ms * 2 < UPSTREAM_LOOK_MAX_MS ? u->look_ms * 2 : UPSTREAM_LOOK_MAX_MS;
	arm_look(u);
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
	u->look_ms = UPSTREAM_LOOK_FIRST_MS;
	u->look_until = clock_ms() + UPSTREAM_CONFIRM_MS;
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
		if (was_alone) {
			fail_site(u, s, is_back ? UPSTREAM_TAKEN_BACK : UPSTREAM_UNSURE, words);
			continue;
		}
		s->is_alone = true;
		s->is_due = true;
		s->due_at = clock_ms();
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

		if (s->is_due && s->due_at <= now && (!first || s->due_at < first->due_at))
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
		if (prepare(u, first))
			vec_push(&u->round, first);
	for (size_t i = 0; u->round.len && i < u->sites.len; i++) {
		struct site *s = map_at(&u->sites, i)->value;

		if (s != u->round.items[0] && s->is_due && goes_with(u->round.items[0], s) && prepare(u, s))
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
	if (u->is_lingering)
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
	s->serial = serial;
	s->retry_ms = 0;
	/* From the first of several changes on, so that they cannot put it off for ever. */
	if (!s->is_due || s->due_at > clock_ms() + UPSTREAM_COALESCE_MS)
		s->due_at = clock_ms() + UPSTREAM_COALESCE_MS;
	s->is_due = true;
	arm_round(u);
}

void upstreams_forget(struct upstreams *u, const char *app)
{
	struct site *s = map_remove(&u->sites, app);

	if (!s)
		return;
	s->is_gone = true;
	s->is_due = false;
	if (u->round.len)
		vec_push(&u->gone, s);
	else
		site_free(s);
	arm_round(u);
}
