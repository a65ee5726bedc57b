/*
 * Requests that bring definitions: an oxfile, an app on the command line, a plan, and the way back (save).
 */
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "control/audit.h"
#include "control/handle.h"
#include "control/local_port_range.h"
#include "control/oxfile_load.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "model/fields.h"
#include "model/notes.h"
#include "model/oxfile.h"
#include "model/plan.h"
#include "model/selector.h"

/* --- what an apply did ---------------------------------------------------------------------------------------------------- */

struct tally {
	int64_t instances, running;
	int64_t live;    /* there, or on their way */
	int64_t delayed; /* of these, after a crash: a start hurries them */
};

static void count_one(struct tally *t, enum state state)
{
	t->instances++;
	t->running += state == STATE_RUNNING || state == STATE_UNHEALTHY;
	/* What waits to be started is on its way too. */
	t->live += state != STATE_STOPPED && state != STATE_FINISHED && state != STATE_CRASHED;
	t->delayed += state == STATE_BACKOFF;
}

static void find_instances(struct handle *h, const char *name, struct vec *instances)
{
	if (herd_spec(brain_herd(h->brain), name))
		(void)herd_targets(brain_herd(h->brain), &name, 1, instances, NULL);
}

static void count_app(struct handle *h, const char *name, struct tally *t)
{
	struct vec instances = VEC_INIT;

	*t = (struct tally){ .instances = 0 };
	find_instances(h, name, &instances);
	for (size_t i = 0; i < instances.len; i++)
		count_one(t, instance_state(instances.items[i]));
	vec_release(&instances);
}

/* The first one, and all of them. */
static void add_started_ports(struct handle *h, const char *name, struct buf *out)
{
	struct vec instances = VEC_INIT;
	struct buf ports = BUF_INIT;
	int first = 0;

	find_instances(h, name, &instances);
	emit_open(&ports, NULL, '[');
	for (size_t i = 0; i < instances.len; i++) {
		int port = instance_shown_port(instances.items[i]);

		if (port)
			emit_int(&ports, NULL, port);
		if (!first)
			first = port;
	}
	emit_close(&ports, ']');
	emit_int_or_null(out, "port", first > 0, first);
	emit_text(out, "ports", ports.ptr, ports.len);
	buf_release(&ports);
	vec_release(&instances);
}

static void add_started_app(
	struct handle *h, const struct spec *s, int64_t live_before, struct notes *notes, struct buf *out)
{
	struct tally now;
	bool has_started = false;

	count_app(h, s->name, &now);
	has_started = now.live > live_before;
	emit_open(out, NULL, '{');
	emit_string(out, "name", s->name);
	emit_int(out, "instances", now.instances);
	emit_int(out, "started", has_started ? now.live - live_before : 0);
	emit_int(out, "running", now.running);
	add_started_ports(h, s->name, out);
	emit_string(out, "state", s->disabled ? "disabled" : has_started ? "started" : "unchanged");
	emit_close(out, '}');
	if (has_started)
		local_ports_note(s, (int)now.instances, notes);
}

static void apply(struct handle *h, struct call *c, struct herd_apply *a, const struct handle_env *from)
{
	struct pending_reply *w = pending_reply_new(h, c);
	int64_t *before = mem_zalloc(a->specs->len, sizeof(*before));
	bool *meant = selector_mark_with_needs(a->specs, a->only, a->only_count);
	struct notes notes = NOTES_INIT;
	struct buf who = BUF_INIT;
	struct buf result = BUF_INIT;
	struct err e = ERR_INIT;
	const struct spec *s = NULL;
	size_t i = 0;

	audit_who(c, &who);
	a->who = who.ptr;
	VEC_EACH (a->specs, i, s) {
		struct tally tally;

		count_app(h, s->name, &tally);
		before[i] = tally.live - tally.delayed;
	}
	a->id = pending_reply_id(w);
	a->notes = &notes;
	brain_begin(h->brain);
	/* Without one, each has what it has, and what is new what its fellows have. */
	if (from->env.is_given || !a->oxfile)
		a->caller = handle_add_env(h, from);
	if (herd_apply(brain_herd(h->brain), a, brain_now(h->brain), &e) < 0) {
		pending_reply_refuse(w, &e);
	} else {
		emit_open(&result, NULL, '{');
		emit_open(&result, "apps", '[');
		VEC_EACH (a->specs, i, s) {
			if (meant[i])
				add_started_app(h, s, before[i], &notes, &result);
		}
		emit_close(&result, ']');
		notes_emit(&notes, &result);
		emit_close(&result, '}');
		pending_reply_begin(w, &result);
	}
	brain_end(h->brain);
	a->notes = NULL;
	a->who = NULL;
	buf_release(&result);
	buf_release(&who);
	notes_release(&notes);
	err_release(&e);
	mem_free(meant);
	mem_free(before);
}

static void add_would_start(
	struct handle *h, const struct herd_apply *a, const struct plan *plan, struct buf *out)
{
	bool *meant = selector_mark_with_needs(a->specs, a->only, a->only_count);
	const struct spec *s = NULL;
	size_t i = 0;

	emit_open(out, "would_start", '[');
	VEC_EACH (a->specs, i, s) {
		struct tally tally;
		const struct plan_step *step = NULL;
		int64_t planned = 0;
		size_t k = 0;

		count_app(h, s->name, &tally);
		if (s->disabled || tally.live || !meant[i])
			continue;
		VEC_EACH (&plan->steps, k, step) {
			planned += !strcmp(step->app, s->name) && step->verb != PLAN_REMOVE;
		}
		emit_open(out, NULL, '{');
		emit_string(out, "name", s->name);
		emit_int(out, "instances", planned);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	mem_free(meant);
}

static void dry_run(struct handle *h, struct call *c, const struct herd_apply *a)
{
	struct herd_apply noted = *a;
	struct plan plan = PLAN_INIT;
	struct notes notes = NOTES_INIT;
	struct buf result = BUF_INIT;
	struct err e = ERR_INIT;

	noted.notes = &notes;
	if (herd_plan(brain_herd(h->brain), &noted, &plan, &e) < 0) {
		call_refuse(c, &e);
	} else {
		emit_open(&result, NULL, '{');
		add_would_start(h, a, &plan, &result);
		notes_emit(&notes, &result);
		emit_close(&result, '}');
		call_answer(c, &result);
	}
	notes_release(&notes);
	plan_release(&plan);
	buf_release(&result);
	err_release(&e);
}

/* What start of a new app and apply have in common. */
struct applying {
	const char *oxfile; /* NULL: no file */
	const struct vec *specs;
	struct param_strings only;
	struct handle_env env;
	bool waits_ready, is_dry;
};

static void apply_specs(struct handle *h, struct call *c, const struct applying *applying)
{
	struct oxfile_names names;
	struct herd_apply a = {
		.oxfile = applying->oxfile,
		.also = &names.also,
		.gone = &names.gone,
		.specs = applying->specs,
		.only = applying->only.items,
		.only_count = applying->only.count,
		.starts = true,
		.waits_ready = applying->waits_ready,
	};

	oxfile_names_find(h, applying->oxfile, &names);
	if (applying->is_dry)
		dry_run(h, c, &a);
	else
		apply(h, c, &a, &applying->env);
	oxfile_names_release(&names);
}

/* --- an app that comes from no file ------------------------------------------------------------------------------------------ */

/* What no shell replaces would be passed on as it is written. */
static int check_port_wanted(const struct params_start *p, const struct spec *s, struct err *e)
{
	bool is_alone = s->instances.kind == COUNT_NUMBER && s->instances.value == 1;

	if (s->port || !is_alone || env_get(&p->env.env, "PORT") || !command_wants_port(&s->command))
		return 0;
	return err_set(e,
		"start: the command uses $PORT, and '%s' has no port; add --port 3000, or write $$PORT to pass on the word itself",
		s->name);
}

static int read_instances(const struct param_count *count, struct spec *s, struct err *e)
{
	const char *text = count->text;

	if (count->is_given && !text)
		s->instances.value = count->number;
	if ((!text || count_parse(text, &s->instances)) &&
		(s->instances.kind != COUNT_NUMBER ||
			(s->instances.value >= 1 && s->instances.value <= APP_INSTANCES_MAX)))
		return 0;
	return err_set(e, "start: instances is a number from 1 to %d, \"max\", \"max-1\" or \"50%%\"",
		APP_INSTANCES_MAX);
}

static int fill_spec(const struct params_start *p, struct spec *s, struct err *e)
{
	s->folder = mem_strdup(p->cwd ? p->cwd : "/");
	s->command.argv = argv_dup((char *const *)p->argv.items);
	s->port = p->port.value;
	if (s->folder[0] != '/')
		return err_set(e, "start: cwd '%s' is not absolute", s->folder);
	if (s->port < 0 || s->port > 65535)
		return err_set(e, "start: port is outside 1..65535");
	return read_instances(&p->instances, s, e) < 0 ? -1 : check_port_wanted(p, s, e);
}

static struct spec *spec_from_params(const struct params_start *p, struct err *e)
{
	struct spec *s = NULL;

	if (spec_check_name(p->name, e) < 0 || selector_check_name("an app", p->name, e) < 0)
		return NULL;
	if (!p->argv.count || !*p->argv.items[0]) {
		err_set(e, "start: a new app needs a command");
		return NULL;
	}
	s = spec_new(p->name);
	if (fill_spec(p, s, e) == 0)
		return s;
	spec_free(s);
	return NULL;
}

void handle_start_new(void *context, struct call *c)
{
	const struct params_start *p = &c->params.start;
	struct vec specs = VEC_INIT;
	struct err e = ERR_INIT;
	struct spec *s = spec_from_params(p, &e);
	const struct applying applying = {
		.specs = &specs,
		.env = HANDLE_ENV(p),
		.waits_ready = p->wait,
	};

	if (s) {
		vec_push(&specs, s);
		apply_specs(context, c, &applying);
	} else {
		call_fail(c, RPC_FAILED, "%s", e.text.ptr);
	}
	vec_release(&specs);
	spec_free(s);
	err_release(&e);
}

void handle_apply(void *context, struct call *c)
{
	const struct params_apply *p = &c->params.apply;
	const struct oxfile_source source = OXFILE_SOURCE(p, p->oxfile);
	struct oxfile *o = handle_read(context, c, &source);
	struct applying applying;

	/* The call is gone with its answer. */
	if (!o)
		return;
	applying = (struct applying){
		.oxfile = p->oxfile,
		.specs = &o->specs,
		.only = p->only,
		.env = HANDLE_ENV(p),
		.waits_ready = p->wait,
		.is_dry = p->dry_run,
	};
	applying.env.profile = p->profile;
	apply_specs(context, c, &applying);
	oxfile_free(o);
}

/* --- plan ---------------------------------------------------------------------------------------------------------------------- */

/* What a deploy of that oxfile would do comes behind what is in `plan`. */
static int add_plan(struct handle *h, const struct params_plan *p, const char *path, const struct vec *specs,
	struct plan *plan, struct notes *notes, struct err *e)
{
	struct oxfile_names names;
	const struct herd_apply a = {
		.oxfile = path,
		.also = &names.also,
		.gone = &names.gone,
		.path = env_get(&p->env.env, "PATH"),
		.specs = specs,
		.only = p->only.items,
		.only_count = p->only.count,
		.changes = true,
		.prunes = true,
		.starts_new = true,
	};
	struct plan own = PLAN_INIT;
	int rc = 0;

	oxfile_names_find(h, path, &names);
	rc = herd_plan(brain_herd(h->brain), &a, &own, e);
	if (rc == 0)
		local_ports_note_plan(specs, &own, notes);
	plan_take(plan, &own);
	oxfile_names_release(&names);
	return rc;
}

/* False after the call was answered with what is wrong. */
static bool add_oxfile(
	struct handle *h, struct call *c, const char *path, struct plan *plan, struct notes *notes)
{
	const struct params_plan *p = &c->params.plan;
	struct oxfile_source source = OXFILE_SOURCE(p, path);
	struct oxfile *o = NULL;
	struct err e = ERR_INIT;
	int rc = -1;

	source.will_run = false;
	o = handle_read(h, c, &source);
	if (o) {
		rc = add_plan(h, p, path, &o->specs, plan, notes, &e);
		if (rc < 0)
			call_refuse(c, &e);
	}
	oxfile_free(o);
	err_release(&e);
	return rc == 0;
}

static void answer_plan(struct call *c, const struct plan *plan, const struct notes *notes)
{
	struct buf result = BUF_INIT;

	emit_open(&result, NULL, '{');
	plan_write(plan, &result);
	notes_emit(notes, &result);
	emit_close(&result, '}');
	call_answer(c, &result);
	buf_release(&result);
}

void handle_plan(void *context, struct call *c)
{
	struct handle *h = context;
	const struct params_plan *p = &c->params.plan;
	struct strings paths = { .items = NULL };
	struct plan plan = PLAN_INIT;
	struct notes notes = NOTES_INIT;
	bool is_good = true;

	if (p->oxfile)
		strings_add(&paths, p->oxfile);
	else
		oxfile_names_of(h, NULL, &paths);
	for (size_t i = 0; i < paths.len && is_good; i++)
		is_good = add_oxfile(h, c, paths.items[i], &plan, &notes);
	if (is_good)
		answer_plan(c, &plan, &notes);
	plan_release(&plan);
	notes_release(&notes);
	strings_release(&paths);
}
