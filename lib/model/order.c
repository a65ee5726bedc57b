#include "model/order.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/oxfile.h"

/* One app in the graph; `waits_for` counts what is not placed yet. */
struct node {
	const struct spec *spec;
	size_t index;         /* its place in the file */
	struct vec needs;     /* of struct node * */
	struct vec needed_by; /* of struct node * */
	size_t waits_for;
	int level;
	bool is_placed;
	bool was_told; /* part of a cycle that was complained about, or leads to one */
};

static void complain_dependency(
	const struct vec *specs, const struct spec *s, const char *name, struct diags *d)
{
	struct str_guess guess = { .typed = name };
	struct diag *complaint = diags_error(d, oxfile_place(s, "depends_on"),
		"'%s' depends on '%s', which is not defined", s->name, name);
	size_t i = 0;
	const struct spec *other = NULL;

	VEC_EACH (specs, i, other) {
		str_guess_offer(&guess, other->name);
	}
	if (guess.best)
		diag_hint(complaint, "did you mean '%s'?", guess.best);
}

static void link_node(const struct vec *specs, struct map *names, struct node *node, struct diags *d)
{
	const struct spec *s = node->spec;

	for (size_t i = 0; i < s->depends_on.len; i++) {
		struct node *other = map_get(names, s->depends_on.items[i]);

		if (!other) {
			complain_dependency(specs, s, s->depends_on.items[i], d);
			continue;
		}
		if (other->spec->disabled && !s->disabled)
			diags_error(d, oxfile_place(s, "depends_on"),
				"'%s' depends on '%s', which is disabled", s->name, other->spec->name);
		vec_push(&node->needs, other);
		vec_push(&other->needed_by, node);
		node->waits_for++;
	}
}

/* What an unplaced node waits for; it always waits for something. */
static struct node *unplaced_need(const struct node *node)
{
	size_t i = 0;
	struct node *need = NULL;

	VEC_EACH (&node->needs, i, need) {
		if (!need->is_placed)
			return need;
	}
	return NULL;
}

/* Follows one unplaced need after the other from `start` until a node comes again, then tells that circle. */
static void report_cycle(struct node *start, struct diags *d)
{
	struct vec path = VEC_INIT;
	struct buf words = BUF_INIT;
	struct node *node = start;
	size_t first = 0;

	while (node && !node->was_told) {
		node->was_told = true;
		vec_push(&path, node);
		node = unplaced_need(node);
	}
	while (first < path.len && path.items[first] != node)
		first++;
	/* Not found: this path ran into a circle that was reported already. */
	if (node && first < path.len) {
		for (size_t i = first; i < path.len; i++)
			buf_addf(&words, "%s -> ", ((struct node *)path.items[i])->spec->name);
		diags_error(d, oxfile_place(node->spec, "depends_on"),
			"dependencies go round in a circle: %s%s", words.ptr, node->spec->name);
	}
	buf_release(&words);
	vec_release(&path);
}

static int compare_nodes(const void *left, const void *right)
{
	const struct node *a = left;
	const struct node *b = right;

	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->spec->start_order != b->spec->start_order)
		return a->spec->start_order < b->spec->start_order ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Places every node whose needs are placed; what is left over goes round in circles. */
static void place_nodes(struct node *nodes, size_t count, struct vec *placed)
{
	for (size_t i = 0; i < count; i++)
		if (!nodes[i].waits_for)
			vec_push(placed, &nodes[i]);
	for (size_t at = 0; at < placed->len; at++) {
		struct node *node = placed->items[at];
		struct node *next = NULL;
		size_t i = 0;

		node->is_placed = true;
		VEC_EACH (&node->needed_by, i, next) {
			if (next->level <= node->level)
				next->level = node->level + 1;
			if (--next->waits_for == 0)
				vec_push(placed, next);
		}
	}
	vec_sort(placed, compare_nodes);
}

int order_specs(const struct vec *specs, struct vec *ordered, int *levels, struct diags *d)
{
	struct node *nodes = mem_zalloc(specs->len, sizeof(*nodes));
	struct map names = MAP_INIT;
	struct vec placed = VEC_INIT;
	size_t errors_before = d->errors;

	for (size_t i = 0; i < specs->len; i++) {
		nodes[i].spec = specs->items[i];
		nodes[i].index = i;
		map_put(&names, nodes[i].spec->name, &nodes[i]);
	}
	for (size_t i = 0; i < specs->len; i++)
		link_node(specs, &names, &nodes[i], d);
	place_nodes(nodes, specs->len, &placed);
	for (size_t i = 0; i < specs->len; i++)
		if (!nodes[i].is_placed)
			report_cycle(&nodes[i], d);
	for (size_t i = 0; i < placed.len; i++) {
		const struct node *node = placed.items[i];

		vec_push(ordered, (void *)node->spec);
		if (levels)
			levels[i] = node->level;
	}
	for (size_t i = 0; i < specs->len; i++) {
		vec_release(&nodes[i].needs);
		vec_release(&nodes[i].needed_by);
	}
	vec_release(&placed);
	map_release(&names);
	mem_free(nodes);
	return d->errors == errors_before ? 0 : -1;
}
