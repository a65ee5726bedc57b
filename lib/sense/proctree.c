#include "sense/proctree.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void proctree_release(struct proctree *t)
{
	mem_free(t->procs);
	*t = (struct proctree)PROCTREE_INIT;
}

static int by_tree_pid(const void *left, const void *right)
{
	const struct tree_proc *a = left;
	const struct tree_proc *b = right;

	return (a->is.pid > b->is.pid) - (a->is.pid < b->is.pid);
}

static bool add_proc(void *context, const struct proc *p)
{
	struct proctree *t = context;

	if (t->len == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->procs = mem_resize(t->procs, t->cap, sizeof(*t->procs));
	}
	t->procs[t->len++] = (struct tree_proc){ .is = *p, .owner = PROCTREE_NOBODY };
	return t->len < PROCTREE_MAX;
}

int proctree_scan(struct proctree *t)
{
	t->len = 0;
	if (!procfs_each(add_proc, t))
		return -1;
	if (t->len)
		qsort(t->procs, t->len, sizeof(*t->procs), by_tree_pid);
	return 0;
}

struct tree_proc *proctree_find(const struct proctree *t, pid_t pid)
{
	struct tree_proc wanted = { .is = { .pid = pid } };

	return t->len ? bsearch(&wanted, t->procs, t->len, sizeof(wanted), by_tree_pid) : NULL;
}

/* --- whose they are --- */

struct root {
	pid_t pid;
	size_t index;
};

static int root_by_pid(const void *left, const void *right)
{
	const struct root *a = left;
	const struct root *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static size_t root_of(const struct root *roots, size_t count, pid_t pid)
{
	struct root wanted = { .pid = pid };
	const struct root *found =
		count && pid > 0 ? bsearch(&wanted, roots, count, sizeof(wanted), root_by_pid) : NULL;

	return found ? found->index : PROCTREE_NOBODY;
}

/* Up through the parents to a root; a session whose leader was a root counts where the parents end elsewhere. */
static size_t owner_of(
	const struct proctree *t, const struct tree_proc *p, const struct root *roots, size_t count)
{
	size_t owner = PROCTREE_NOBODY;
	const struct tree_proc *at = p;

	for (int depth = 0; at->is.pid > 1 && depth < PROCTREE_DEPTH_MAX; depth++) {
		owner = root_of(roots, count, at->is.pid);
		if (owner != PROCTREE_NOBODY)
			return owner;
		at = proctree_find(t, at->is.parent);
		if (!at)
			break;
	}
	return root_of(roots, count, p->is.session);
}

void proctree_assign(struct proctree *t, const pid_t *roots, size_t count)
{
	struct root *sorted = mem_zalloc(count, sizeof(*sorted));

	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct root){ .pid = roots[i], .index = i };
	if (count)
		qsort(sorted, count, sizeof(*sorted), root_by_pid);
	for (size_t i = 0; i < t->len; i++)
		t->procs[i].owner = owner_of(t, &t->procs[i], sorted, count);
	mem_free(sorted);
}

int64_t proctree_share(pid_t main)
{
	struct proctree tree = PROCTREE_INIT;
	int64_t sum = 0;

	if (proctree_scan(&tree) < 0)
		return -1;
	proctree_assign(&tree, &main, 1);
	for (size_t i = 0; i < tree.len && sum >= 0; i++) {
		const struct tree_proc *p = &tree.procs[i];
		int64_t share = p->owner == 0 && p->is.rss_pages ? procfs_share(p->is.pid) : 0;

		sum = share < 0 ? -1 : sum + share;
	}
	proctree_release(&tree);
	return sum;
}
