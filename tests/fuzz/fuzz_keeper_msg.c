/*
 * Whatever comes over the keeper's socket is refused with words, or is a message that is written again byte for byte.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/keeper_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Every string ends inside the message. */
static void walk(const struct keeper_list *list)
{
	const char *text = NULL;
	size_t count = 0;

	while ((text = keeper_list_next(list, text)))
		count++;
	must(count == list->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keeper_msg m;
	struct err e = ERR_INIT;
	struct buf again = BUF_INIT;

	if (keeper_msg_read(&m, (const char *)data, size, &e) < 0) {
		must(e.text.len > 0);
	} else {
		walk(&m.spawn.programs);
		walk(&m.spawn.argv);
		walk(&m.spawn.env);
		must(keeper_msg_write(&again, &m, NULL) == 0);
		must(again.len == size && !memcmp(again.ptr, data, size));
	}
	buf_release(&again);
	err_release(&e);
	return 0;
}
