/*
 * Packed: the kind, then each known field as its number + 1 and its value, then 0; the cause behind it follows.  A whole number takes seven bits a byte,
 * the lowest first, its sign in the lowest bit.
 */
#include "model/reason_pack.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "model/reason_private.h"

_Static_assert(REASON_KIND_COUNT <= 256 && FIELD_COUNT < 256, "a kind or a field is no byte");

struct reader {
	const char *at, *end;
};

/* --- in --------------------------------------------------------------------------------------------------------------- */

static void pack_int(struct buf *out, int64_t value)
{
	uint64_t rest = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);

	for (; rest >= 0x80; rest >>= 7)
		buf_addc(out, (char)(rest | 0x80));
	buf_addc(out, (char)rest);
}

static void pack_field(const struct reason *r, const struct reason_field *f, struct buf *out)
{
	switch (f->type) {
	case NUMBER:
		buf_add(out, reason_at(r, f), sizeof(double));
		break;
	case PORTS:
		buf_add(out, reason_at(r, f), sizeof(struct reason_ports));
		break;
	case WORDS:
	case TEXT:
		buf_add(out, reason_words_at(r, f), strlen(reason_words_at(r, f)) + 1);
		break;
	case BOOL:
		break;
	default:
		pack_int(out, reason_int_at(r, f));
		break;
	}
}

static void pack_one(const struct reason *r, struct buf *out)
{
	buf_addc(out, (char)r->kind);
	for (size_t k = 0; k < FIELD_COUNT; k++) {
		const struct reason_field *f = &reason_fields[k];

		if (!reason_kind_has(r->kind, k) || f->type == CAUSE || !reason_field_is_known(r, f))
			continue;
		buf_addc(out, (char)(k + 1));
		pack_field(r, f, out);
	}
	buf_addc(out, 0);
}

static const struct reason *cause_of(const struct reason *r)
{
	return reason_kind_has_cause(r->kind) ? r->cause : NULL;
}

void reason_pack(const struct reason *r, struct buf *out)
{
	for (int depth = 0; r && depth < REASON_DEPTH_MAX; depth++, r = cause_of(r))
		pack_one(r, out);
}

/* --- out -------------------------------------------------------------------------------------------------------------- */

static int64_t unpack_int(struct reader *in)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	unsigned char byte = 0;

	do {
		byte = (unsigned char)*in->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

static void unpack_bytes(struct reader *in, void *to, size_t size)
{
	memcpy(to, in->at, size);
	in->at += size;
}

static void unpack_field(struct reader *in, struct reason *r, const struct reason_field *f)
{
	void *to = reason_place(r, f);

	switch (f->type) {
	case NUMBER:
		unpack_bytes(in, to, sizeof(double));
		break;
	case PORTS:
		unpack_bytes(in, to, sizeof(struct reason_ports));
		break;
	case WORDS:
	case TEXT:
		*(const char **)to = in->at;
		in->at += strlen(in->at) + 1;
		break;
	case BOOL:
		*(bool *)to = true;
		break;
	default:
		*(int64_t *)to = unpack_int(in);
		break;
	}
}

static void unpack_one(struct reader *in, struct reason *r)
{
	size_t k = 0;

	*r = (struct reason){ .kind = (enum reason_kind)(unsigned char)*in->at++ };
	for (k = 0; k < FIELD_COUNT; k++)
		if (reason_fields[k].type == COUNT && reason_kind_has(r->kind, k))
			*(int64_t *)reason_place(r, &reason_fields[k]) = -1;
	while ((k = (unsigned char)*in->at++))
		unpack_field(in, r, &reason_fields[k - 1]);
}

/* Into `of`, which has room for REASON_DEPTH_MAX. */
static void unpack_chain(const char *bytes, size_t len, struct reason *of)
{
	struct reader in = { .at = bytes, .end = bytes + len };
	int depth = 0;

	for (; in.at < in.end; depth++) {
		ASSERT(depth < REASON_DEPTH_MAX, "a packed reason has more than %d causes", depth);
		unpack_one(&in, &of[depth]);
		if (depth)
			of[depth - 1].cause = &of[depth];
	}
}

const struct reason *reason_unpack(const char *bytes, size_t len, struct reason_chain *room)
{
	unpack_chain(bytes, len, room->of);
	return len ? &room->of[0] : NULL;
}

/* --- copies ----------------------------------------------------------------------------------------------------------- */

/* One piece: the reason, its causes, and their texts behind them. */
struct reason *reason_copy(const struct reason *r)
{
	struct buf packed = BUF_INIT;
	struct reason *copy = NULL;
	size_t count = 0;

	if (!r)
		return NULL;
	reason_pack(r, &packed);
	for (const struct reason *each = r; each && count < REASON_DEPTH_MAX; each = cause_of(each))
		count++;
	copy = mem_alloc(count * sizeof(*copy) + packed.len);
	memcpy(copy + count, packed.ptr, packed.len);
	unpack_chain((const char *)(copy + count), packed.len, copy);
	buf_release(&packed);
	return copy;
}

void reason_free(struct reason *r)
{
	mem_free(r);
}
