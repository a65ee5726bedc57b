#include "keeper/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/lock.h"
#include "keeper/slots.h"
#include "os/cgroup.h"
#include "os/fd.h"

static const char prefix[] = "oxherd-";

enum {
	GROUP_NAME_MAX = KEEPER_NAME_MAX + 64,
	TRIES = 8, /* to make our folder, should others take it for one that nobody has */
};

static void name_of(const struct slot *s, char name[GROUP_NAME_MAX])
{
	ASSERT(s->ticket.slot > 0, "the brain (pid %d) has a cgroup of its own", (int)s->pid);
	(void)snprintf(name, GROUP_NAME_MAX, "%lld.%llu.%s", (long long)s->ticket.slot,
		(unsigned long long)s->ticket.generation, s->name);
	for (char *at = name; *at; at++)
		if (*at == '/' || *at == '\n')
			*at = '_';
}

/* "<slot>.<generation>.…" */
static bool read_ticket(const char *name, struct keeper_ticket *ticket)
{
	char *end = NULL;

	ticket->slot = strtoll(name, &end, 10);
	if (*end != '.')
		return false;
	ticket->generation = strtoull(end + 1, &end, 10);
	return *end == '.' && ticket->slot > 0 && ticket->generation > 0;
}

/* The process that has it is alive; a child holds it too until its exec. */
static bool take_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void each_folder(int dir, void (*visit)(void *context, int dir, const char *name), void *context)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry = NULL;

	if (!list) {
		fd_close(&copy);
		return;
	}
	/* cppcheck-suppress readdirCalled */
	while ((entry = readdir(list)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			visit(context, dir, entry->d_name);
	closedir(list);
}

/* Only what is empty goes: a living process of a dead keeper may still be adopted by its own next one. */
static void clear_stale(void *own, int dir, const char *name)
{
	int fd = -1;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || !strcmp(name, own))
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && take_lock(fd) && cgroup_remove(dir, name) == 0)
		log_info("cgroup '%s' of a keeper that is gone: removed", name);
	fd_close(&fd);
}

/* Of a folder that was removed nothing is left but the descriptor. */
static bool is_removed(int dir)
{
	return faccessat(dir, "cgroup.procs", F_OK, 0) < 0;
}

/*
 * Ours is not free at once while children from before an upgrade are on their way to their exec, and while another keeper looks whether
 * anybody has it; that one may remove it, and then it is made again.
 */
static int open_locked(const char *home, int parent)
{
	int dir = -1;

	for (int i = 0; i < TRIES; i++) {
		if (mkdirat(parent, home, 0755) < 0 && errno != EEXIST)
			return -1;
		dir = openat(parent, home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir >= 0 && lock_wait(dir, LOCK_WAIT_MS) && !is_removed(dir))
			return dir;
		fd_close(&dir);
	}
	return -1;
}

static int open_home(struct groups *g, int parent)
{
	ASSERT(g->dir < 0 && g->notify < 0, "the cgroup '%s' is made twice", g->path);
	g->dir = open_locked(g->home, parent);
	if (g->dir < 0)
		return -1;
	g->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	g->can_kill = faccessat(g->dir, "cgroup.kill", W_OK, 0) == 0;
	if (g->notify >= 0)
		return 0;
	fd_close(&g->dir);
	return -1;
}

void groups_open(struct groups *g, const char *token)
{
	struct buf path = BUF_INIT;
	char own[CGROUP_PATH_MAX];
	int parent = -1;

	g->dir = g->notify = -1;
	(void)snprintf(g->home, sizeof(g->home), "%s%.40s", prefix, token);
	if (!cgroup_of(getpid(), own, sizeof(own)) || !cgroup_folder(&path) ||
		path.len + sizeof(g->home) + 1 > sizeof(g->path)) {
		log_info("no cgroups: there is no mount of version 2 that shows our own");
		goto out;
	}
	(void)snprintf(g->path, sizeof(g->path), "%s/%s", path.ptr, g->home);
	(void)snprintf(g->own, sizeof(g->own), "%s/%s", strcmp(own, "/") != 0 ? own : "", g->home);
	parent = open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0)
		each_folder(parent, clear_stale, g->home);
	if (parent < 0 || open_home(g, parent) < 0)
		log_info("no cgroups: cannot make '%s': %s", g->path, strerror(errno));
	else
		log_info("cgroups: in '%s'", g->path);
out:
	fd_close(&parent);
	buf_release(&path);
	ASSERT((g->dir < 0) == (g->notify < 0), "the cgroup '%s' is open by half", g->path);
}

void groups_close(struct groups *g)
{
	if (g->dir >= 0 && rmdir(g->path) < 0)
		log_warn_sys(errno, "cannot remove the cgroup '%s'", g->path);
	fd_close(&g->dir);
	fd_close(&g->notify);
}

static void settle_one(void *context, int dir, const char *name)
{
	const struct slots *all = context;
	struct keeper_ticket ticket;
	struct slot *s = read_ticket(name, &ticket) ? slots_find(all, ticket) : NULL;

	if (s)
		s->has_group = true;
	else if (cgroup_remove(dir, name) < 0)
		log_warn(
			"cgroup '%s' belongs to no process of this keeper; what lives there ends at shutdown",
			name);
}

void groups_settle(struct groups *g, struct slots *all)
{
	if (g->dir >= 0)
		each_folder(g->dir, settle_one, all);
}

int groups_make(struct groups *g, struct slot *s)
{
	char name[GROUP_NAME_MAX];
	int fd = -1;

	if (!g || g->dir < 0)
		return -1;
	if (!ASSERT_OR(!s->has_group && !slot_lives(s), "%s gets a second cgroup", s->name))
		return -1;
	name_of(s, name);
	if (mkdirat(g->dir, name, 0755) < 0 && errno != EEXIST) {
		log_debug("%s: no cgroup: %s", s->name, strerror(errno));
		return -1;
	}
	s->has_group = true;
	fd = openat(g->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		groups_drop(g, s);
	return fd;
}

bool groups_can_kill(const struct groups *g, const struct slot *s)
{
	return g && s->has_group && g->can_kill;
}

int groups_each(
	const struct groups *g, const struct slot *s, void (*visit)(void *context, pid_t pid), void *context)
{
	char name[GROUP_NAME_MAX];

	if (!g || !s->has_group)
		return 0;
	ASSERT(g->dir >= 0, "%s has a cgroup, and there are none", s->name);
	name_of(s, name);
	return cgroup_each(g->dir, name, visit, context);
}

void groups_kill(struct groups *g, const struct slot *s)
{
	char name[GROUP_NAME_MAX];

	if (!groups_can_kill(g, s))
		return;
	if (!ASSERT_OR(g->dir >= 0, "%s has a cgroup, and there are none", s->name))
		return;
	name_of(s, name);
	if (cgroup_kill(g->dir, name) < 0 && errno != ENOENT)
		log_warn_sys(errno, "%s: cannot kill its cgroup", s->name);
}

void groups_kill_all(struct groups *g)
{
	if (g && g->dir >= 0 && g->can_kill)
		(void)cgroup_kill(g->dir, ".");
}

/* One that cannot be killed as a whole says nothing that the walk through the tree does not. */
static void watch_group(struct slots *all, struct slot *s, const char *name)
{
	struct groups *g = all->groups;
	char path[sizeof(g->path) + GROUP_NAME_MAX + sizeof("//cgroup.events")];

	ASSERT(s->watch < 0 && g->notify >= 0, "%s: its cgroup is watched twice", s->name);
	(void)snprintf(path, sizeof(path), "%s/%s/cgroup.events", g->path, name);
	slots_set_watch(all, s, inotify_add_watch(g->notify, path, IN_MODIFY));
	g->is_deaf |= s->watch < 0;
}

bool groups_is_over(struct slots *all, struct slot *s)
{
	const struct groups *g = all->groups;
	char name[GROUP_NAME_MAX];
	bool was_watched = s->watch >= 0;

	if (!groups_can_kill(g, s))
		return true;
	if (!ASSERT_OR(
		    !slot_lives(s), "%s: pid %d lives, and its cgroup is taken away", s->name, (int)s->pid))
		return false;
	name_of(s, name);
	if (cgroup_remove(g->dir, name) < 0 && errno == EBUSY) {
		if (was_watched)
			return false;
		watch_group(all, s, name);
		/* It may have become empty before it was watched. */
		if (cgroup_remove(g->dir, name) < 0 && errno == EBUSY)
			return false;
	}
	/* The watch went with the folder. */
	slots_set_watch(all, s, -1);
	s->has_group = false;
	ASSERT(s->watch < 0, "%s: its cgroup is gone, and watched", s->name);
	return true;
}

/* More changed than the kernel keeps in mind: then each that is watched is looked at. */
static void handle_all(struct slots *all, void (*changed)(struct slots *all, struct slot *s))
{
	for (struct slot *s = all->first; s; s = s->next)
		if (s->watch >= 0)
			changed(all, s);
}

void groups_read_events(struct slots *all, void (*changed)(struct slots *all, struct slot *s))
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t got = 0;

	if (!ASSERT_OR(
		    all->groups && all->groups->notify >= 0, "there are no cgroups that could tell anything"))
		return;
	while ((got = read(all->groups->notify, events, sizeof(events))) > 0) {
		const struct inotify_event *event = NULL;

		for (const char *at = events; at < events + got; at += sizeof(*event) + event->len) {
			struct slot *s = NULL;

			event = (const void *)at;
			s = slots_find_watch(all, event->wd);
			if (event->mask & IN_Q_OVERFLOW)
				handle_all(all, changed);
			else if (s && (event->mask & IN_MODIFY))
				changed(all, s);
		}
	}
}

void groups_drop(struct groups *g, struct slot *s)
{
	char name[GROUP_NAME_MAX];

	if (!g || !s->has_group)
		return;
	ASSERT(g->dir >= 0, "%s has a cgroup, and there are none", s->name);
	name_of(s, name);
	(void)cgroup_remove(g->dir, name);
	s->has_group = false;
}

/*
 * A keeper before us may have been started in another cgroup, and its folder stands there.  Anybody who may make cgroups somewhere can give one our
 * name: so it is asked whose it is.
 */
static const char *find_elsewhere(const struct groups *g, const char *path)
{
	char folder[CGROUP_PATH_MAX + KEEPER_PATH_MAX + 1];
	size_t tail = strlen(g->own);
	size_t mount = strlen(g->path) - tail;
	const char *home = strstr(path, g->home);
	struct stat st;
	size_t len = 0;

	if (!home || home == path || home[-1] != '/' || home[strlen(g->home)] != '/' ||
		strlen(g->path) < tail || strcmp(g->path + mount, g->own) != 0)
		return NULL;
	len = (size_t)(home - path) + strlen(g->home);
	(void)snprintf(folder, sizeof(folder), "%.*s%.*s", (int)mount, g->path, (int)len, path);
	if (lstat(folder, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
		return NULL;
	return path + len;
}

/* The whole path counts. */
bool groups_ticket_of(const struct groups *g, pid_t pid, struct keeper_ticket *ticket)
{
	char path[CGROUP_PATH_MAX];
	const char *name = NULL;
	size_t len = 0;

	if (!g || g->dir < 0 || !cgroup_of(pid, path, sizeof(path)))
		return false;
	len = strlen(g->own);
	if (!strncmp(path, g->own, len) && path[len] == '/')
		name = path + len;
	else
		name = find_elsewhere(g, path);
	return name && read_ticket(name + 1, ticket);
}
