/*
 * The way back: apps as the text of an oxfile that would make them.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_emit.h"
#include "control/handle.h"
#include "engine/brain.h"
#include "model/fields.h"

static void print_env(struct buf *out, const struct env *env)
{
	struct spec *one = spec_new("");
	const struct field *any = field_find("namespace");

	buf_adds(out, "{ ");
	for (size_t i = 0; i < env->len; i++) {
		one->namespace = env->items[i].value;
		buf_addf(out, "%s\"%s\" = ", i ? ", " : "", env->items[i].name);
		field_print(any, one, out);
	}
	one->namespace = NULL;
	buf_adds(out, " }");
	spec_free(one);
}

/* As it is now: with what it was scaled to, and where its relative paths begin. */
static void save_app(struct buf *out, const struct spec *s, int scaled)
{
	struct spec now = *s;

	if (scaled >= 0)
		now.instances = (struct count){ .kind = COUNT_NUMBER, .value = scaled };
	if (!now.working_dir)
		now.working_dir = s->folder;
	/* A dot would be a table in a table. */
	buf_addf(out, strchr(s->name, '.') ? "%s[processes.\"%s\"]\n" : "%s[processes.%s]\n",
		out->len ? "\n" : "", s->name);
	for (size_t i = 0; i < fields_count; i++) {
		if (!field_is_set(&fields[i], &now))
			continue;
		buf_addf(out, "%s = ", fields[i].key);
		if (fields[i].kind == FIELD_ENV)
			print_env(out, &now.env);
		else
			field_print(&fields[i], &now, out);
		buf_addc(out, '\n');
	}
}

void handle_save(void *context, struct call *c)
{
	struct handle *h = context;
	const struct param_strings *targets = &c->params.save.targets;
	struct vec specs = VEC_INIT;
	const struct spec *s = NULL;
	struct buf text = BUF_INIT;
	struct buf result = BUF_INIT;
	size_t i = 0;
	struct err e = ERR_INIT;
	int rc = herd_target_specs(brain_herd(h->brain), targets->items, targets->count, &specs, &e);

	VEC_EACH (&specs, i, s) {
		save_app(&text, s, herd_scaled(brain_herd(h->brain), s->name));
	}
	if (rc == 0) {
		emit_open(&result, NULL, '{');
		emit_string(&result, "text", text.ptr);
		emit_close(&result, '}');
		call_answer(c, &result);
	} else {
		call_refuse(c, &e);
	}
	err_release(&e);
	vec_release(&specs);
	buf_release(&text);
	buf_release(&result);
}
