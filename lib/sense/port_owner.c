#include "sense/port_owner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "sense/port.h"

/* Bytes of a cgroup.procs that are looked at. */
enum { CGROUP_PROCS_MAX = 1024 * 1024 };

void port_owner_init(struct port_owner *look, int port)
{
	*look = (struct port_owner){ .sockets = NETDIAG_SOCKETS_INIT, .tree = PROCTREE_INIT };
	(void)netdiag_listeners(port, &look->sockets, NULL);
}

void port_owner_release(struct port_owner *look)
{
	netdiag_release(&look->sockets);
	if (look->tree.procs)
		proctree_release(&look->tree);
}

static bool is_left_out(const struct port_owner *look, uint32_t inode)
{
	return look->kin && look->kin->is_held(look->kin->context, look->kin->ticket, inode);
}

uint32_t port_owner_inode(const struct port_owner *look, int port)
{
	const struct netdiag_socket *end = look->sockets.items + look->sockets.len;
	const struct netdiag_socket *at = netdiag_find(&look->sockets, port);

	for (; at && at < end && at->port == port; at++)
		if (!is_left_out(look, at->inode))
			return at->inode;
	return 0;
}

/* A port has several sockets where IPv4 and IPv6 are listened on apart, or where SO_REUSEPORT shares it. */
static bool holds(const struct port_owner *look, int port, pid_t pid)
{
	const struct netdiag_socket *end = look->sockets.items + look->sockets.len;
	const struct netdiag_socket *at = netdiag_find(&look->sockets, port);

	for (; at && at < end && at->port == port; at++)
		if (at->inode && !is_left_out(look, at->inode) &&
			netdiag_pid_holds(pid, look->until, at->inode))
			return true;
	return false;
}

static bool cgroup_holds(const struct port_owner *look, int port, const char *cgroup)
{
	struct buf path = BUF_INIT;
	struct buf text = BUF_INIT;
	bool is_found = false;
	int fd = -1;

	buf_addf(&path, "%s/cgroup.procs", cgroup);
	fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && file_read_stream(fd, path.ptr, CGROUP_PROCS_MAX, &text, NULL) == 0)
		for (char *line = text.ptr; *line && !is_found && clock_cpu_ms() < look->until;
			line += strcspn(line, "\n") + 1) {
			is_found = holds(look, port, (pid_t)strtol(line, NULL, 10));
			if (!strchr(line, '\n'))
				break;
		}
	fd_close(&fd);
	buf_release(&path);
	buf_release(&text);
	return is_found;
}

static bool descendant_holds(struct port_owner *look, int port, pid_t main)
{
	if (!look->has_tree && proctree_scan(&look->tree) < 0)
		return false;
	look->has_tree = true;
	proctree_assign(&look->tree, &main, 1);
	for (size_t i = 0; i < look->tree.len && clock_cpu_ms() < look->until; i++) {
		const struct tree_proc *p = &look->tree.procs[i];

		if (p->owner == 0 && p->is.pid != main && holds(look, port, p->is.pid))
			return true;
	}
	return false;
}

bool port_owner_listens(struct port_owner *look, int port, pid_t main, const char *cgroup)
{
	look->until = clock_cpu_ms() + NETDIAG_OWN_MS;
	if (!port_owner_inode(look, port))
		return false;
	if (main > 0 && holds(look, port, main))
		return true;
	if (cgroup && cgroup_holds(look, port, cgroup))
		return true;
	return main > 0 && descendant_holds(look, port, main);
}

bool port_owner_holds(struct port_owner *look, uint32_t inode, pid_t main)
{
	look->until = clock_cpu_ms() + NETDIAG_OWN_MS;
	if (main <= 0 || !inode)
		return false;
	if (netdiag_pid_holds(main, look->until, inode))
		return true;
	if (!look->has_tree && proctree_scan(&look->tree) < 0)
		return false;
	look->has_tree = true;
	proctree_assign(&look->tree, &main, 1);
	for (size_t i = 0; i < look->tree.len; i++) {
		const struct tree_proc *p = &look->tree.procs[i];

		if (p->owner == 0 && p->is.pid != main && netdiag_pid_holds(p->is.pid, look->until, inode))
			return true;
	}
	return false;
}
