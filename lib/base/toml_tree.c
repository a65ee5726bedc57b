#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "base/toml_private.h"

/* Values and strings are cut from chunks of this size, so that a file costs a few allocations and not thousands. */
enum { CHUNK_SIZE = 16 * 1024 };

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char bytes[];
};

void *toml_take(struct toml_tree *t, size_t size)
{
	struct chunk *chunk = t->chunks;
	size_t whole = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);

	if (!chunk || chunk->size - chunk->used < whole) {
		size_t room = whole > CHUNK_SIZE ? whole : CHUNK_SIZE;

		chunk = mem_alloc(sizeof(*chunk) + room);
		*chunk = (struct chunk){ .next = t->chunks, .size = room };
		t->chunks = chunk;
	}
	chunk->used += whole;
	return chunk->bytes + chunk->used - whole;
}

const char *toml_keep(struct toml_tree *t, const char *bytes, size_t len)
{
	char *copy = toml_take(t, len + 1);

	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

struct toml_value *toml_value_new(struct toml_tree *t, enum toml_type type, struct place at)
{
	struct toml_value *v = toml_take(t, sizeof(*v));

	*v = (struct toml_value){ .type = type, .at = at };
	return v;
}

static struct branch *branch_new(struct toml_tree *t, enum branch_kind kind, int depth)
{
	struct branch *b = toml_take(t, sizeof(*b));

	*b = (struct branch){ .next = t->branches, .kind = kind, .depth = depth };
	t->branches = b;
	return b;
}

struct toml_value *toml_branch_new(
	struct toml_reader *r, enum toml_type type, enum branch_kind kind, struct place at, int depth)
{
	struct toml_value *v = NULL;

	if (depth > TOML_DEPTH_MAX) {
		diags_error(r->d, at, "nested too deep: at most %d tables and arrays may lie in each other",
			TOML_DEPTH_MAX);
		return NULL;
	}
	v = toml_value_new(r->tree, type, at);
	v->as.branch = branch_new(r->tree, kind, depth);
	return v;
}

struct toml_tree *toml_tree_new(void)
{
	struct toml_tree *t = mem_zalloc(1, sizeof(*t));

	t->root = (struct toml_value){ .type = TOML_TABLE, .at = { .line = 1, .column = 1 } };
	t->root.as.branch = branch_new(t, BRANCH_HEADER, 0);
	return t;
}

void toml_free(struct toml_value *root)
{
	struct toml_tree *t = (struct toml_tree *)root;

	if (!t)
		return;
	for (struct branch *b = t->branches; b; b = b->next) {
		map_release(&b->members);
		vec_release(&b->items);
	}
	while (t->chunks) {
		struct chunk *next = t->chunks->next;

		mem_free(t->chunks);
		t->chunks = next;
	}
	mem_free(t);
}

enum toml_type toml_type(const struct toml_value *v)
{
	return v->type;
}

const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {
		[TOML_STRING] = "a string",
		[TOML_INTEGER] = "an integer",
		[TOML_FLOAT] = "a decimal number",
		[TOML_BOOL] = "a boolean",
		[TOML_DATETIME] = "a date and time",
		[TOML_LOCAL_DATETIME] = "a date and time",
		[TOML_LOCAL_DATE] = "a date",
		[TOML_LOCAL_TIME] = "a time",
		[TOML_ARRAY] = "an array",
		[TOML_TABLE] = "a table",
	};

	return names[type];
}

struct place toml_place(const struct toml_value *v)
{
	return v->at;
}

const char *toml_string(const struct toml_value *v, size_t *len)
{
	if (len)
		*len = v->as.string.len;
	return v->as.string.bytes;
}

int64_t toml_integer(const struct toml_value *v)
{
	return v->as.integer;
}

double toml_float(const struct toml_value *v)
{
	return v->as.number;
}

bool toml_bool(const struct toml_value *v)
{
	return v->as.truth;
}

const struct toml_datetime *toml_datetime(const struct toml_value *v)
{
	return v->as.when;
}

size_t toml_count(const struct toml_value *v)
{
	return v->type == TOML_TABLE ? v->as.branch->members.len : v->as.branch->items.len;
}

const struct toml_value *toml_at(const struct toml_value *v, size_t i)
{
	return v->type == TOML_TABLE ? map_at(&v->as.branch->members, i)->value
				     : v->as.branch->items.items[i];
}

const char *toml_key(const struct toml_value *table, size_t i, size_t *len)
{
	const struct map_entry *entry = map_at(&table->as.branch->members, i);

	if (len)
		*len = entry->key_len;
	return entry->key;
}

struct place toml_key_place(const struct toml_value *table, size_t i)
{
	return toml_at(table, i)->key_at;
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
	return map_get(&table->as.branch->members, key);
}
