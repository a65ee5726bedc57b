/*
 * Messages to bytes and back, field by field as their tables say.
 */
#include "wire/keeper_msg.h"

#include <string.h>

#include "base/err.h"
#include "wire/keeper_msg_private.h"

/* --- writing --- */

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

/* How many members follow. */
static int put_count(struct buf *out, const struct keeper_msg_field *f, size_t count, struct err *e)
{
	put_decimal(out, count);
	return keeper_check_range(f, (int64_t)count, e);
}

static int put_array(
	struct buf *out, const struct keeper_msg_field *f, const int64_t *items, size_t count, struct err *e)
{
	if (put_count(out, f, count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		put_decimal(out, (uint64_t)items[i]);
	return 0;
}

static int put_descriptors(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const struct keeper_spawn *s = &m->spawn;

	if (put_count(out, f, s->descriptor_count, e) < 0)
		return -1;
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

	if (put_count(out, f, s->rlimit_count, e) < 0)
		return -1;
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
	return put_array(out, f, m->spawn.groups, m->spawn.group_count, e);
}

static int put_cpus(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const uint64_t *words = m->spawn.cpus.words;
	size_t count = CPU_LIST_WORDS;

	while (count && !words[count - 1])
		count--;
	if (put_count(out, f, count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		put_decimal(out, words[i]);
	return 0;
}

static int put_ports(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	return put_array(out, f, m->spawn.ports, m->spawn.port_count, e);
}

static int put_numbers(
	struct buf *out, const struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	struct keeper_numbers numbers;

	memcpy(&numbers, (const char *)m + f->offset, sizeof(numbers));
	if (put_count(out, f, numbers.count, e) < 0)
		return -1;
	buf_add(out, numbers.bytes, numbers.count * KEEPER_NUMBER);
	return 0;
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
	[SHAPE_PORTS] = put_ports,
	[SHAPE_NUMBERS] = put_numbers,
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

/* --- reading --- */

/* What is left of the message. */
struct rest {
	const char *at;
	size_t len;
};

static int get_number(struct rest *r, uint64_t *value)
{
	if (r->len < KEEPER_NUMBER)
		return -1;
	*value = 0;
	for (int i = 0; i < KEEPER_NUMBER; i++)
		*value |= (uint64_t)(unsigned char)r->at[i] << (8 * i);
	r->at += KEEPER_NUMBER;
	r->len -= KEEPER_NUMBER;
	return 0;
}

static int get_signed(struct rest *r, int64_t *value)
{
	uint64_t bits = 0;

	if (get_number(r, &bits) < 0)
		return -1;
	memcpy(value, &bits, sizeof(*value));
	return 0;
}

static const char *get_bytes(struct rest *r, uint64_t len)
{
	const char *bytes = r->at;

	if (len > r->len)
		return NULL;
	r->at += len;
	r->len -= len;
	return bytes;
}

/* Exactly one '\0', at its end. */
static int get_string(struct rest *r, const char **text)
{
	const char *bytes = NULL;
	uint64_t len = 0;

	if (get_number(r, &len) < 0 || !len)
		return -1;
	bytes = get_bytes(r, len);
	if (!bytes || memchr(bytes, '\0', len) != bytes + len - 1)
		return -1;
	*text = bytes;
	return 0;
}

/* A count of members that are each at least one number long. */
static int get_count(struct rest *r, const struct keeper_msg_field *f, size_t *count, struct err *e)
{
	int64_t value = 0;

	if (get_signed(r, &value) < 0)
		return -1;
	if (keeper_check_range(f, value, e) < 0)
		return -1;
	*count = (size_t)value;
	return 0;
}

/* `items` has room for the most that the field may have; their number is set once all are there. */
static int get_array(
	struct rest *r, const struct keeper_msg_field *f, int64_t *items, size_t *into, struct err *e)
{
	size_t count = 0;

	if (get_count(r, f, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (get_signed(r, &items[i]) < 0)
			return -1;
	*into = count;
	return 0;
}

static int get_number_field(
	struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	int64_t value = 0;

	if (get_signed(r, &value) < 0 || keeper_check_range(f, value, e) < 0)
		return -1;
	memcpy((char *)m + f->offset, &value, sizeof(value));
	return 0;
}

static int get_string_field(
	struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	const char *text = NULL;

	if (get_string(r, &text) < 0 || keeper_check_range(f, (int64_t)strlen(text), e) < 0)
		return -1;
	memcpy((char *)m + f->offset, (const void *)&text, sizeof(text));
	return 0;
}

static int get_list(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	struct keeper_list list = { .bytes = NULL };
	uint64_t len = 0;

	if (get_count(r, f, &list.count, e) < 0 || get_number(r, &len) < 0)
		return -1;
	list.bytes = get_bytes(r, len);
	if (!list.bytes)
		return -1;
	list.len = len;
	memcpy((char *)m + f->offset, (const void *)&list, sizeof(list));
	return keeper_check_list(f, &list, e);
}

static int get_descriptors(
	struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	size_t count = 0;

	if (get_count(r, f, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct keeper_descriptor *d = &m->spawn.descriptors[i];

		if (get_signed(r, &d->target) < 0 || get_signed(r, &d->from) < 0 ||
			get_signed(r, &d->index) < 0 || get_string(r, &d->name) < 0)
			return -1;
	}
	m->spawn.descriptor_count = count;
	return 0;
}

static int get_rlimits(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	size_t count = 0;

	if (get_count(r, f, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct keeper_rlimit *limit = &m->spawn.rlimits[i];

		if (get_signed(r, &limit->resource) < 0 || get_number(r, &limit->soft) < 0 ||
			get_number(r, &limit->hard) < 0)
			return -1;
	}
	m->spawn.rlimit_count = count;
	return 0;
}

static int get_groups(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	return get_array(r, f, m->spawn.groups, &m->spawn.group_count, e);
}

static int get_cpus(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	size_t count = 0;

	if (get_count(r, f, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (get_number(r, &m->spawn.cpus.words[i]) < 0)
			return -1;
	return m->spawn.cpus.words[count - 1] ? 0 : -1;
}

static int get_ports(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	return get_array(r, f, m->spawn.ports, &m->spawn.port_count, e);
}

static int get_numbers(struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e)
{
	struct keeper_numbers numbers = { .bytes = NULL };

	if (get_count(r, f, &numbers.count, e) < 0)
		return -1;
	numbers.bytes = get_bytes(r, numbers.count * KEEPER_NUMBER);
	if (!numbers.bytes)
		return -1;
	memcpy((char *)m + f->offset, (const void *)&numbers, sizeof(numbers));
	return 0;
}

static int (*const gets_shape[])(
	struct rest *r, struct keeper_msg *m, const struct keeper_msg_field *f, struct err *e) = {
	[SHAPE_NUMBER] = get_number_field,
	[SHAPE_STRING] = get_string_field,
	[SHAPE_LIST] = get_list,
	[SHAPE_DESCRIPTORS] = get_descriptors,
	[SHAPE_RLIMITS] = get_rlimits,
	[SHAPE_GROUPS] = get_groups,
	[SHAPE_CPUS] = get_cpus,
	[SHAPE_PORTS] = get_ports,
	[SHAPE_NUMBERS] = get_numbers,
};

/* A more exact error stays; else the field that is missing or wrong is named. */
static int get_fields(struct rest *r, struct keeper_msg *m, struct err *e)
{
	for (size_t i = 0; i < KEEPER_FIELD_ROWS; i++) {
		const struct keeper_msg_field *f = &keeper_msg_fields[i];
		struct err why = ERR_INIT;

		if (!(f->part & keeper_msg_parts(m)) || gets_shape[f->shape](r, m, f, &why) == 0)
			continue;
		if (why.text.len)
			err_set(e, "%s", why.text.ptr);
		else
			err_set(e, "%s: cut off or crooked", f->word);
		err_release(&why);
		return -1;
	}
	if (r->len)
		return err_set(e, "%zu bytes too many", r->len);
	return keeper_check_whole(m, e);
}

/* --- numbers --- */

void keeper_numbers_add(struct buf *run, int64_t number)
{
	put_decimal(run, (uint64_t)number);
}

struct keeper_numbers keeper_numbers_of(const struct buf *run)
{
	return (struct keeper_numbers){ .bytes = run->ptr, .count = run->len / KEEPER_NUMBER };
}

int64_t keeper_numbers_at(const struct keeper_numbers *numbers, size_t index)
{
	struct rest r = { .at = numbers->bytes + index * KEEPER_NUMBER, .len = KEEPER_NUMBER };
	int64_t number = 0;

	(void)get_signed(&r, &number);
	return number;
}

int keeper_msg_read(struct keeper_msg *m, const char *bytes, size_t len, struct err *e)
{
	struct rest r = { .at = bytes, .len = len };
	uint64_t kind = 0;
	uint64_t told = 0;

	keeper_msg_init(m, KEEPER_KIND_COUNT);
	if (get_number(&r, &kind) < 0 || get_number(&r, &m->serial) < 0 || get_number(&r, &told) < 0)
		return err_set(e, "a message of %zu bytes has no whole header", len);
	if (kind >= KEEPER_KIND_COUNT)
		return err_set(e, "there is no message of kind %llu", (unsigned long long)kind);
	m->kind = (enum keeper_msg_kind)kind;
	if (len > keeper_msg_size_max(m->kind))
		return err_set(
			e, "a message of %zu bytes is more than %zu", len, keeper_msg_size_max(m->kind));
	if (told != len)
		return err_set(e, "message '%s': says %llu bytes and has %zu", keeper_msg_kind_word(m->kind),
			(unsigned long long)told, len);
	if (get_fields(&r, m, e) < 0)
		return err_prefix(e, "message '%s'", keeper_msg_kind_word(m->kind));
	return 0;
}
