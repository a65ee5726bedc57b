#include "wire/keeper_msg.h"

#include <string.h>

#include "base/err.h"
#include "wire/keeper_msg_private.h"

static void put_decimal(struct buf *out, uint64_t value)
{
	char bytes[KEEPER_NUMBER];

	for (int i = 0; i < KEEPER_NUMBER; i++)
		bytes[i] = (char)(unsigned char)(value >> (8 * i));
	buf_add(out, bytes, sizeof(bytes));
}

static void put_string(struct buf *out, const char *text)
{
	size_t len = strlen(text) + 1;

	put_decimal(out, len);
	buf_add(out, text, len);
}

static int put_number_field(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	int64_t value = 0;

	memcpy(&value, (const char *)m + f->offset, sizeof(value));
	put_decimal(out, (uint64_t)value);
	return keeper_check_range(f, value, e);
}

static int put_string_field(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const char *text = NULL;

	memcpy(&text, (const char *)m + f->offset, sizeof(text));
	put_string(out, text);
	return keeper_check_range(f, (int64_t)strlen(text), e);
}

static int put_list(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	struct keeper_list list;

	memcpy(&list, (const char *)m + f->offset, sizeof(list));
	put_decimal(out, list.count);
	put_decimal(out, list.len);
	buf_add(out, list.bytes, list.len);
	return keeper_check_list(f, &list, e);
}

static int put_descriptors(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const struct keeper_spawn *s = &m->spawn;

	if (keeper_check_range(f, (int64_t)s->descriptor_count, e) < 0)
		return -1;
	put_decimal(out, s->descriptor_count);
	for (size_t i = 0; i < s->descriptor_count; i++) {
		put_decimal(out, (uint64_t)s->descriptors[i].target);
		put_decimal(out, (uint64_t)s->descriptors[i].from);
		put_decimal(out, (uint64_t)s->descriptors[i].index);
		put_string(out, s->descriptors[i].name);
	}
	return 0;
}

static int put_rlimits(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const struct keeper_spawn *s = &m->spawn;

	if (keeper_check_range(f, (int64_t)s->rlimit_count, e) < 0)
		return -1;
	put_decimal(out, s->rlimit_count);
	for (size_t i = 0; i < s->rlimit_count; i++) {
		put_decimal(out, (uint64_t)s->rlimits[i].resource);
		put_decimal(out, s->rlimits[i].soft);
		put_decimal(out, s->rlimits[i].hard);
	}
	return 0;
}

static int put_groups(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const struct keeper_spawn *s = &m->spawn;

	if (keeper_check_range(f, (int64_t)s->group_count, e) < 0)
		return -1;
	put_decimal(out, s->group_count);
	for (size_t i = 0; i < s->group_count; i++)
		put_decimal(out, (uint64_t)s->groups[i]);
	return 0;
}

static int put_cpus(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const uint64_t *words = m->spawn.cpus.words;
	size_t count = CPU_LIST_WORDS;

	while (count && !words[count - 1])
		count--;
	put_decimal(out, count);
	for (size_t i = 0; i < count; i++)
		put_decimal(out, words[i]);
	return keeper_check_range(f, (int64_t)count, e);
}

static int (*const puts_shape[])(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e) = {
	[SHAPE_NUMBER] = put_number_field,
	[SHAPE_STRING] = put_string_field,
	[SHAPE_LIST] = put_list,
	[SHAPE_DESCRIPTORS] = put_descriptors,
	[SHAPE_RLIMITS] = put_rlimits,
	[SHAPE_GROUPS] = put_groups,
	[SHAPE_CPUS] = put_cpus,
};

static int put_fields(struct buf *out, const struct keeper_msg *m, struct err *e)
{
	for (size_t i = 0; i < KEEPER_FIELD_ROWS; i++) {
		const struct keeper_msg_field *f = &keeper_msg_fields[i];

		if ((f->part & keeper_msg_parts(m)) && puts_shape[f->shape](out, m, f, e) < 0)
			return -1;
	}
	return 0;
}

/* The length stands in the header, and is known last. */
static void put_length(struct buf *out, size_t start)
{
	struct buf length = BUF_INIT;

	put_decimal(&length, out->len - start);
	memcpy(out->ptr + start + KEEPER_HEADER - KEEPER_NUMBER, length.ptr, KEEPER_NUMBER);
	buf_release(&length);
}

int keeper_msg_write(struct buf *out, const struct keeper_msg *m, struct err *e)
{
	size_t start = out->len;

	if (m->kind >= KEEPER_KIND_COUNT)
		return err_set(e, "there is no message of kind %d", (int)m->kind);
	put_decimal(out, m->kind);
	put_decimal(out, m->serial);
	put_decimal(out, 0);
	if (put_fields(out, m, e) < 0 || keeper_check_whole(m, e) < 0)
		goto undo;
	if (out->len - start > keeper_msg_size_max(m->kind)) {
		err_set(e, "it takes %zu bytes, more than %zu", out->len - start,
			keeper_msg_size_max(m->kind));
		goto undo;
	}
	put_length(out, start);
	return 0;
undo:
	buf_cut(out, start);
	return err_prefix(e, "message '%s'", keeper_msg_kind_word(m->kind));
}
