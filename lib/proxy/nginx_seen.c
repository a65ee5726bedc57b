#include "proxy/nginx_seen.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "os/procfs.h"

enum { TITLE_MAX = 80 };

static bool has_title(pid_t pid, const char *title)
{
	struct buf command = BUF_INIT;
	bool is = procfs_command(pid, &command, TITLE_MAX) && str_starts(command.ptr, title);

	buf_release(&command);
	return is;
}

static void add_workers(struct nginx_seen *seen, size_t master)
{
	pid_t children[NGINX_WORKERS_MAX];
	ssize_t count = procfs_children(seen->masters[master].pid, children, NGINX_WORKERS_MAX);
	struct proc p;

	for (ssize_t i = 0; i < count && i < NGINX_WORKERS_MAX; i++) {
		/* Those that are shutting down have been replaced before. */
		if (seen->workers_len == NGINX_WORKERS_MAX || !procfs_read(children[i], &p) ||
			!has_title(p.pid, "nginx: worker process") ||
			has_title(p.pid, "nginx: worker process is shutting down"))
			continue;
		seen->workers[seen->workers_len++] = (struct nginx_process){
			.pid = p.pid,
			.start_time = p.start_time,
			.master = master,
		};
	}
}

static bool visit_nginx(void *context, const struct proc *p)
{
	struct nginx_seen *seen = context;

	if (p->state == 'Z' || !p->has_memory || !has_title(p->pid, "nginx: master process"))
		return true;
	if (seen->masters_len == NGINX_MASTERS_MAX)
		return false;
	seen->masters[seen->masters_len++] = (struct nginx_process){
		.pid = p->pid,
		.start_time = p->start_time,
	};
	return true;
}

void nginx_look(struct nginx_seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	(void)procfs_each(visit_nginx, seen);
	for (size_t i = 0; i < seen->masters_len; i++)
		add_workers(seen, i);
}

static bool is_known_worker(const struct nginx_seen *seen, const struct nginx_process *worker)
{
	for (size_t i = 0; i < seen->workers_len; i++)
		if (seen->workers[i].pid == worker->pid && seen->workers[i].start_time == worker->start_time)
			return true;
	return false;
}

static bool has_turned(const struct nginx_seen *before, size_t master)
{
	struct nginx_seen now = { .masters_len = 1, .masters[0] = before->masters[master] };
	bool has_new = false;

	add_workers(&now, 0);
	for (size_t i = 0; i < now.workers_len; i++) {
		if (is_known_worker(before, &now.workers[i]))
			return false;
		has_new = true;
	}
	return has_new;
}

enum nginx_turn nginx_compare(const struct nginx_seen *before)
{
	bool is_watchable = false;

	for (size_t i = 0; i < before->masters_len; i++) {
		for (size_t k = 0; k < before->workers_len && !is_watchable; k++)
			is_watchable = before->workers[k].master == i;
		if (has_turned(before, i))
			return NGINX_TURNED;
	}
	return is_watchable ? NGINX_SAME : NGINX_NOBODY;
}

bool nginx_has_old(const struct nginx_seen *before)
{
	struct proc p;

	for (size_t i = 0; i < before->workers_len; i++) {
		const struct nginx_process *worker = &before->workers[i];

		if (procfs_read(worker->pid, &p) && p.start_time == worker->start_time && p.state != 'Z' &&
			has_title(p.pid, "nginx: worker process is shutting down"))
			return true;
	}
	return false;
}
