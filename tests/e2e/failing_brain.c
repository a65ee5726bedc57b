/*
 * The brain with an assertion that a test can make fail: no client is to be able to.  Linked in the place of brain_check_home, which follows
 * a SIGUSR1 for the keeper: it fails once for each file of that name in the daemon's folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

void __real_brain_check_home(void *context);
void __wrap_brain_check_home(void *context);

void __wrap_brain_check_home(void *context)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/failing", getenv("OXHERD_HOME"));
	ASSERT(unlink(path) < 0, "a test asked for it");
	__real_brain_check_home(context);
}
