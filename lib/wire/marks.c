#include "wire/marks.h"

#include <string.h>

#include "base/path.h"

/* Where the fields lie; what lies between the kind and the check tells a mark from text at a glance. */
enum {
	AT_OFFSET = 0,
	AT_WALL = 8,
	AT_APP = 16,
	AT_RUN = 20,
	AT_INSTANCE = 24,
	AT_KIND = 26,
	AT_SIGN = 27,
	AT_CHECK = 28,
	SIGN = 0xa7,
};

/* FNV-1a: not against malice, but against torn writes and foreign bytes. */
static uint32_t digest(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint32_t h = 2166136261U;

	while (len--)
		h = (h ^ *at++) * 16777619U;
	return h;
}

static void put_bytes_le(char *at, uint64_t value, int bytes)
{
	for (; bytes--; value >>= 8)
		*at++ = (char)(value & 0xff);
}

static uint64_t get_bytes_le(const char *at, int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | (unsigned char)at[bytes];
	return value;
}

uint32_t mark_app(const char *name)
{
	return digest(name, strlen(name));
}

void mark_write(struct buf *out, const struct mark *m)
{
	char bytes[MARK_SIZE];

	put_bytes_le(bytes + AT_OFFSET, m->offset, 8);
	put_bytes_le(bytes + AT_WALL, (uint64_t)m->wall_ms, 8);
	put_bytes_le(bytes + AT_APP, m->app, 4);
	put_bytes_le(bytes + AT_RUN, m->run, 4);
	put_bytes_le(bytes + AT_INSTANCE, m->instance, 2);
	put_bytes_le(bytes + AT_KIND, m->kind, 1);
	put_bytes_le(bytes + AT_SIGN, SIGN, 1);
	put_bytes_le(bytes + AT_CHECK, digest(bytes, AT_CHECK), 4);
	buf_add(out, bytes, sizeof(bytes));
}

bool mark_read(struct mark *m, const char bytes[MARK_SIZE])
{
	uint64_t kind = get_bytes_le(bytes + AT_KIND, 1);

	if (get_bytes_le(bytes + AT_SIGN, 1) != SIGN || kind >= MARK_KIND_COUNT)
		return false;
	if (get_bytes_le(bytes + AT_CHECK, 4) != digest(bytes, AT_CHECK))
		return false;
	*m = (struct mark){
		.offset = get_bytes_le(bytes + AT_OFFSET, 8),
		.wall_ms = (int64_t)get_bytes_le(bytes + AT_WALL, 8),
		.app = (uint32_t)get_bytes_le(bytes + AT_APP, 4),
		.instance = (uint16_t)get_bytes_le(bytes + AT_INSTANCE, 2),
		.kind = (enum mark_kind)kind,
		.run = (uint32_t)get_bytes_le(bytes + AT_RUN, 4),
	};
	return true;
}

bool mark_is_same_source(const struct mark *a, const struct mark *b)
{
	return a->app == b->app && a->instance == b->instance && a->kind == b->kind && a->run == b->run;
}

void marks_path(struct buf *out, const char *log)
{
	const char *base = path_base(log);
	size_t len = strlen(base);

	if (len > 3 && strcmp(base + len - 3, ".gz") == 0)
		len -= 3;
	buf_add(out, log, (size_t)(base - log));
	buf_addc(out, '.');
	buf_add(out, base, len);
	buf_adds(out, ".marks");
}
