/*
 * Whatever a service says of itself: what is kept is bounded and printable, what is understood makes sense, and a channel says the same in any pieces.
 * The first byte says how large the pieces are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static void try_datagram(const char *bytes, size_t len)
{
	struct notice n;
	bool is_any = notice_read(&n, bytes, len);
	bool has_any = n.is_ready || n.is_reloading || n.is_stopping || n.is_alive || n.is_sick ||
		n.has_status || n.extend_ms || n.watchdog_ms;

	must(is_any == has_any);
	must(n.extend_ms >= 0 && n.extend_ms <= NOTICE_TIME_MAX_MS);
	must(n.watchdog_ms >= 0 && n.watchdog_ms <= NOTICE_TIME_MAX_MS);
	must(memchr(n.status, '\0', sizeof(n.status)) != NULL);
	for (const char *at = n.status; *at; at++)
		must((unsigned char)*at >= 0x20 && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel_line whole = { .len = 0 };
	struct channel_line parts = { .len = 0 };
	const char *bytes = (const char *)data + 1;
	bool is_ready = false;
	bool was_ready = false;

	if (!size)
		return 0;
	try_datagram(bytes, size - 1);
	is_ready = channel_feed(&whole, bytes, size - 1);
	for (size_t at = 0, piece = 1 + data[0] % 7; at < size - 1; at += piece)
		was_ready |= channel_feed(&parts, bytes + at, size - 1 - at < piece ? size - 1 - at : piece);
	must(is_ready == was_ready);
	must(whole.len == parts.len && whole.len <= sizeof(whole.bytes));
	return 0;
}
