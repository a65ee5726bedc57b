/* Whether a filter could be installed here, without doing it. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/bind_hook.h"

/* Of Linux 5.0 and 5.6; older headers lack some. */
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif
#ifndef SECCOMP_GET_ACTION_AVAIL
#define SECCOMP_GET_ACTION_AVAIL 2
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* Where it is known, and permitted, it complains of the descriptor. */
static bool may_fetch(void)
{
	return syscall(SYS_pidfd_getfd, -1, -1, 0) < 0 && errno == EBADF;
}

static bool may_read(void)
{
	char from = 1;
	char to = 0;
	struct iovec ours = { .iov_base = &to, .iov_len = 1 };
	struct iovec theirs = { .iov_base = &from, .iov_len = 1 };

	return process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) == 1;
}

bool bind_hook_can(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 && may_fetch() && may_read();
}

static bool has_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	return syscall(SYS_capget, &head, data) == 0 && (data[0].effective >> CAP_SYS_ADMIN & 1U);
}

bool bind_hook_takes_rights(void)
{
	return !has_admin() && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}
