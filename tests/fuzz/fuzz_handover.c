/*
 * Whatever one keeper hands to the next: it is refused with words, or every part of it is what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "keeper/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void count(int fd, int flags)
{
	must(fd >= 0 && flags == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover l;
	struct err e = ERR_INIT;

	if (handover_read(&l, (const char *)data, size, &e) < 0) {
		must(e.text.len > 0);
	} else {
		handover_each_fd(&l, count, 1);
		must(*handover_run(&l) == '/');
		must(strlen(handover_run(&l)) <= KEEPER_PATH_MAX);
		handover_release(&l);
	}
	err_release(&e);
	return 0;
}
