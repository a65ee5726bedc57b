/*
 * Requests that bring definitions: an oxfile, an app on the command line, a plan, and the way back (save).
 */
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "control/handle.h"
#include "control/local_port_range.h"
#include "control/oxfile_load.h"
#include "control/oxfile_names.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "model/fields.h"
#include "model/note.h"
#include "model/oxfile.h"
#include "model/plan.h"
#include "model/selector.h"

/* --- what an apply did ---------------------------------------------------------------------------------------------------- */

struct tally {
	int64_t instances, running;
	int64_t live;    /* there, or on their way */
	int64_t delayed; /* of these, after a crash: a start hurries them */
	int first_port;
	struct json *ports;
};

static void count_one(struct tally *t, enum state state)
{
	t->instances++;
	t->running += state == STATE_RUNNING || state == STATE_UNHEALTHY;
	/* What waits to be started is on its way too. */
	t->live += state != STATE_STOPPED && state != STATE_FINISHED && state != STATE_CRASHED;
	t->delayed += state == STATE_BACKOFF;
}

static void count_app(struct handle *h, const char *name, struct tally *t)
{
	struct vec instances = VEC_INIT;

	*t = (struct tally){ .ports = json_new_array() };
	if (herd_spec(brain_herd(h->brain), name))
		(void)herd_targets(brain_herd(h->brain), &name, 1, &instances, NULL);
	for (size_t i = 0; i < instances.len; i++) {
		struct instance_status status;

		instance_status_init(&status);
		instance_status(instances.items[i], brain_now(h->brain), &status);
		count_one(t, instance_state(instances.items[i]));
		if (status.port)
			json_push(t->ports, json_new_int(status.port));
		if (!t->first_port)
			t->first_port = status.port;
		instance_status_release(&status);
	}
	vec_release(&instances);
}

static void add_app(
	struct handle *h, struct json *list, const struct spec *s, int64_t live_before, struct notes *notes)
{
	struct json *app = json_push(list, json_new_object());
	struct tally now;

	count_app(h, s->name, &now);
	json_set_string(app, "name", s->name);
	json_set_int(app, "instances", now.instances);
	json_set_int(app, "started", now.live > live_before ? now.live - live_before : 0);
	json_set_int(app, "running", now.running);
	if (now.first_port)
		json_set_int(app, "port", now.first_port);
	else
		json_set_null(app, "port");
	json_set(app, "ports", now.ports);
	if (s->disabled)
		json_set_string(app, "state", "disabled");
	else
		json_set_string(app, "state", now.live > live_before ? "started" : "unchanged");
	if (now.live > live_before)
		local_ports_note(s, (int)now.instances, notes);
}

void handle_add_notes(struct json *answer, const struct notes *notes)
{
	struct json *lines = json_set(answer, "notes", json_new_array());
	struct json *list = json_set(answer, "noted", json_new_array());
	const struct note *note = NULL;
	size_t k = 0;

	VEC_EACH (&notes->items, k, note) {
		struct json *object = json_push(list, json_new_object());

		json_push(lines, json_new_string(note->text));
		json_set_string(object, "app", note->app);
		json_set_string(object, "text", note->text);
	}
}

static void apply(struct handle *h, struct call *c, struct herd_apply *a, const struct handle_env *from)
{
	struct pending_reply *w = pending_reply_new(h, c);
	int64_t *before = mem_zalloc(a->specs->len, sizeof(*before));
	bool *meant = selector_mark_with_needs(a->specs, a->only, a->only_count);
	struct notes notes = NOTES_INIT;
	struct buf who = BUF_INIT;
	struct err e = ERR_INIT;
	const struct spec *s = NULL;
	size_t i = 0;

	handle_who(c, &who);
	a->who = who.ptr;
	VEC_EACH (a->specs, i, s) {
		struct tally tally;

		count_app(h, s->name, &tally);
		json_free(tally.ports);
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
		struct json *result = json_new_object();
		struct json *list = json_set(result, "apps", json_new_array());

		VEC_EACH (a->specs, i, s) {
			if (meant[i])
				add_app(h, list, s, before[i], &notes);
		}
		handle_add_notes(result, &notes);
		pending_reply_begin(w, result);
	}
	brain_end(h->brain);
	a->notes = NULL;
	a->who = NULL;
	buf_release(&who);
	notes_release(&notes);
	err_release(&e);
	mem_free(meant);
	mem_free(before);
}

static void dry_run(struct handle *h, struct call *c, const struct herd_apply *a)
{
	struct json *result = json_new_object();
	struct json *list = json_set(result, "would_start", json_new_array());
	struct herd_apply noted = *a;
	struct plan plan = PLAN_INIT;
	struct notes notes = NOTES_INIT;
	struct err e = ERR_INIT;
	const struct spec *s = NULL;
	bool *meant = selector_mark_with_needs(a->specs, a->only, a->only_count);
	size_t i = 0;

	noted.notes = &notes;
	if (herd_plan(brain_herd(h->brain), &noted, &plan, &e) < 0) {
		json_free(result);
		call_refuse(c, &e);
	} else {
		VEC_EACH (a->specs, i, s) {
			struct tally tally;
			struct json *app = NULL;
			const struct plan_step *step = NULL;
			int64_t planned = 0;
			size_t k = 0;

			count_app(h, s->name, &tally);
			json_free(tally.ports);
			VEC_EACH (&plan.steps, k, step) {
				planned += !strcmp(step->app, s->name) && step->verb != PLAN_REMOVE;
			}
			if (s->disabled || tally.live || !meant[i])
				continue;
			app = json_push(list, json_new_object());
			json_set_string(app, "name", s->name);
			json_set_int(app, "instances", planned);
		}
		handle_add_notes(result, &notes);
		call_answer(c, result);
	}
	notes_release(&notes);
	mem_free(meant);
	plan_release(&plan);
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
static int check_port(const struct params_start *p, const struct spec *s, struct err *e)
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
	return read_instances(&p->instances, s, e) < 0 ? -1 : check_port(p, s, e);
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

static struct json *plan_one(struct handle *h, const struct params_plan *p, const char *path,
	const struct vec *specs, struct notes *notes, struct err *e)
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
	struct plan plan = PLAN_INIT;
	struct json *result = NULL;

	oxfile_names_find(h, path, &names);
	if (herd_plan(brain_herd(h->brain), &a, &plan, e) == 0) {
		result = plan_to_json(&plan);
		local_ports_note_plan(specs, &plan, notes);
	}
	plan_release(&plan);
	oxfile_names_release(&names);
	return result;
}

static void merge_steps(struct json *into, const struct json *plan)
{
	const struct json *step = NULL;
	struct json *steps = (struct json *)json_get(into, "steps");

	JSON_EACH (json_get(plan, "steps"), step) {
		json_push(steps, json_clone(step));
	}
}

void handle_plan(void *context, struct call *c)
{
	struct handle *h = context;
	const struct params_plan *p = &c->params.plan;
	struct strings paths = { .items = NULL };
	struct json *result = json_new_object();
	struct notes notes = NOTES_INIT;
	struct err e = ERR_INIT;
	bool is_answered = false;

	json_set_int(result, "version", 1);
	json_set(result, "steps", json_new_array());
	if (p->oxfile)
		strings_add(&paths, p->oxfile);
	else
		oxfile_names_of(h, NULL, &paths);
	for (size_t i = 0; i < paths.len && !is_answered; i++) {
		struct oxfile_source source = OXFILE_SOURCE(p, paths.items[i]);
		struct oxfile *o = NULL;
		struct json *one = NULL;

		source.will_run = false;
		o = handle_read(h, c, &source);
		one = o ? plan_one(h, p, paths.items[i], &o->specs, &notes, &e) : NULL;
		if (one)
			merge_steps(result, one);
		else if (o)
			call_refuse(c, &e);
		is_answered = !one;
		json_free(one);
		oxfile_free(o);
	}
	handle_add_notes(result, &notes);
	if (is_answered)
		json_free(result);
	else
		call_answer(c, result);
	notes_release(&notes);
	strings_release(&paths);
	err_release(&e);
}
