/*
 * Listening TCP sockets that share an address by SO_REUSEPORT: the kernel keeps them in a list, in the order in which they began to listen, and a program
 * says which of them gets a connection.  When one stops listening the last one of the list takes its index.
 */
#ifndef OX_OS_REUSEPORT_H
#define OX_OS_REUSEPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sockets with the same address stand in one list.  Compared as bytes. */
struct tcp_address {
	uint16_t family, port;
	uint16_t is_only_v6; /* of "::" alone: the kernel sets it by itself on other ones */
	uint16_t unused;
	uint32_t device; /* that it is bound to; 0: any */
	uint8_t bytes[16];
};

enum tcp_kind {
	TCP_NONE, /* no TCP socket */
	TCP_PLAIN,
	TCP_MULTIPATH, /* MPTCP: the kernel gives these no program */
};

enum tcp_kind reuseport_kind(int fd);
/* Where it is bound; -1 with errno.  Port 0: nowhere. */
int reuseport_address(int fd, struct tcp_address *out);
/* Where a bind(2) of this socket with these bytes would bind it; -1 for what is no such address. */
int reuseport_address_of(int fd, const void *bytes, size_t len, struct tcp_address *out);
bool tcp_address_equal(const struct tcp_address *a, const struct tcp_address *b);
/* Can a connection reach either of them? */
bool tcp_address_overlaps(const struct tcp_address *a, const struct tcp_address *b);
/* Does it take connections over IPv4? */
bool tcp_address_takes_ipv4(const struct tcp_address *a);
/* A plain TCP socket as that one is, for its owner: not bound, close-on-exec.  -1 with errno. */
int reuseport_plain(int fd);

/* It may share its address; also one that is bound already.  -1 with errno. */
int reuseport_share(int fd);
/* As the owner of `other`: the kernel lets an address be shared by sockets of one user only.  -1 with errno. */
int reuseport_own_as(int fd, int other);
bool reuseport_listens(int fd);
/* It listens, or could: it is no connection, nor becomes one. */
bool reuseport_may_listen(int fd);
/* Connections that nobody has accepted yet; -1 with errno. */
int reuseport_queue(int fd);
/* Accepts and closes at most so many of them. */
void reuseport_reset_queue(int fd, int most);
/*
 * The program of its list from now on: struct sock_filter, so many.  It listens already; and it could share its address before.  -1 with errno.
 */
int reuseport_attach(int fd, const void *steps, size_t count);
/* No program: the kernel chooses by a hash. */
int reuseport_detach(int fd);
/* It leaves the list, also where others have it open. */
void reuseport_stop(int fd);
/* Closes it, sets it to -1, and does not wait where its process has made a connection of it that lingers. */
void reuseport_close(int *fd);

#endif
