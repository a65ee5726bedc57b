#include "os/thread.h"

#include <errno.h>
#include <signal.h>

enum { STACK_SIZE = 256 * 1024 };

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	rc = pthread_create(thread, &attr, run, argument);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = rc;
	return rc ? -1 : 0;
}
