#include "keeper/tree.h"

#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "keeper/env_mark.h"
#include "keeper/groups.h"
#include "keeper/slots.h"
#include "os/procfs.h"

/* Untouched until a machine has that many processes: only what is used takes memory. */
static struct tree_node nodes[2][TREE_MAX];
static pid_t children[TREE_MAX];
static struct tree_node *path[TREE_MAX + 1];
static struct tree tree = { .nodes = nodes[0] };
/* What was seen last time, as people do not forget whom they saw with whom. */
static struct tree before = { .nodes = nodes[1] };

static bool add_node(void *context, const struct proc *p)
{
	struct tree *t = context;

	if (t->count == TREE_MAX) {
		log_warn("more than %d processes: the others are not looked at", TREE_MAX);
		return false;
	}
	t->nodes[t->count++] = (struct tree_node){
		.pid = p->pid,
		.parent = p->parent,
		.session = p->session,
		.start_time = p->start_time,
		/* One whose first thread alone has ended runs for as long as it likes. */
		.is_dead = p->state == 'Z' && p->threads <= 1 && p->parent != getpid(),
		.is_ending = !p->has_memory && p->threads <= 1,
	};
	return true;
}

/* /proc lists by pid, rising. */
static struct tree_node *find_node(const struct tree *t, pid_t pid)
{
	size_t low = 0;
	size_t high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->nodes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->nodes[low].pid == pid ? &t->nodes[low] : NULL;
}

struct looking {
	struct tree *tree;
	const struct slots *all;
	const char *token;
	pid_t keeper;
	bool has_adopted; /* then strangers are looked at more closely */
};

static bool has_user(pid_t pid, uid_t uid)
{
	uid_t real = 0;

	return procfs_uid(pid, &real) && real == uid;
}

/*
 * A sealed mark proves it in our own line; of a stranger it counts for the user that it was made for, and what came from root may be anybody's.  An
 * unsealed one is of a version that had no seals, or forged: it counts for who began then, and among strangers for the user of its main process.
 */
static struct slot *find_marked(const struct looking *l, const struct tree_node *n)
{
	const struct env_mark_secret *secret = l->all->secret;
	struct env_mark b;
	struct slot *s = env_mark_of(&b, n->pid, l->token, secret) ? slots_find(l->all, b.ticket) : NULL;
	uid_t uid = 0;

	if (!s)
		return NULL;
	if (b.is_sealed)
		return n->is_ours || !b.uid || has_user(n->pid, b.uid) ? s : NULL;
	if (s->start_time >= secret->since)
		return NULL;
	return n->is_ours || (procfs_uid(s->pid, &uid) && has_user(n->pid, uid)) ? s : NULL;
}

/*
 * In our own line a session's number cannot have been given to another.  Elsewhere it can, once its processes are all gone: who began before
 * that is still one of them.
 */
static bool is_of_session(const struct slot *s, const struct tree_node *n)
{
	return n->is_ours || slot_lives(s) || n->start_time < s->ended_ticks;
}

/* By what it carries itself, else by what is remembered of it. */
static struct slot *find_owner(const struct looking *l, const struct tree_node *n)
{
	struct slot *s = slots_find_session(l->all, n->session);
	const struct tree_node *then = NULL;
	struct keeper_ticket ticket;

	if (s && !is_of_session(s, n))
		s = NULL;
	if (!s)
		s = find_marked(l, n);
	if (!s && groups_ticket_of(l->all->groups, n->pid, &ticket))
		s = slots_find(l->all, ticket);
	if (!s)
		then = find_node(&before, n->pid);
	return then && then->start_time == n->start_time ? slots_find(l->all, then->ticket) : s;
}

/* A child of the keeper's. */
static void judge_top(const struct looking *l, struct tree_node *top)
{
	ASSERT(top->parent == l->keeper, "pid %d is judged as a child of pid %d", (int)top->pid,
		(int)l->keeper);
	top->is_known = true;
	top->slot = slots_find_child(l->all, top->pid);
	if (top->slot && slot_is_brain(top->slot)) {
		top->slot = NULL;
		return;
	}
	top->is_ours = true;
	if (!top->slot)
		top->slot = find_owner(l, top);
	/* It will be reaped by us in a moment, and until then it may have been anybody's. */
	if (!top->slot && top->is_ending)
		l->tree->is_torn = true;
}

/*
 * Its parent is not among what we saw.  The first process has none, and some are hidden from us (hidepid) as those of strangers; else it
 * changed while we looked, or the parent is newer than our look.
 */
static bool has_moved(const struct tree_node *n)
{
	struct proc now;

	if (n->parent == 0 || !procfs_read(n->pid, &now))
		return false;
	return now.parent != n->parent || procfs_read(n->parent, &now);
}

static bool judge_adopted(const struct looking *l, struct tree_node *node)
{
	node->slot = l->has_adopted ? slots_find_adopted(l->all, node->pid, node->start_time) : NULL;
	if (!node->slot)
		return false;
	ASSERT(!slot_is_brain(node->slot), "pid %d is adopted as the brain", (int)node->pid);
	node->is_known = node->is_ours = true;
	return true;
}

/* Climbs to somebody who is known; gives how many stand on the path below, the lowest first. */
static size_t climb(const struct looking *l, struct tree_node *node)
{
	size_t count = 0;

	while (!node->is_known && count < l->tree->count) {
		struct tree_node *parent = NULL;

		path[count++] = node;
		if (judge_adopted(l, node))
			break;
		if (node->parent == l->keeper) {
			judge_top(l, node);
			break;
		}
		parent = find_node(l->tree, node->parent);
		if (!parent) {
			l->tree->is_torn |= has_moved(node);
			node->is_known = true;
			break;
		}
		node = parent;
	}
	path[count] = node;
	ASSERT(count <= l->tree->count, "%zu processes of %zu stand above one another", count,
		l->tree->count);
	return count;
}

/*
 * What comes from somebody's process is his.  Below an orphan that is nobody's each is asked for itself: an orphan that is just dying
 * has lost its environment already, but not yet its children.  The orphans of adopted processes are
 * among strangers.
 */
static void judge_node(const struct looking *l, struct tree_node *node)
{
	size_t count = climb(l, node);

	ASSERT(node->is_known || count, "nothing is known of pid %d", (int)node->pid);
	while (count-- > 0) {
		struct tree_node *below = path[count];
		const struct tree_node *above = path[count + 1];

		if (below->is_known)
			continue;
		below->is_known = true;
		below->is_ours = above->is_ours;
		below->slot = above->slot;
		if ((below->is_ours || l->has_adopted) && !below->slot)
			below->slot = find_owner(l, below);
		below->is_ours |= below->slot != NULL;
	}
}

struct tree *tree_look(const struct slots *all, const char *token)
{
	struct looking l = { &tree, all, token, getpid(), slots_has_adopted(all) };
	struct tree_node *self = NULL;

	before.count = tree.count;
	tree.nodes = before.nodes;
	before.nodes = tree.nodes == nodes[0] ? nodes[1] : nodes[0];
	tree.count = 0;
	tree.is_torn = !procfs_each(add_node, &tree);
	/* What is above the keeper is not the keeper's. */
	self = find_node(&tree, l.keeper);
	if (self)
		self->is_known = true;
	for (size_t i = 0; i < tree.count; i++) {
		struct tree_node *n = &tree.nodes[i];

		judge_node(&l, n);
		if (n->slot)
			n->ticket = n->slot->ticket;
	}
	ASSERT(tree.nodes != before.nodes && tree.count <= TREE_MAX, "%zu processes were seen", tree.count);
	return &tree;
}

bool tree_has_orphans(const struct slots *all)
{
	ssize_t count = procfs_children(getpid(), children, TREE_MAX);

	if (count < 0 || count > TREE_MAX)
		return true;
	for (ssize_t i = 0; i < count; i++)
		if (!slots_find_child(all, children[i]))
			return true;
	return false;
}
