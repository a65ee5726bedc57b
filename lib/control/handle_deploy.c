/*
 * Rollouts: oxfiles are read again, all of them before anything is begun, and the client gets every step as progress until the rollout has ended.
 */
#include <errno.h>
#include <signal.h>

#include "base/err.h"
#include "base/json_emit.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/audit.h"
#include "control/handle.h"
#include "control/local_port_range.h"
#include "control/oxfile_load.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "model/notes.h"
#include "model/oxfile.h"
#include "model/plan.h"
#include "model/selector.h"
#include "spawn/launch_env.h"

/* One oxfile of a deploy. */
struct part {
	char *path;
	struct oxfile *oxfile;
	struct oxfile_names names;
	struct vec only; /* of const char *, borrowed: those of the names that are in it */
	int64_t caller;
};

struct deploying {
	struct handle *h;
	struct vec parts; /* of struct part * */
	const char *const *only;
	size_t only_count;
	bool forces;
	bool hides;              /* the caller may not read the files: no line of them in an error */
	const char *env_path;    /* the caller's PATH; NULL: each app's own */
	struct pending_reply *w; /* NULL: nobody waits */
	bool is_asked;           /* its first number is used */
	struct buf apps;         /* what came of each, members of the answer's list */
	struct strings added;
	struct notes notes;
	struct buf who;
};

static void part_free(void *part)
{
	struct part *p = part;

	vec_release(&p->only);
	oxfile_free(p->oxfile);
	oxfile_names_release(&p->names);
	mem_free(p->path);
	mem_free(p);
}

static void release_deploying(struct deploying *d)
{
	vec_release_with(&d->parts, part_free);
	strings_release(&d->added);
	notes_release(&d->notes);
	buf_release(&d->apps);
	buf_release(&d->who);
}

/* --- what it is about -------------------------------------------------------------------------------------------------- */

static struct part *add_oxfile_part(struct deploying *d, const char *path)
{
	struct part *p = mem_zalloc(1, sizeof(*p));

	p->path = mem_strdup(path);
	oxfile_names_find(d->h, path, &p->names);
	vec_push(&d->parts, p);
	return p;
}

/* Instances are not deployed one by one, and all are none in particular. */
static int check_names(struct deploying *d, struct err *e)
{
	for (size_t k = 0; k < d->only_count; k++) {
		if (selector_check_whole(d->only[k], e) < 0)
			return -1;
		if (selector_is_all(d->only[k]))
			d->only_count = 0;
	}
	return 0;
}

/* Every oxfile that anything here came from, or that of the apps that are named. */
static void add_known(struct deploying *d)
{
	struct strings paths = { .items = NULL };
	struct vec named = VEC_INIT;

	/* A name that is not known yet may stand in an oxfile that is. */
	for (size_t k = 0; k < d->only_count; k++)
		(void)herd_target_specs(brain_herd(d->h->brain), &d->only[k], 1, &named, NULL);
	oxfile_names_of(d->h, d->only_count ? &named : NULL, &paths);
	for (size_t i = 0; i < paths.len; i++)
		add_oxfile_part(d, paths.items[i]);
	vec_release(&named);
	strings_release(&paths);
}

/* Which of the names are in which part; with one part all are, so that the herd says what is wrong with a name. */
static int share_names(struct deploying *d, struct err *e)
{
	for (size_t k = 0; k < d->only_count; k++) {
		bool is_known = false;

		for (size_t i = 0; i < d->parts.len; i++) {
			struct part *p = d->parts.items[i];
			bool *marks = mem_zalloc(p->oxfile->specs.len + 1, sizeof(*marks));
			bool has = d->parts.len == 1 || selector_mark(d->only[k], &p->oxfile->specs, marks);

			mem_free(marks);
			if (has)
				vec_push(&p->only, (void *)d->only[k]);
			is_known |= has;
		}
		if (is_known)
			continue;
		err_set(e, "no oxfile has an app or namespace '%s'", d->only[k]);
		e->number = ENOENT;
		return -1;
	}
	return 0;
}

/* --- and what the herd does with it --------------------------------------------------------------------------------------- */

static const char *const did_words[] = {
	[HERD_DID_NOTHING] = "unchanged",
	[HERD_DID_ADD] = "added",
	[HERD_DID_ROLL] = "rolled",
	[HERD_DID_AMEND] = "changed",
	[HERD_DID_REMOVE] = "removed",
};

static void on_did(void *context, const struct herd_deed *deed)
{
	struct deploying *d = context;

	if (!d->w)
		return;
	if (deed->did == HERD_DID_ADD)
		strings_add(&d->added, deed->app);
	emit_open(&d->apps, NULL, '{');
	emit_string(&d->apps, "name", deed->app);
	emit_string(&d->apps, "did", did_words[deed->did]);
	if (deed->build)
		emit_string(&d->apps, "build", deed->build);
	if (deed->compared)
		emit_string(&d->apps, "compared", deed->compared);
	emit_close(&d->apps, '}');
}

static struct herd_apply apply_of(struct deploying *d, const struct part *p)
{
	return (struct herd_apply){
		.oxfile = p->path,
		.also = &p->names.also,
		.gone = &p->names.gone,
		.path = d->env_path,
		.specs = &p->oxfile->specs,
		.only = (const char *const *)p->only.items,
		.only_count = p->only.len,
		.changes = true,
		.forces = d->forces,
		.prunes = true,
		.starts_new = true,
		.waits_ready = true,
		.caller = p->caller,
		.who = d->who.len ? d->who.ptr : NULL,
		.notes = &d->notes,
		.did = on_did,
		.did_context = d,
	};
}

/* Would each of them be taken?  Then they are, one after the other. */
static int try_all(struct deploying *d, struct err *e)
{
	for (size_t i = 0; i < d->parts.len; i++) {
		const struct part *p = d->parts.items[i];
		struct herd_apply a = apply_of(d, p);
		struct plan plan = PLAN_INIT;
		int rc = 0;

		/* What is noted is noted when it is done. */
		a.notes = NULL;
		/* A part without any of the names is not about anything. */
		if (!d->only_count || p->only.len)
			rc = herd_plan(brain_herd(d->h->brain), &a, &plan, e);
		plan_release(&plan);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void watch_specs(struct deploying *d, const struct vec *specs)
{
	size_t i = 0;
	const struct spec *s = NULL;

	VEC_EACH (specs, i, s) {
		if (d->w)
			pending_reply_watch(d->w, s->name);
	}
}

static uint64_t next_id(struct deploying *d)
{
	bool is_first = !d->is_asked;

	d->is_asked = true;
	if (!d->w)
		return 0;
	return is_first ? pending_reply_id(d->w) : pending_reply_another_id(d->w);
}

static int apply_all(struct deploying *d, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < d->parts.len && rc == 0; i++) {
		const struct part *p = d->parts.items[i];
		struct herd_apply a = apply_of(d, p);

		if (d->only_count && !p->only.len)
			continue;
		watch_specs(d, &p->oxfile->specs);
		a.id = next_id(d);
		rc = herd_apply(brain_herd(d->h->brain), &a, brain_now(d->h->brain), e);
	}
	return rc;
}

static void write_answer(const struct deploying *d, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_open(out, "apps", '[');
	if (d->apps.len)
		emit_text(out, NULL, d->apps.ptr, d->apps.len);
	emit_close(out, ']');
	notes_emit(&d->notes, out);
	emit_close(out, '}');
}

/* What the herd took is answered when it is over. */
static void go(struct deploying *d, struct call *c, int (*begin)(struct deploying *d, struct err *e))
{
	struct buf result = BUF_INIT;
	struct err e = ERR_INIT;

	audit_who(c, &d->who);
	log_info("%s by %s", method_name(call_method(c)), d->who.ptr);
	d->w = pending_reply_new(d->h, c);
	brain_begin(d->h->brain);
	if (begin(d, &e) < 0) {
		pending_reply_refuse(d->w, &e);
	} else {
		write_answer(d, &result);
		pending_reply_begin(d->w, &result);
	}
	brain_end(d->h->brain);
	buf_release(&result);
	err_release(&e);
}

/* False after the request was answered with every mistake. */
static bool read_all(struct deploying *d, struct call *c)
{
	const struct params_deploy *params = &c->params.deploy;
	bool is_good = true;

	for (size_t i = 0; i < d->parts.len && is_good; i++) {
		struct part *p = d->parts.items[i];
		const struct oxfile_source source = OXFILE_SOURCE(params, p->path);

		p->oxfile = handle_read(d->h, c, &source);
		is_good = p->oxfile != NULL;
	}
	return is_good;
}

/* What people hear once about apps that are new. */
static void note_added(struct deploying *d)
{
	struct herd *herd = brain_herd(d->h->brain);

	for (size_t i = 0; i < herd_app_count(herd); i++) {
		struct app_status app;

		herd_app_status(herd, i, &app);
		if (strings_have(&d->added, app.name))
			local_ports_note(herd_spec(herd, app.name), app.instances, &d->notes);
	}
}

static int begin_deploy(struct deploying *d, struct err *e)
{
	if (try_all(d, e) < 0 || apply_all(d, e) < 0)
		return -1;
	note_added(d);
	return 0;
}

static void remember_caller(struct deploying *d, const struct params_deploy *p)
{
	struct handle_env env = HANDLE_ENV(p);
	int64_t caller = 0;

	if (!p->env.is_given)
		return;
	env.profile = p->profile;
	caller = handle_add_env(d->h, &env);
	for (size_t i = 0; i < d->parts.len; i++)
		((struct part *)d->parts.items[i])->caller = caller;
}

/* There is nothing to read again. */
static int refuse_bare(const struct deploying *d, struct err *e)
{
	struct vec specs = VEC_INIT;
	const char *name = d->only_count ? d->only[0] : NULL;
	int rc = herd_target_specs(brain_herd(d->h->brain), d->only, d->only_count, &specs, e);

	vec_release(&specs);
	return rc < 0
		? rc
		: err_set(e,
			  "%s%sno oxfile is known for it; use 'oxctl reload %s', or name an oxfile with --config FILE",
			  name ? name : "", name ? ": " : "", name ? name : "--all");
}

/* -1 with words; 1 after the call was answered with mistakes. */
static int prepare_deploy(struct deploying *d, struct call *c, struct err *e)
{
	const struct params_deploy *p = &c->params.deploy;

	if (p->oxfile)
		add_oxfile_part(d, p->oxfile);
	else
		add_known(d);
	if (!d->parts.len)
		return refuse_bare(d, e);
	return read_all(d, c) ? share_names(d, e) : 1;
}

void handle_deploy(void *context, struct call *c)
{
	const struct params_deploy *p = &c->params.deploy;
	struct deploying d = {
		.h = context,
		.only = p->only.items,
		.only_count = p->only.count,
		.forces = p->force,
		.env_path = env_get(&p->env.env, "PATH"),
		.apps = BUF_INIT,
		.who = BUF_INIT,
	};
	struct err e = ERR_INIT;
	int rc = check_names(&d, &e);

	if (rc == 0)
		rc = prepare_deploy(&d, c, &e);
	if (rc < 0)
		call_refuse(c, &e);
	if (rc == 0) {
		remember_caller(&d, p);
		go(&d, c, begin_deploy);
	}
	release_deploying(&d);
	err_release(&e);
}

/* --- the same definitions once more ------------------------------------------------------------------------------------------- */

/* Copies of those that the names mean; all without names. */
static int find_specs(struct deploying *d, struct vec *specs, struct err *e)
{
	struct vec found = VEC_INIT;
	const struct spec *s = NULL;
	size_t i = 0;
	int rc = herd_target_specs(brain_herd(d->h->brain), d->only, d->only_count, &found, e);

	VEC_EACH (&found, i, s) {
		vec_push(specs, spec_clone(s));
	}
	vec_release(&found);
	return rc;
}

static int begin_reload(struct deploying *d, struct err *e)
{
	struct vec specs = VEC_INIT;
	struct diags mistakes = DIAGS_INIT;
	struct herd_apply a = {
		.specs = &specs,
		.changes = true,
		.is_reload = true,
		.notes = &d->notes,
		.did = on_did,
		.did_context = d,
	};
	int rc = find_specs(d, &specs, e);

	if (rc == 0 && oxfile_load_env_files(&specs, &mistakes) < 0)
		rc = oxfile_load_mistake(mistakes.list.items[0], d->hides, e);
	if (rc == 0) {
		watch_specs(d, &specs);
		a.id = next_id(d);
		rc = herd_apply(brain_herd(d->h->brain), &a, brain_now(d->h->brain), e);
	}
	diags_release(&mistakes);
	vec_release_with(&specs, (void (*)(void *))spec_free);
	return rc;
}

void handle_reload(void *context, struct call *c)
{
	const struct params_reload *p = &c->params.reload;
	struct deploying d = { .h = context, .apps = BUF_INIT, .who = BUF_INIT };
	struct handle_targets targets;
	struct err e = ERR_INIT;

	if (handle_targets_find(context, &p->targets, &p->oxfiles, &targets, &e) < 0) {
		call_refuse(c, &e);
	} else if (targets.is_nothing) {
		handle_answer_no_apps(c);
	} else {
		d.only = targets.items;
		d.only_count = targets.count;
		d.hides = !c->caller.is_owner;
		go(&d, c, begin_reload);
	}
	release_deploying(&d);
	handle_targets_release(&targets);
	err_release(&e);
}

/* --- by a signal ------------------------------------------------------------------------------------------------------------------ */

static bool read_again(struct deploying *d, struct part *p)
{
	struct diags mistakes = DIAGS_INIT;

	p->caller = handle_caller(d->h, p->path);
	p->oxfile = handle_read_again(d->h, p->path, &mistakes);
	for (size_t i = 0; i < mistakes.list.len && !p->oxfile; i++) {
		const struct diag *mistake = mistakes.list.items[i];

		log_error("%s:%d: %s", p->path, mistake->at.line, mistake->text);
	}
	diags_release(&mistakes);
	return p->oxfile != NULL;
}

static int deploy_all(struct deploying *d, struct err *e)
{
	bool is_good = true;

	add_known(d);
	for (size_t i = 0; i < d->parts.len; i++)
		is_good &= read_again(d, d->parts.items[i]);
	if (!is_good)
		return err_set(e, "an oxfile has mistakes");
	return begin_deploy(d, e);
}

void handle_signalled(struct handle *h, int number)
{
	struct deploying d = { .h = h, .apps = BUF_INIT, .who = BUF_INIT };
	struct err e = ERR_INIT;
	const char *what = number == SIGHUP ? "deploy" : "reload";
	int rc = 0;

	if (number != SIGHUP && number != SIGUSR2) {
		log_info("signal %d means nothing to the daemon", number);
		return;
	}
	log_info("%s of everything, by a signal", what);
	brain_begin(h->brain);
	rc = number == SIGHUP ? deploy_all(&d, &e) : begin_reload(&d, &e);
	if (rc < 0)
		log_error("the %s does not begin, and nothing is touched: %s", what, e.text.ptr);
	brain_end(h->brain);
	release_deploying(&d);
	err_release(&e);
}
