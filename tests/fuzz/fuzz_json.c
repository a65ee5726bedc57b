/*
 * Any bytes as JSON: refused with words, or read; and what was read is written as a text that is read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

enum { SIZE = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void write_and_read(const struct json *j, void (*write)(struct buf *, const struct json *))
{
	struct buf first = BUF_INIT;
	struct buf second = BUF_INIT;
	struct json *again = NULL;

	write(&first, j);
	again = json_parse(first.ptr, first.len, (size_t)-1, NULL);
	if (!again)
		abort();
	write(&second, again);
	if (first.len != second.len || memcmp(first.ptr, second.ptr, first.len) != 0)
		abort();
	json_free(again);
	buf_release(&first);
	buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse((const char *)bytes, len, SIZE, &e);
	struct json *copy = NULL;

	if (!j != (e.text.len > 0))
		abort();
	if (j) {
		copy = json_clone(j);
		write_and_read(j, json_write);
		write_and_read(copy, json_write_pretty);
	}
	json_free(copy);
	json_free(j);
	err_release(&e);
	return 0;
}
