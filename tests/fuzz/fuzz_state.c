/*
 * Whatever stands in the state file: it is refused with a word, or it is a herd that can be saved again.  The first byte says how it is taken: as
 * the file, or as what the file holds, so that no checksum keeps the rest from being reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "herd/herd.h"
#include "journal/store_format.h"

enum { STATE_MAX = 1 << 20, HERE_MS = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_herd(const struct json *j)
{
	static const struct herd_effects none;
	const struct herd_options options = { .effects = &none, .seed = 1, .cpus = 2 };
	struct err e = ERR_INIT;
	struct herd *h = herd_from_json(j, &options, HERE_MS, &e);

	if (h)
		json_free(herd_to_json(h));
	else
		must(e.text.len > 0);
	herd_free(h);
	err_release(&e);
}

static void try_snapshot(const struct buf *text)
{
	struct store_head head = { .serial = 0 };
	const char *why = NULL;
	struct json *j = store_read_snapshot(text, &head, &why);

	must(j || (why && *why));
	json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT;
	struct json *j = NULL;

	if (!size)
		return 0;
	buf_add(&text, data + 1, size - 1);
	if (data[0] % 4 == 0) {
		try_snapshot(&text);
	} else {
		j = json_parse(text.ptr, text.len, STATE_MAX, NULL);
		if (j)
			try_herd(j);
		json_free(j);
	}
	buf_release(&text);
	return 0;
}
