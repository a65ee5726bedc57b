/*
 * Whatever one keeper hands to the next: it is refused with words, or every part of it is what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "keeper/luggage.h"

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
	struct luggage l;
	struct err e = ERR_INIT;

	if (luggage_read(&l, (const char *)data, size, &e) < 0) {
		must(e.text.len > 0);
	} else {
		luggage_each_fd(&l, count, 1);
		must(*luggage_run(&l) == '/');
		must(strlen(luggage_run(&l)) <= KEEP_PATH_MAX);
		luggage_release(&l);
	}
	err_release(&e);
	return 0;
}
