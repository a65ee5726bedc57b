/*
 * Where a process and what comes from it bind and listen, told by the library that it was started with (cmd/liboxgate): it connects for each such call, to
 * an abstract socket that its environment names.  Anybody on the machine may connect; who did is known from the kernel.  What is said must not be believed.
 */
#ifndef OX_OS_PRELOAD_HOOK_H
#define OX_OS_PRELOAD_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "os/bind_hook.h"
#include "os/preload_call.h"

/* A socket to be connected to, close-on-exec and non-blocking, with a name that nobody else has; -1 with errno. */
int preload_hook_open(char name[PRELOAD_NAME_MAX]);
/* The same with the name of one that is gone. */
int preload_hook_open_as(const char *name);
/* The variable for the child's environment; false when it does not fit. */
bool preload_hook_variable(char *out, size_t size, const char *name, const uint16_t *ports, int port_count);

/* The next one who connects, or -1 with errno: EAGAIN. */
int preload_hook_accept(int hook);
/* Who connected, as a pidfd with its pid; -1 when it has ended. */
int preload_hook_peer(int connection, pid_t *pid);
/*
 * Its call.  1: it came, and is to be answered; 0: it has not come yet; -1: it makes no sense, or the caller is gone.  A descriptor that came is in
 * call->socket, and need be no socket; of another kind it may hold up who closes it.
 */
int preload_hook_receive(int connection, struct bind_call *call);
/* A result, or PRELOAD_CONTINUE; with a socket in place of its own unless that is -1. */
void preload_hook_answer(int connection, int number, int given);

#endif
