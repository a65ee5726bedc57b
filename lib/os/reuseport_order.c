#include "os/reuseport_order.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "os/reuseport.h"

/* Of Linux 4.12 and 4.20; older headers lack some. */
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

enum {
	HOPS = 1, /* of a trial: nothing that comes from elsewhere has so few */
	TRIALS_LEAST = 2,
	TRIALS_MOST = 200,
	WAIT_MS = 50, /* for one of them to arrive */
	DROPS = 8,    /* SK_MEMINFO_DROPS */
	MEMINFO_MAX = 16,
	FROM_IP_HEADER = -0x100000,
	IPV4_HOPS = 8,
	IPV6_HOPS = 7,
};

/* Where a trial connects to. */
union target {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct search {
	const int *fds;
	size_t count;
	union target to;
	int echo;
	bool may[REUSEPORT_ORDER_MAX]; /* could be the one, after the trials so far */
	bool is_placed[REUSEPORT_ORDER_MAX];
	uint32_t drops[REUSEPORT_ORDER_MAX];
};

/* Too large for a stack. */
static struct search search;
static int least_hops[REUSEPORT_ORDER_MAX][2];

/* --- what the sockets drop --- */

static uint32_t drops_of(int fd)
{
	uint32_t values[MEMINFO_MAX] = { 0 };
	socklen_t len = sizeof(values);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &len) < 0 ? 0 : values[DROPS];
}

static void set_least(int fd, int level, int name, int *before, int value)
{
	socklen_t len = sizeof(*before);

	/* An IPv4 socket has none of IPv6. */
	if (before && getsockopt(fd, level, name, before, &len) < 0)
		*before = 0;
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void refuse_trials(const struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		set_least(s->fds[i], IPPROTO_IP, IP_MINTTL, &least_hops[i][0], HOPS + 1);
		set_least(s->fds[i], IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least_hops[i][1], HOPS + 1);
	}
}

static void set_back(const struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		set_least(s->fds[i], IPPROTO_IP, IP_MINTTL, NULL, least_hops[i][0]);
		set_least(s->fds[i], IPPROTO_IPV6, IPV6_MINHOPCOUNT, NULL, least_hops[i][1]);
	}
}

/* --- trials --- */

#define LOAD_BYTE(offset)      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(FROM_IP_HEADER + (offset)))
#define EQUAL(number, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), (yes), (no))

/* Trials go to that index, all others to any. */
static int attach(const struct search *s, size_t index)
{
	const struct sock_filter steps[] = {
		LOAD_BYTE(0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		EQUAL(6, 2, 0),
		LOAD_BYTE(IPV4_HOPS),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		LOAD_BYTE(IPV6_HOPS),
		EQUAL(HOPS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, (uint32_t)index),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)s->count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	return reuseport_attach(s->fds[0], steps, sizeof(steps) / sizeof(steps[0]));
}

/* On its way; -1 with errno. */
static int begin_trial(const union target *to)
{
	int is_v6 = to->any.sa_family == AF_INET6;
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int hops = HOPS;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops,
		    sizeof(hops)) == 0 &&
		connect(fd, &to->any, is_v6 ? sizeof(to->v6) : sizeof(to->v4)) < 0 && errno == EINPROGRESS)
		return fd;
	fd_close(&fd);
	return -1;
}

/* A socket that sends to itself. */
static int open_echo(void)
{
	union target own = { .v4 = { .sin_family = AF_INET } };
	socklen_t len = sizeof(own.v4);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	own.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 &&
		(bind(fd, &own.any, len) < 0 || getsockname(fd, &own.any, &len) < 0 ||
			connect(fd, &own.any, len) < 0))
		fd_close(&fd);
	return fd;
}

/* What was sent before has arrived when this has: on one machine packets do not overtake each other. */
static bool flush(int echo)
{
	struct pollfd wait = { .fd = echo, .events = POLLIN };
	char byte = 0;

	return send(echo, &byte, 1, 0) == 1 && poll(&wait, 1, WAIT_MS) == 1 && recv(echo, &byte, 1, 0) == 1;
}

/* Of those that could be the one, those that have dropped something now.  False: somebody else got it, or nobody. */
static bool try_once(struct search *s)
{
	struct pollfd wait = { .events = POLLOUT };
	bool is_lost = true;

	for (size_t i = 0; i < s->count; i++)
		if (s->may[i])
			s->drops[i] = drops_of(s->fds[i]);
	wait.fd = begin_trial(&s->to);
	if (wait.fd >= 0)
		is_lost = !flush(s->echo) || poll(&wait, 1, 0) != 0;
	fd_close(&wait.fd);
	for (size_t i = 0; !is_lost && i < s->count; i++)
		s->may[i] = s->may[i] && drops_of(s->fds[i]) != s->drops[i];
	return !is_lost;
}

/* Others drop packets too, as they are overrun: the right one does so every time.  -1: nobody, or one that has another index. */
static int find(struct search *s)
{
	int found = -1;

	for (size_t i = 0; i < s->count; i++)
		s->may[i] = true;
	for (int trial = 1; trial <= TRIALS_MOST && try_once(s); trial++) {
		size_t left = 0;

		for (size_t i = 0; i < s->count; i++) {
			left += s->may[i];
			found = s->may[i] ? (int)i : found;
		}
		if (!left)
			return -1;
		if (left == 1 && trial >= TRIALS_LEAST)
			return s->is_placed[found] ? -1 : found;
	}
	return -1;
}

static int find_all(struct search *s, int *order)
{
	memset(s->is_placed, 0, sizeof(s->is_placed));
	for (size_t i = 0; i < s->count; i++) {
		if (attach(s, i) < 0)
			return -1;
		order[i] = find(s);
		if (order[i] < 0) {
			errno = EAGAIN;
			return -1;
		}
		s->is_placed[order[i]] = true;
	}
	return 0;
}

/* --- where to --- */

static bool is_any(const struct tcp_address *a)
{
	static const uint8_t any[sizeof(a->bytes)];

	return !memcmp(a->bytes, any, sizeof(any));
}

static bool is_mapped(const struct tcp_address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return a->family == AF_INET6 && !memcmp(a->bytes, mapped, sizeof(mapped));
}

static union target target_v4(const struct tcp_address *a, uint32_t address)
{
	union target to = { .v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) } };

	to.v4.sin_addr.s_addr = htonl(address);
	return to;
}

static union target target_v6(const struct tcp_address *a)
{
	union target to = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) } };

	memcpy(&to.v6.sin6_addr, a->bytes, sizeof(a->bytes));
	if (is_any(a))
		to.v6.sin6_addr = in6addr_loopback;
	if (IN6_IS_ADDR_LINKLOCAL(&to.v6.sin6_addr))
		to.v6.sin6_scope_id = a->device;
	return to;
}

/* What leads there; of an address that takes all, one that no other list is likely to have comes last. */
static size_t targets_of(const struct tcp_address *a, union target to[3])
{
	size_t count = 0;
	uint32_t address = 0;

	if (a->family == AF_INET6 && !is_mapped(a)) {
		to[count++] = target_v6(a);
		if (!is_any(a) || a->is_only_v6)
			return count;
	}
	if (is_any(a)) {
		to[count++] = target_v4(a, INADDR_LOOPBACK);
		to[count++] = target_v4(a, INADDR_LOOPBACK + 0x4c0000);
		return count;
	}
	memcpy(&address, a->bytes + (a->family == AF_INET6 ? 12 : 0), sizeof(address));
	to[count++] = target_v4(a, ntohl(address));
	return count;
}

int reuseport_order(const int *fds, size_t count, const struct tcp_address *address, int *order)
{
	struct search *s = &search;
	union target to[3];
	size_t targets = targets_of(address, to);
	int number = 0;
	int rc = -1;

	if (!count || count > REUSEPORT_ORDER_MAX) {
		errno = EINVAL;
		return -1;
	}
	s->fds = fds;
	s->count = count;
	s->echo = open_echo();
	if (s->echo < 0)
		return -1;
	refuse_trials(s);
	for (size_t i = 0; rc < 0 && i < targets; i++) {
		s->to = to[i];
		rc = find_all(s, order);
		number = errno;
	}
	set_back(s);
	fd_close(&s->echo);
	errno = number;
	return rc;
}
