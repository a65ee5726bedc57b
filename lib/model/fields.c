#include "model/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/argv.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/toml.h"

/* Cheaper than strcmp for the many that differ at once. */
static bool is_asked_key(const char *key, const char *asked)
{
	return key[0] == asked[0] && !strcmp(key, asked);
}

static int by_key(const void *left, const void *right)
{
	const struct field *const *a = left;
	const struct field *const *b = right;

	return strcmp((*a)->key, (*b)->key);
}

/* A key is looked up for each line of an oxfile; the table itself is in the order of the manual. */
const struct field *field_find(const char *key)
{
	static const struct field **sorted;
	const struct field wanted = { .key = key };
	const struct field *asked = &wanted;
	const struct field **found = NULL;

	if (!sorted) {
		sorted = mem_zalloc(fields_count, sizeof(const struct field *));
		for (size_t i = 0; i < fields_count; i++)
			sorted[i] = &fields[i];
		qsort(sorted, fields_count, sizeof(const struct field *), by_key);
	}
	found = bsearch(&asked, sorted, fields_count, sizeof(const struct field *), by_key);
	return found ? *found : NULL;
}

const struct field_alias *field_alias_find(const char *key)
{
	for (size_t i = 0; i < field_aliases_count; i++)
		if (is_asked_key(field_aliases[i].key, key))
			return &field_aliases[i];
	return NULL;
}

size_t field_index(const struct field *f)
{
	return (size_t)(f - fields);
}

bool field_is_section(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < fields_count; i++)
		if (fields[i].key[0] == name[0] && !strncmp(fields[i].key, name, len) &&
			fields[i].key[len] == '.')
			return true;
	return false;
}

void *field_member(const struct field *f, struct spec *s)
{
	return (char *)s + f->offset;
}

const void *field_member_const(const struct field *f, const struct spec *s)
{
	return (const char *)s + f->offset;
}

/* --- what each kind does with its member ----------------------------------------------------------- */

static void release_string(void *member)
{
	char **text = member;

	mem_free(*text);
	*text = NULL;
}

static void copy_string(void *to, const void *from)
{
	*(char **)to = mem_strdup(*(char *const *)from);
}

static bool equal_string(const void *a, const void *b)
{
	return str_eq(*(char *const *)a, *(char *const *)b);
}

#define PLAIN(name, type)                                                                                    \
	static void release_##name(void *member)                                                             \
	{                                                                                                    \
		*(type *)member = (type)0;                                                                   \
	}                                                                                                    \
	static void copy_##name(void *to, const void *from)                                                  \
	{                                                                                                    \
		*(type *)to = *(const type *)from;                                                           \
	}                                                                                                    \
	static bool equal_##name(const void *a, const void *b)                                               \
	{                                                                                                    \
		return *(const type *)a == *(const type *)b;                                                 \
	}

PLAIN(bool, bool)
PLAIN(int, int64_t)
PLAIN(number, double)
PLAIN(word, int)

static void release_strings(void *member)
{
	strings_release(member);
}

static void copy_strings(void *to, const void *from)
{
	const struct strings *source = from;
	struct strings copy = { .items = NULL };

	for (size_t i = 0; i < source->len; i++)
		strings_add(&copy, source->items[i]);
	*(struct strings *)to = copy;
}

static bool equal_strings(const void *a, const void *b)
{
	const struct strings *left = a;
	const struct strings *right = b;

	if (left->len != right->len)
		return false;
	for (size_t i = 0; i < left->len; i++)
		if (strcmp(left->items[i], right->items[i]) != 0)
			return false;
	return true;
}

static void release_ints(void *member)
{
	struct ints *ints = member;

	mem_free(ints->items);
	*ints = (struct ints){ .items = NULL };
}

static void copy_ints(void *to, const void *from)
{
	const struct ints *source = from;
	struct ints copy = { .items = NULL };

	if (source->len) {
		copy.items = mem_dup(source->items, source->len * sizeof(*source->items));
		copy.len = source->len;
	}
	*(struct ints *)to = copy;
}

static bool equal_ints(const void *a, const void *b)
{
	const struct ints *left = a;
	const struct ints *right = b;

	return left->len == right->len &&
		(!left->len || !memcmp(left->items, right->items, left->len * sizeof(*left->items)));
}

static void release_count(void *member)
{
	*(struct count *)member = (struct count){ .kind = COUNT_NUMBER };
}

static void copy_count(void *to, const void *from)
{
	*(struct count *)to = *(const struct count *)from;
}

static bool equal_count(const void *a, const void *b)
{
	const struct count *left = a;
	const struct count *right = b;

	return left->kind == right->kind && left->value == right->value;
}

static void release_command(void *member)
{
	command_release(member);
}

static void copy_command_field(void *to, const void *from)
{
	command_copy(to, from);
}

static bool equal_command(const void *a, const void *b)
{
	return argv_equal(((const struct command *)a)->argv, ((const struct command *)b)->argv);
}

static void release_env(void *member)
{
	env_release(member);
}

static void copy_env_field(void *to, const void *from)
{
	env_copy(to, from);
}

static bool equal_env(const void *a, const void *b)
{
	return env_equal(a, b);
}

struct kind_ops {
	void (*release)(void *member); /* frees and zeroes */
	void (*copy)(void *to, const void *from);
	bool (*equal)(const void *a, const void *b);
	bool is_plain; /* no memory of its own */
};

static const struct kind_ops kinds[] = {
	[FIELD_STRING] = { release_string, copy_string, equal_string, false },
	[FIELD_FORMED] = { release_string, copy_string, equal_string, false },
	[FIELD_BOOL] = { release_bool, copy_bool, equal_bool, true },
	[FIELD_INT] = { release_int, copy_int, equal_int, true },
	[FIELD_NUMBER] = { release_number, copy_number, equal_number, true },
	[FIELD_DURATION] = { release_int, copy_int, equal_int, true },
	[FIELD_SIZE] = { release_int, copy_int, equal_int, true },
	[FIELD_WORD] = { release_word, copy_word, equal_word, true },
	[FIELD_STRINGS] = { release_strings, copy_strings, equal_strings, false },
	[FIELD_WATCH] = { release_strings, copy_strings, equal_strings, false },
	[FIELD_INTS] = { release_ints, copy_ints, equal_ints, false },
	[FIELD_COUNT] = { release_count, copy_count, equal_count, true },
	[FIELD_COMMAND] = { release_command, copy_command_field, equal_command, false },
	[FIELD_ENV] = { release_env, copy_env_field, equal_env, false },
};

void field_release(const struct field *f, struct spec *s)
{
	kinds[f->kind].release(field_member(f, s));
}

void field_own(const struct field *f, struct spec *s)
{
	if (!kinds[f->kind].is_plain)
		kinds[f->kind].copy(field_member(f, s), field_member(f, s));
}

void field_copy(const struct field *f, struct spec *to, const struct spec *from)
{
	field_release(f, to);
	kinds[f->kind].copy(field_member(f, to), field_member_const(f, from));
}

bool field_equal(const struct field *f, const struct spec *a, const struct spec *b)
{
	return kinds[f->kind].equal(field_member_const(f, a), field_member_const(f, b));
}

static void read_fallback(const struct field *f, struct spec *s)
{
	struct diags d = DIAGS_INIT;
	struct buf line = BUF_INIT;
	struct toml_value *root = NULL;
	struct field_input in = { .key = f->key, .unit = f->unit };
	const struct field_context ctx = { .d = &d };

	if (!f->fallback)
		return;
	buf_addf(&line, "value = %s", f->fallback);
	root = toml_parse(line.ptr, line.len, &d);
	in.value = root ? toml_get(root, "value") : NULL;
	if (in.value)
		(void)field_read(f, &in, s, &ctx);
	toml_free(root);
	buf_release(&line);
	diags_release(&d);
}

const struct spec *fields_defaults(void)
{
	static struct spec *defaults;

	if (defaults)
		return defaults;
	defaults = mem_zalloc(1, sizeof(*defaults));
	for (size_t i = 0; i < fields_count; i++)
		read_fallback(&fields[i], defaults);
	return defaults;
}

bool field_is_set(const struct field *f, const struct spec *s)
{
	bool is_delay = f->offset == offsetof(struct spec, restart_delay_ms);

	return (is_delay && s->is_delay_written) || !field_equal(f, s, fields_defaults());
}

void field_reset(const struct field *f, struct spec *s)
{
	field_copy(f, s, fields_defaults());
}
