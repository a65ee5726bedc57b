#include "view/fold.h"

#include "base/mem.h"
#include "base/str.h"

/* Instances that could share a row. */
struct group {
	struct vec members;
	bool is_folded, is_shown;
};

static int trouble_rank(const char *status)
{
	static const char *const troubled[] = { "crashed", "unhealthy", "backoff", "blocked" };
	int count = sizeof(troubled) / sizeof(troubled[0]);
	int at = count;

	(void)str_find(troubled, count, status, &at);
	return at;
}

/* Troubled ones first; otherwise in the order of the daemon. */
static void sort_instances(const struct vec *instances, struct vec *sorted)
{
	const struct instance_status *s = NULL;
	size_t left = instances->len;
	size_t i = 0;

	for (int rank = 0; left; rank++)
		VEC_EACH (instances, i, s)
			if (trouble_rank(s->status) == rank) {
				vec_push(sorted, instances->items[i]);
				left--;
			}
}

static bool is_equal(const struct instance_status *a, const struct instance_status *b)
{
	return str_eq(a->name, b->name) && str_eq(a->status, b->status) && str_eq(a->health, b->health) &&
		str_eq(a->reason.ptr, b->reason.ptr);
}

/* The group of each instance, in `of`; a new one for the first of its kind. */
static void make_groups(const struct vec *sorted, struct vec *groups, struct group **of)
{
	const struct instance_status *s = NULL;
	size_t i = 0;

	VEC_EACH (sorted, i, s) {
		struct group *g = NULL;

		/* From the end: the neighbour is most often of the same group. */
		for (size_t k = groups->len; k && !g; k--) {
			struct group *other = groups->items[k - 1];

			g = is_equal(other->members.items[0], s) ? other : NULL;
		}
		if (!g) {
			g = mem_zalloc(1, sizeof(*g));
			vec_push(groups, g);
		}
		vec_push(&g->members, sorted->items[i]);
		of[i] = g;
	}
}

static int by_size(const void *a, const void *b)
{
	const struct group *x = a;
	const struct group *y = b;

	return (x->members.len < y->members.len) - (x->members.len > y->members.len);
}

static void choose_folded(struct vec *groups, size_t rows, size_t room)
{
	vec_sort(groups, by_size);
	for (size_t i = 0; i < groups->len && rows > room; i++) {
		struct group *g = groups->items[i];

		g->is_folded = g->members.len > 1;
		rows -= g->members.len - 1;
	}
}

static void add_fold_row(struct vec *rows, const struct vec *members, size_t from, size_t count)
{
	struct fold_row *row = mem_zalloc(1, sizeof(*row));

	for (size_t i = from; i < from + count; i++)
		vec_push(&row->members, members->items[i]);
	vec_push(rows, row);
}

static void free_group(void *item)
{
	struct group *g = item;

	vec_release(&g->members);
	mem_free(g);
}

void fold_instances(const struct vec *instances, size_t room, struct vec *rows)
{
	struct vec sorted = VEC_INIT;
	struct vec groups = VEC_INIT;
	struct group **of = NULL;

	sort_instances(instances, &sorted);
	if (room && sorted.len > room) {
		of = mem_zalloc(sorted.len, sizeof(struct group *));
		make_groups(&sorted, &groups, of);
		choose_folded(&groups, sorted.len, room);
	}
	for (size_t i = 0; i < sorted.len; i++) {
		if (!of || !of[i]->is_folded)
			add_fold_row(rows, &sorted, i, 1);
		else if (!of[i]->is_shown)
			add_fold_row(rows, &of[i]->members, 0, of[i]->members.len);
		if (of)
			of[i]->is_shown = true;
	}
	mem_free(of);
	vec_release(&sorted);
	vec_release_with(&groups, free_group);
}

static void free_row(void *item)
{
	struct fold_row *row = item;

	vec_release(&row->members);
	mem_free(row);
}

void fold_release(struct vec *rows)
{
	vec_release_with(rows, free_row);
}

void fold_numbers(const struct fold_row *row, struct buf *out)
{
	const struct instance_status *s = NULL;
	size_t i = 0;
	int first = 0;
	int last = 0;

	VEC_EACH (&row->members, i, s) {
		if (i && s->instance == last + 1) {
			last++;
			continue;
		}
		if (i && last > first)
			buf_addf(out, "-%d", last);
		buf_addf(out, "%s%d", i ? "," : "", s->instance);
		first = last = s->instance;
	}
	if (last > first)
		buf_addf(out, "-%d", last);
}

bool fold_ports(const struct fold_row *row, int *low, int *high)
{
	const struct instance_status *s = NULL;
	size_t i = 0;

	VEC_EACH (&row->members, i, s) {
		if (!s->port)
			return false;
		*low = i && *low < s->port ? *low : s->port;
		*high = i && *high > s->port ? *high : s->port;
	}
	return true;
}

/* The shortest time that is known; -1 where none is. */
static int64_t shortest(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

void fold_sum(const struct fold_row *row, struct instance_status *sum)
{
	const struct instance_status *s = NULL;
	size_t i = 0;

	VEC_EACH (&row->members, i, s) {
		if (!i) {
			*sum = *s;
			continue;
		}
		sum->pid = 0;
		sum->restarts += s->restarts;
		sum->log_dropped_bytes += s->log_dropped_bytes;
		if (s->queue >= 0)
			sum->queue = (sum->queue < 0 ? 0 : sum->queue) + s->queue;
		sum->uptime_ms = shortest(sum->uptime_ms, s->uptime_ms);
		sum->next_restart_ms = shortest(sum->next_restart_ms, s->next_restart_ms);
		if (s->memory_bytes >= 0)
			sum->memory_bytes = (sum->memory_bytes < 0 ? 0 : sum->memory_bytes) + s->memory_bytes;
		if (s->cpu_percent >= 0)
			sum->cpu_percent = (sum->cpu_percent < 0 ? 0 : sum->cpu_percent) + s->cpu_percent;
	}
}
