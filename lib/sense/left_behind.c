/*
 * The process of a service that went to the background.
 */
#include "sense/left_behind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "os/cgroup.h"
#include "os/procfs.h"
#include "sense/process_look.h"

enum { CHILDREN_MAX = 16384, COMMAND_MAX = 80 };

static int by_left_pid(const void *left, const void *right)
{
	const pid_t *a = left;
	const pid_t *b = right;

	return (*a > *b) - (*a < *b);
}

/* "…/oxherd-<token>/3.17.api:0", where it has a cgroup; what it was started with tells less, as nginx and others write their titles over it. */
static bool is_in_group_of(pid_t pid, const struct left_behind_query *q)
{
	char path[CGROUP_PATH_MAX];
	struct buf name = BUF_INIT;
	bool is = false;

	buf_addf(&name, "/%u.%llu.%s:%d", q->ticket.slot, (unsigned long long)q->ticket.generation, q->app,
		q->instance);
	is = cgroup_of(pid, path, sizeof(path)) && strstr(path, name.ptr);
	buf_release(&name);
	return is;
}

static bool is_started_as(pid_t pid, const struct left_behind_query *q)
{
	char app[128];
	char number[16];
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%d", q->instance);
	return procfs_environ(pid, "OXHERD_APP", app, sizeof(app)) && str_eq(app, q->app) &&
		procfs_environ(pid, "OXHERD_INSTANCE", number, sizeof(number)) && str_eq(number, wanted);
}

static bool is_of(pid_t pid, const struct left_behind_query *q)
{
	struct proc p;

	if (!procfs_read(pid, &p) || p.state == 'Z')
		return false;
	return p.session == q->main || is_in_group_of(pid, q) || is_started_as(pid, q);
}

struct left_search {
	const struct left_behind_query *query;
	pid_t found;
};

/* False when it was found. */
static bool consider(struct left_search *s, pid_t pid)
{
	const struct left_behind_query *q = s->query;
	bool is_known =
		pid == getpid() || bsearch(&pid, q->known, q->known_count, sizeof(*q->known), by_left_pid);

	if (!is_known && is_of(pid, q))
		s->found = pid;
	return !s->found;
}

static bool visit_left(void *context, const struct proc *p)
{
	struct left_search *s = context;

	return p->parent != s->query->keeper || consider(s, p->pid);
}

/* The kernel's list of children is quick, and may leave some out while others end: for a server all processes are looked at then. */
static pid_t find_left(const struct left_behind_query *query)
{
	struct left_search s = { .query = query };
	pid_t *children = mem_zalloc(CHILDREN_MAX, sizeof(*children));
	ssize_t len = procfs_children(query->keeper, children, CHILDREN_MAX);

	for (ssize_t k = 0; k < len && k < CHILDREN_MAX; k++)
		if (!consider(&s, children[k]))
			break;
	if (!s.found && query->is_server)
		(void)procfs_each(visit_left, &s);
	mem_free(children);
	return s.found;
}

static void add_process_name(pid_t pid, struct buf *out)
{
	char name[PROCFS_NAME_MAX];

	procfs_name(pid, name);
	for (const char *at = name; *at; at++)
		buf_addc(out, (char)((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at));
}

void left_behind_find(const struct left_behind_query *query, struct left_behind *left, struct buf *command)
{
	struct process_walk *walk = NULL;
	struct process_look look;

	qsort(query->known, query->known_count, sizeof(*query->known), by_left_pid);
	left->pid = find_left(query);
	if (!left->pid)
		return;
	/* One that is just being replaced by another program has no command line for a moment, but a name. */
	if (!procfs_command((pid_t)left->pid, command, COMMAND_MAX) || !command->len)
		add_process_name((pid_t)left->pid, command);
	left->command = command->ptr;
	process_look_take(&walk, (pid_t)left->pid, &look);
	process_walk_free(walk);
	left->port = look.ports_len ? look.ports[0] : 0;
}
