#include "base/map.h"

#include <string.h>

#include "base/mem.h"

/* FNV-1a: short keys, no need to resist more than size; the limits on input bound the rest. */
static uint64_t map_hash(const char *key, size_t len)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)key[i]) * 1099511628211ULL;
	return hash;
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->len; i++)
		mem_free(m->entries[i].key);
	mem_free(m->entries);
	mem_free(m->index);
	*m = (struct map)MAP_INIT;
}

void map_release_with(struct map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->len; i++)
		free_value(m->entries[i].value);
	map_release(m);
}

/* The place in the index that holds the key, or the empty one where it would go. */
static size_t map_slot(const struct map *m, const char *key, size_t len, uint64_t hash)
{
	size_t mask = m->index_cap - 1;
	size_t at = hash & mask;

	while (m->index[at]) {
		const struct map_entry *entry = &m->entries[m->index[at] - 1];

		if (entry->hash == hash && entry->key_len == len && !memcmp(entry->key, key, len))
			break;
		at = (at + 1) & mask;
	}
	return at;
}

static void map_reindex(struct map *m, size_t cap)
{
	mem_free(m->index);
	m->index = mem_zalloc(cap, sizeof(*m->index));
	m->index_cap = cap;
	for (size_t i = 0; i < m->len; i++) {
		const struct map_entry *entry = &m->entries[i];

		m->index[map_slot(m, entry->key, entry->key_len, entry->hash)] = (uint32_t)(i + 1);
	}
}

void *map_get_n(const struct map *m, const char *key, size_t len)
{
	size_t at = 0;

	if (!m->len)
		return NULL;
	at = map_slot(m, key, len, map_hash(key, len));
	return m->index[at] ? m->entries[m->index[at] - 1].value : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	return map_get_n(m, key, strlen(key));
}

void *map_put_n(struct map *m, const char *key, size_t len, void *value)
{
	uint64_t hash = map_hash(key, len);
	size_t at = 0;

	if ((m->len + 1) * 2 > m->index_cap)
		map_reindex(m, m->index_cap ? m->index_cap * 2 : 16);
	at = map_slot(m, key, len, hash);
	if (m->index[at]) {
		struct map_entry *entry = &m->entries[m->index[at] - 1];
		void *old = entry->value;

		entry->value = value;
		return old;
	}
	if (m->len == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->entries = mem_resize(m->entries, m->cap, sizeof(*m->entries));
	}
	m->entries[m->len] = (struct map_entry){
		.key = mem_alloc(len + 1),
		.key_len = len,
		.value = value,
		.hash = hash,
	};
	memcpy(m->entries[m->len].key, key, len);
	m->entries[m->len].key[len] = '\0';
	m->index[at] = (uint32_t)++m->len;
	return NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
	return map_put_n(m, key, strlen(key), value);
}

void *map_remove(struct map *m, const char *key)
{
	size_t at = 0;
	size_t entry = 0;
	void *value = NULL;

	if (!m->len)
		return NULL;
	at = map_slot(m, key, strlen(key), map_hash(key, strlen(key)));
	if (!m->index[at])
		return NULL;
	entry = m->index[at] - 1;
	value = m->entries[entry].value;
	mem_free(m->entries[entry].key);
	memmove(m->entries + entry, m->entries + entry + 1, (m->len - entry - 1) * sizeof(*m->entries));
	m->len--;
	map_reindex(m, m->index_cap);
	return value;
}
