/*
 * Between the ways to check: not for anybody else.
 */
#ifndef OX_SENSE_PROBE_PRIVATE_H
#define OX_SENSE_PROBE_PRIVATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/map.h"
#include "loop/watchers.h"
#include "sense/probe.h"
#include "wire/http.h"

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

/* Where to, and with which mark; one of the two, or none. */
struct probe_way {
	union address to;
	struct in_addr from; /* 0: the kernel's choice */
	int traffic_class;   /* -1: none */
	int64_t inode;       /* of the socket that the mark leads to; 0: the one that listens there */
};

struct probes {
	struct ev_loop *loop;
	struct runner *runner;
	probe_done done;
	void *context;
	struct map by_slot; /* -> struct probe * */
	int link;           /* for netdiag_listener(); -1: there is none */
};

/* One instance: what is known of its sockets, and the check that is under way. */
struct probe {
	struct probes *all;
	struct ticket ticket;
	char *name;
	pid_t pid;
	int64_t own_inode; /* the socket that was found to be its own; 0: none yet */
	int64_t stranger_inode, stranger_at;
	struct reason *stranger;

	bool is_active;
	int64_t started_at, timeout_ms;
	ev_timer due;
	bool is_decided; /* done as soon as the loop turns */
	enum probe_answer answer;
	struct reason *why;

	ev_io io;
	int fd;
	struct probe_way ways[PROBE_HELD_MAX]; /* tried in turn */
	int way_count, way_at;
	bool is_connected, is_loopback;
	struct buf request; /* what is left to send; empty for TCP */
	bool is_http;
	struct http_answer http;

	struct run *run;
};

/* The check is over.  Only from the loop; the probe may be gone afterwards. */
void probe_finish(struct probe *p, enum probe_answer answer, const struct reason *why);
/* The same, while it is being started. */
void probe_decide(struct probe *p, enum probe_answer answer, const struct reason *why);
/* Whatever answered on that way: PROBE_PASSED if it is the instance itself; else `why`, borrowed from the probe, says who it is. */
enum probe_answer probe_judge_owner(struct probe *p, const struct probe_way *way, struct reason *why);

/* The answer where that error kept a check from being made: what is short on our side says nothing about the instance. */
enum probe_answer probe_answer_to(int number);

/* probe_way.c */
/* One more, to an address as it is written. */
void probe_way_add(struct probe *p, bool is_ipv6, const char *host, int port);
/* Those to the sockets that are held, as far as `host` means them; NULL: all.  None where there is none. */
void probe_way_add_held(struct probe *p, const struct probe_helds *held, bool is_ipv6, const char *host);
/* A socket with its mark, not connected yet; -1 with errno. */
int probe_way_open(const struct probe_way *way);
socklen_t probe_way_len(const struct probe_way *way);

/* probe_net.c */
void probe_net_start(struct probe *p, const struct spawn_effect *effect, const struct probe_helds *held);
/* At a timeout: an answer that has arrived still counts; true if it finished the probe. */
bool probe_net_last_look(struct probe *p);
void probe_net_stop(struct probe *p);

/* probe_exec.c */
void probe_exec_start(struct probe *p, const struct spawn_effect *effect, const struct launch_env *caller);
void probe_exec_stop(struct probe *p);

#endif
