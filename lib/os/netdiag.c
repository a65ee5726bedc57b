#include "os/netdiag.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/procfs.h"

enum { ANSWER_MAX = 32 * 1024, PROC_NET_MAX = 64 * 1024 * 1024 };
/* The kernel's numbers of states; its header for them does not go along with the C library's. */
enum { STATE_ESTABLISHED = 1, STATE_SYN_RECV = 3, STATE_TIME_WAIT = 6, STATE_LISTEN = 10 };

#define ALL_HELD (~(1U << STATE_TIME_WAIT))

void netdiag_release(struct netdiag_sockets *sockets)
{
	mem_free(sockets->items);
	*sockets = (struct netdiag_sockets)NETDIAG_SOCKETS_INIT;
}

static void add_socket(struct netdiag_sockets *out, struct netdiag_socket found)
{
	if (out->len >= NETDIAG_SOCKETS_MAX)
		return;
	if (out->len == out->cap) {
		out->cap = out->cap ? out->cap * 2 : 64;
		out->items = mem_resize(out->items, out->cap, sizeof(*out->items));
	}
	out->items[out->len++] = found;
}

/* --- netlink --- */

static int ask_kernel(int fd, int family, int port, unsigned int states)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = (unsigned int)family, },
		.request = { .sdiag_family = (unsigned char)family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = states,
			.id = { .idiag_sport = htons((uint16_t)port) }, },
	};

	return send(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question) ? 0 : -1;
}

/* One message of an answer: 1 there is more, 0 that was all, -1 with errno. */
static int take_socket(const struct nlmsghdr *message, struct netdiag_sockets *out)
{
	if (message->nlmsg_type == NLMSG_DONE)
		return 0;
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(message);

		errno = message->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)) ? -error->error : EPROTO;
		return -1;
	}
	if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
		const struct inet_diag_msg *found = NLMSG_DATA(message);

		add_socket(out,
			(struct netdiag_socket){
				.inode = found->idiag_inode,
				.uid = found->idiag_uid,
				.port = ntohs(found->id.idiag_sport),
			});
	}
	return 1;
}

static int read_sockets(int fd, struct netdiag_sockets *out)
{
	_Alignas(struct nlmsghdr) char bytes[ANSWER_MAX];
	int rc = 1;

	while (rc == 1) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
		unsigned int left = got > 0 ? (unsigned int)got : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		for (struct nlmsghdr *m = (void *)bytes; rc == 1 && NLMSG_OK(m, left);
			m = NLMSG_NEXT(m, left))
			rc = take_socket(m, out);
	}
	return rc;
}

static int dump_netlink(int port, unsigned int states, struct netdiag_sockets *out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int rc = -1;

	if (fd < 0)
		return -1;
	/* A machine without IPv6 refuses the second question only. */
	if (ask_kernel(fd, AF_INET, port, states) == 0 && read_sockets(fd, out) == 0) {
		if (ask_kernel(fd, AF_INET6, port, states) == 0)
			(void)read_sockets(fd, out);
		rc = 0;
	}
	fd_close(&fd);
	return rc;
}

int netdiag_link(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

static void set_address(struct inet_diag_sockid *id, const struct sockaddr *to)
{
	if (to->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const void *)to;

		memcpy(id->idiag_src, &six->sin6_addr, sizeof(six->sin6_addr));
		id->idiag_sport = six->sin6_port;
	} else {
		const struct sockaddr_in *four = (const void *)to;

		memcpy(id->idiag_src, &four->sin_addr, sizeof(four->sin_addr));
		id->idiag_sport = four->sin_port;
	}
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

int64_t netdiag_listener(int link, const struct sockaddr *to)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST, },
		.request = { .sdiag_family = (unsigned char)to->sa_family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = 1U << STATE_LISTEN, },
	};
	_Alignas(struct nlmsghdr) char bytes[ANSWER_MAX];
	const struct nlmsghdr *message = (void *)bytes;
	struct netdiag_sockets found = NETDIAG_SOCKETS_INIT;
	ssize_t got = 0;
	int64_t inode = 0;

	set_address(&question.request.id, to);
	if (send(link, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
		return -1;
	/* The kernel answers within the send. */
	got = recv(link, bytes, sizeof(bytes), 0);
	if (got <= 0 || !NLMSG_OK(message, (unsigned int)got))
		return -1;
	if (take_socket(message, &found) < 0)
		return errno == ENOENT ? 0 : -1;
	inode = found.len ? found.items[0].inode : 0;
	netdiag_release(&found);
	return inode;
}

/* --- /proc/net --- */

/* The n-th word of a line, counted from 0; NULL if there are fewer. */
static const char *word_at(const char *line, int n)
{
	for (;;) {
		line += strspn(line, " \t");
		if (!*line || *line == '\n')
			return NULL;
		if (n-- == 0)
			return line;
		line += strcspn(line, " \t\n");
	}
}

static void take_proc_line(const char *line, int port, unsigned int states, struct netdiag_sockets *out)
{
	const char *local = word_at(line, 1);
	const char *state = word_at(line, 3);
	const char *uid = word_at(line, 7);
	const char *inode = word_at(line, 9);
	const char *colon = local ? strchr(local, ':') : NULL;
	unsigned long found = colon ? strtoul(colon + 1, NULL, 16) : 0;
	unsigned long state_number = state ? strtoul(state, NULL, 16) : 32;

	if (!colon || !uid || !inode || state_number > 31 || !(states >> state_number & 1))
		return;
	if (!found || found > UINT16_MAX || (port && found != (unsigned long)port))
		return;
	add_socket(out,
		(struct netdiag_socket){
			.inode = (uint32_t)strtoul(inode, NULL, 10),
			.uid = (uint32_t)strtoul(uid, NULL, 10),
			.port = (uint16_t)found,
		});
}

static int dump_file(
	const char *path, int port, unsigned int states, struct netdiag_sockets *out, struct err *e)
{
	struct buf text = BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return err_sys(e, errno, "cannot read '%s'", path);
	if (file_read_stream(fd, path, PROC_NET_MAX, &text, e) == 0) {
		/* The first line is a heading. */
		for (char *line = strchr(text.ptr, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
			take_proc_line(line + 1, port, states, out);
		rc = 0;
	}
	fd_close(&fd);
	buf_release(&text);
	return rc;
}

static int by_port(const void *left, const void *right)
{
	const struct netdiag_socket *a = left;
	const struct netdiag_socket *b = right;

	return (a->port > b->port) - (a->port < b->port);
}

static int dump(int port, unsigned int states, struct netdiag_sockets *out, struct err *e)
{
	if (dump_netlink(port, states, out) < 0) {
		out->len = 0;
		if (dump_file("/proc/net/tcp", port, states, out, e) < 0)
			return -1;
		(void)dump_file("/proc/net/tcp6", port, states, out, NULL);
	}
	if (out->len)
		qsort(out->items, out->len, sizeof(*out->items), by_port);
	return 0;
}

/* --- questions --- */

int netdiag_listeners(int port, struct netdiag_sockets *out, struct err *e)
{
	return dump(port, 1U << STATE_LISTEN, out, e);
}

const struct netdiag_socket *netdiag_find(const struct netdiag_sockets *sockets, int port)
{
	struct netdiag_socket wanted = { .port = (uint16_t)port };
	const struct netdiag_socket *found = NULL;

	if (sockets->len)
		found = bsearch(&wanted, sockets->items, sockets->len, sizeof(wanted), by_port);
	while (found && found > sockets->items && found[-1].port == found->port)
		found--;
	return found;
}

static int count_in(int port, unsigned int state, size_t *count, struct err *e)
{
	struct netdiag_sockets sockets = NETDIAG_SOCKETS_INIT;
	int rc = dump(port, 1U << state, &sockets, e);

	*count = sockets.len;
	netdiag_release(&sockets);
	return rc;
}

int netdiag_connections(int port, size_t *count, struct err *e)
{
	return count_in(port, STATE_ESTABLISHED, count, e);
}

int netdiag_half_open(int port, size_t *count, struct err *e)
{
	return count_in(port, STATE_SYN_RECV, count, e);
}

int netdiag_connected(int port, struct netdiag_sockets *out, struct err *e)
{
	return dump(port, 1U << STATE_ESTABLISHED, out, e);
}

size_t netdiag_count(const struct netdiag_sockets *sockets, int port)
{
	const struct netdiag_socket *s = netdiag_find(sockets, port);
	size_t count = 0;

	for (; s && s < sockets->items + sockets->len && s->port == port; s++)
		count++;
	return count;
}

static int holder_of(const struct netdiag_sockets *sockets, struct netdiag_holder *holder)
{
	int64_t until = clock_cpu_ms() + NETDIAG_LOOK_MS;

	for (size_t i = 0; i < sockets->len && !holder->pid && clock_cpu_ms() < until; i++) {
		holder->uid = sockets->items[i].uid;
		if (sockets->items[i].inode)
			holder->pid = netdiag_pid_among(sockets->items[i].inode, until);
	}
	if (holder->pid)
		(void)procfs_command(holder->pid, &holder->command, NETDIAG_COMMAND_MAX);
	return sockets->len > 0;
}

int netdiag_holder(int port, struct netdiag_holder *holder, struct err *e)
{
	struct netdiag_sockets sockets = NETDIAG_SOCKETS_INIT;
	int rc = dump(port, 1U << STATE_LISTEN, &sockets, e);

	holder->pid = 0;
	holder->uid = 0;
	buf_clear(&holder->command);
	/* Nobody listens: a process that is bound to it or has a connection from it is in the way as well. */
	if (rc == 0 && !sockets.len)
		rc = dump(port, ALL_HELD, &sockets, e);
	if (rc == 0)
		rc = holder_of(&sockets, holder);
	netdiag_release(&sockets);
	return rc;
}

/* --- which process holds a socket --- */

enum { CLOCK_STEPS = 64 };

/* "socket:[812]" */
static bool socket_of(int folder, const char *name, uint32_t *inode)
{
	static const char start[] = "socket:[";
	char target[64];
	ssize_t len = readlinkat(folder, name, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	if (strncmp(target, start, sizeof(start) - 1) != 0)
		return false;
	*inode = (uint32_t)strtoul(target + sizeof(start) - 1, NULL, 10);
	return true;
}

/* False when there is nothing in the folder, or it cannot be looked at. */
static bool look_into(const char *path, int64_t until, netdiag_visit visit, void *context)
{
	struct dirent *entry = NULL;
	DIR *folder = opendir(path);
	bool goes_on = true;
	bool has_any = false;

	if (!folder)
		return false;
	/* cppcheck-suppress readdirCalled */
	for (int i = 1; goes_on && (entry = readdir(folder)); i++) {
		uint32_t inode = 0;

		if (entry->d_name[0] == '.')
			continue;
		has_any = true;
		if (socket_of(dirfd(folder), entry->d_name, &inode))
			goes_on = visit(context, inode);
		if (i % CLOCK_STEPS == 0)
			goes_on = goes_on && clock_cpu_ms() < until;
	}
	closedir(folder);
	return has_any;
}

/* The first thread has ended and the kernel shows no descriptors of it; the others have them still. */
static void look_into_threads(pid_t pid, int64_t until, netdiag_visit visit, void *context)
{
	char path[64];
	struct dirent *entry = NULL;
	DIR *tasks = NULL;
	bool is_found = false;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	/* cppcheck-suppress readdirCalled */
	while (tasks && !is_found && clock_cpu_ms() < until && (entry = readdir(tasks))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", (int)pid, (int)thread);
		is_found = thread > 0 && thread != pid && look_into(path, until, visit, context);
	}
	if (tasks)
		closedir(tasks);
}

void netdiag_pid_sockets(pid_t pid, int64_t until, netdiag_visit visit, void *context)
{
	char path[32];

	if (clock_cpu_ms() >= until)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (!look_into(path, until, visit, context))
		look_into_threads(pid, until, visit, context);
}

struct wanted {
	uint32_t inode;
	bool is_found;
};

static bool is_another(void *context, uint32_t inode)
{
	struct wanted *wanted = context;

	wanted->is_found = inode == wanted->inode;
	return !wanted->is_found;
}

bool netdiag_pid_holds(pid_t pid, int64_t until, uint32_t inode)
{
	struct wanted wanted = { .inode = inode };

	netdiag_pid_sockets(pid, until, is_another, &wanted);
	return wanted.is_found;
}

pid_t netdiag_pid_of(uint32_t inode)
{
	return netdiag_pid_among(inode, clock_cpu_ms() + NETDIAG_LOOK_MS);
}

pid_t netdiag_pid_among(uint32_t inode, int64_t until)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	if (!proc)
		return 0;
	for (int i = 0; i < NETDIAG_PROCS_MAX && clock_cpu_ms() < until && !found;) {
		/* cppcheck-suppress readdirCalled */
		const struct dirent *entry = readdir(proc);
		pid_t pid = entry ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;

		if (!entry)
			break;
		if (pid <= 0)
			continue;
		i++;
		if (netdiag_pid_holds(pid, until, inode))
			found = pid;
	}
	closedir(proc);
	return found;
}
