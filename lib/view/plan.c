#include "view/plan.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "view/table.h"

/* Keeps of one app for one reason; told where the first of them stands. */
struct kept {
	const struct plan_step *first;
	size_t count;
};

static void kept_key(struct buf *key, const struct plan_step *step)
{
	buf_clear(key);
	buf_adds(key, step->app);
	buf_addc(key, '\0');
	buf_adds(key, step->why);
}

static void kept_count(struct map *kept, const struct plan *p)
{
	const struct plan_step *step = NULL;
	struct buf key = BUF_INIT;
	size_t i = 0;

	VEC_EACH (&p->steps, i, step) {
		struct kept *group = NULL;

		if (step->verb != PLAN_KEEP)
			continue;
		kept_key(&key, step);
		group = map_get_n(kept, key.ptr, key.len);
		if (!group) {
			group = mem_zalloc(1, sizeof(*group));
			group->first = step;
			map_put_n(kept, key.ptr, key.len, group);
		}
		group->count++;
	}
	buf_release(&key);
}

/* The reason of a move names both ports, so one is enough here. */
static void port_cell(struct table *t, const struct plan_step *step)
{
	int port = step->new_port ? step->new_port : step->old_port;

	if (port)
		table_cell(t, TINT_NONE, "%d", port);
	else
		table_cell(t, TINT_NONE, "%s", "");
}

static void step_row(struct table *t, const struct plan_step *step, size_t count)
{
	static const enum tint tints[] = {
		[PLAN_KEEP] = TINT_DIM,
		[PLAN_START] = TINT_GREEN,
		[PLAN_REPLACE] = TINT_YELLOW,
		[PLAN_MOVE] = TINT_MAGENTA,
		[PLAN_REMOVE] = TINT_RED,
	};

	if (count > 1)
		table_cell(t, TINT_NONE, "%s", step->app);
	else
		table_cell(t, TINT_NONE, "%s:%d", step->app, step->instance);
	table_cell(t, tints[step->verb], "%s", plan_verb_word(step->verb));
	if (count > 1)
		table_cell(t, TINT_NONE, "(×%zu)", count);
	else
		port_cell(t, step);
	table_cell(t, TINT_NONE, "%s", step->why);
}

static void add_steps(const struct plan *p, struct buf *out, size_t width, bool colour)
{
	static const struct table_column columns[] = {
		{ .may_shrink = false },
		{ .may_shrink = false },
		{ .may_shrink = false },
		{ .may_shrink = true },
	};
	const struct plan_step *step = NULL;
	struct map kept = MAP_INIT;
	struct buf key = BUF_INIT;
	struct table t;
	size_t i = 0;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	kept_count(&kept, p);
	VEC_EACH (&p->steps, i, step) {
		const struct kept *group = NULL;

		if (step->verb == PLAN_KEEP) {
			kept_key(&key, step);
			group = map_get_n(&kept, key.ptr, key.len);
		}
		if (!group || group->first == step)
			step_row(&t, step, group ? group->count : 1);
	}
	table_render(&t, out, width, colour);
	table_release(&t);
	buf_release(&key);
	map_release_with(&kept, mem_free);
}

static void add_plan_verdict(const struct plan *p, struct buf *out)
{
	static const struct {
		enum plan_verb verb;
		const char *words;
	} parts[] = {
		{ PLAN_START, "to start" },
		{ PLAN_REPLACE, "to replace" },
		{ PLAN_MOVE, "to move" },
		{ PLAN_REMOVE, "to remove" },
		{ PLAN_KEEP, "kept" },
	};
	const char *between = "";

	if (plan_is_empty(p)) {
		buf_adds(out, "nothing to do");
		between = ", ";
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!p->counts[parts[i].verb])
			continue;
		buf_addf(out, "%s%zu %s", between, p->counts[parts[i].verb], parts[i].words);
		between = ", ";
	}
	buf_addc(out, '\n');
}

void plan_render(const struct plan *p, struct buf *out, size_t width, bool colour)
{
	add_steps(p, out, width, colour);
	add_plan_verdict(p, out);
}
