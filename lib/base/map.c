#include "base/map.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* FNV-1a: short keys, no need to resist more than size; the limits on input bound the rest. */
static uint32_t map_hash(const char *key, size_t len)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)key[i]) * 1099511628211ULL;
	return (uint32_t)hash;
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->used && !m->borrows_keys; i++)
		mem_free(m->entries[i].key);
	mem_free(m->entries);
	mem_free(m->index);
	*m = (struct map){ .borrows_keys = m->borrows_keys };
}

void map_release_with(struct map *m, void (*free_value)(void *))
{
	const struct map_entry *entry = NULL;

	MAP_EACH (m, entry)
		free_value(entry->value);
	map_release(m);
}

/* Up to here a look at every entry is as quick as an index, and costs no memory. */
enum { SMALL = 8 };

static bool is_entry(const struct map_entry *entry, const char *key, size_t len, uint32_t hash)
{
	return entry->hash == hash && entry->key_len == len && entry->key && !memcmp(entry->key, key, len);
}

/* The place in the index that holds the key, or the empty one where it would go. */
static size_t map_slot(const struct map *m, const char *key, size_t len, uint32_t hash)
{
	size_t mask = m->index_cap - 1;
	size_t at = hash & mask;

	while (m->index[at] && !is_entry(&m->entries[m->index[at] - 1], key, len, hash))
		at = (at + 1) & mask;
	return at;
}

static struct map_entry *map_find(const struct map *m, const char *key, size_t len, uint32_t hash)
{
	size_t at = 0;

	if (m->index_cap) {
		at = map_slot(m, key, len, hash);
		return m->index[at] ? &m->entries[m->index[at] - 1] : NULL;
	}
	while (at < m->used && !is_entry(&m->entries[at], key, len, hash))
		at++;
	return at < m->used ? &m->entries[at] : NULL;
}

static void map_reindex(struct map *m, size_t cap)
{
	mem_free(m->index);
	m->index = mem_zalloc(cap, sizeof(*m->index));
	m->index_cap = cap;
	for (size_t i = 0; i < m->used; i++) {
		const struct map_entry *entry = &m->entries[i];

		if (entry->key)
			m->index[map_slot(m, entry->key, entry->key_len, entry->hash)] = (uint32_t)(i + 1);
	}
}

/* Closes the places of those that were taken out, in order. */
static void map_close_up(struct map *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[kept++] = m->entries[i];
	m->used = kept;
	if (m->index_cap)
		map_reindex(m, m->index_cap);
}

/* As many were taken out as are left before it is worth the walk. */
static void map_make_room(struct map *m)
{
	if (m->used < m->cap)
		return;
	if (m->used - m->len > m->used / 2) {
		map_close_up(m);
		return;
	}
	m->cap = m->cap ? m->cap * 2 : 4;
	m->entries = mem_resize(m->entries, m->cap, sizeof(*m->entries));
}

void *map_get_n(const struct map *m, const char *key, size_t len)
{
	const struct map_entry *entry = m->len ? map_find(m, key, len, map_hash(key, len)) : NULL;

	return entry ? entry->value : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	return map_get_n(m, key, strlen(key));
}

static char *copy_key(const char *key, size_t len)
{
	char *copy = mem_alloc(len + 1);

	memcpy(copy, key, len);
	copy[len] = '\0';
	return copy;
}

static void map_append(struct map *m, const char *key, size_t len, uint32_t hash, void *value)
{
	struct map_entry *entry = NULL;

	map_make_room(m);
	entry = &m->entries[m->used++];
	m->len++;
	*entry = (struct map_entry){
		.key = m->borrows_keys ? (char *)key : copy_key(key, len),
		.value = value,
		.key_len = (uint32_t)len,
		.hash = hash,
	};
	if (m->used > SMALL && m->len * 2 > m->index_cap)
		map_reindex(m, m->index_cap ? m->index_cap * 2 : 4 * (size_t)SMALL);
	else if (m->index_cap)
		m->index[map_slot(m, key, len, hash)] = (uint32_t)m->used;
}

void *map_put_n(struct map *m, const char *key, size_t len, void *value)
{
	uint32_t hash = map_hash(key, len);
	struct map_entry *entry = map_find(m, key, len, hash);
	void *old = NULL;

	if (!entry) {
		map_append(m, key, len, hash, value);
		return NULL;
	}
	old = entry->value;
	entry->value = value;
	return old;
}

void *map_put(struct map *m, const char *key, void *value)
{
	return map_put_n(m, key, strlen(key), value);
}

/* An entry behind an emptied position of the index moves up if a lookup would pass that position. */
static void map_unindex(struct map *m, const struct map_entry *entry)
{
	size_t mask = m->index_cap - 1;
	size_t hole = map_slot(m, entry->key, entry->key_len, entry->hash);

	m->index[hole] = 0;
	for (size_t at = (hole + 1) & mask; m->index[at]; at = (at + 1) & mask) {
		size_t home = m->entries[m->index[at] - 1].hash & mask;

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		m->index[hole] = m->index[at];
		m->index[at] = 0;
		hole = at;
	}
}

void *map_remove_n(struct map *m, const char *key, size_t len)
{
	struct map_entry *entry = m->len ? map_find(m, key, len, map_hash(key, len)) : NULL;
	void *value = NULL;

	if (!entry)
		return NULL;
	if (m->index_cap)
		map_unindex(m, entry);
	value = entry->value;
	if (!m->borrows_keys)
		mem_free(entry->key);
	*entry = (struct map_entry){ .key = NULL };
	m->len--;
	/* The last place needs no closing, and an empty map begins anew. */
	while (m->used && !m->entries[m->used - 1].key)
		m->used--;
	return value;
}

struct map_entry *map_next(const struct map *m, const struct map_entry *entry)
{
	size_t at = entry ? (size_t)(entry - m->entries) + 1 : 0;

	while (at < m->used && !m->entries[at].key)
		at++;
	return at < m->used ? &m->entries[at] : NULL;
}

struct map_entry *map_at(const struct map *m, size_t place)
{
	struct map_entry *entry = NULL;

	if (m->used == m->len)
		return &m->entries[place];
	entry = map_next(m, NULL);
	while (place--)
		entry = map_next(m, entry);
	return entry;
}

void *map_remove(struct map *m, const char *key)
{
	return map_remove_n(m, key, strlen(key));
}
