/*
 * Where a process and all that come from it bind and listen: a seccomp filter makes these two calls wait until somebody else has answered them.  The others
 * are not touched; binds of UNIX sockets, of netlink and others, whose addresses have other lengths, are not seen.  What it says of the process must not be
 * believed: it may run, change its memory, close its descriptors and end while it is looked at.
 *
 * Calls of another processor's kind (as of a 32-bit program) and of io_uring pass by.
 */
#ifndef OX_OS_BIND_HOOK_H
#define OX_OS_BIND_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { BIND_HOOK_ADDRESS_MAX = 128 };

struct msghdr;

struct bind_call {
	uint64_t id;
	pid_t pid;  /* of the process; before bind_hook_take_up() it may be that of a thread */
	int target; /* the number of its descriptor */
	int socket; /* the same for us; -1: it cannot be had */
	bool is_listen, is_shutdown; /* else it is a bind */
	int backlog;
	uint64_t at, size; /* where its address is, in the memory of the process */
	size_t len;        /* of the address; 0: it cannot be read */
	unsigned char address[BIND_HOOK_ADDRESS_MAX];
};

/*
 * Between fork and exec: from now on.  The listener, close-on-exec, or -1 with errno: ENOSYS where this is not known, EBUSY when there is such a filter
 * already.  Who has no right to it gives up the rights of setuid programs for it.
 */
int bind_hook_install(void);
/* Could a child of ours, and do we get at its calls?  As far as can be known without trying. */
bool bind_hook_can(void);
/* Would it give up the rights of setuid programs for it, which it has now? */
bool bind_hook_takes_rights(void);

/* Where /proc shows a listener among the descriptors of a process; and is this one? */
#define BIND_HOOK_LINK "anon_inode:seccomp notify"
bool bind_hook_is_listener(int fd);
/* Before the first bind_hook_receive(): it sets a handler for SIGALRM. */
void bind_hook_prepare(void);
/*
 * The next call.  1: there is one, to be taken up at once, continued or answered, then released; nobody else can receive it any more, so who may be killed
 * notes it before anything else.  0: there is none.  -1 with errno: ENOTCONN, nobody has the filter any more;
 * EBUSY, somebody else takes the calls.  It never waits for longer than a moment.
 */
int bind_hook_receive(int listener, struct bind_call *call);
/* Of a call that was received, perhaps by another reader: its process, its socket and its address.  False: nobody waits. */
bool bind_hook_take_up(int listener, struct bind_call *call);
void bind_hook_release(struct bind_call *call);
/*
 * Closing what a process may have sent, and receiving it, as the kernel closes what does not fit: where that is the last descriptor of a connection that
 * lingers, it waits for no longer than a moment.
 */
void bind_hook_close(int *fd);
/* As recvmsg, never waiting; descriptors are close-on-exec. */
ssize_t bind_hook_take(int fd, struct msghdr *msg);
/* Is the one who called still waiting?  Then `pid` is its own. */
bool bind_hook_is_valid(int listener, const struct bind_call *call);
/* The kernel carries it out as if there was no filter. */
void bind_hook_continue(int listener, const struct bind_call *call);
/* It has the result 0, or this error. */
void bind_hook_answer(int listener, const struct bind_call *call, int number);
/* Puts a descriptor of ours in place of the process' own: close-on-exec and non-blocking as that one is.  -1 with errno. */
int bind_hook_replace(int listener, const struct bind_call *call, int fd);

#endif
