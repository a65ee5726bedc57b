/*
 * Strings to pointers, remembered in the order in which they came.  Keys are copied; values are borrowed
 * unless map_release_with() is used.  Looking up costs the same for ten entries and for a million, so a
 * hostile file cannot make it slow by size alone.  Start with MAP_INIT.
 */
#ifndef OX_BASE_MAP_H
#define OX_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key; /* NULL: it was taken out, and its place waits to be closed */
	void *value;
	uint32_t key_len;
	uint32_t hash;
};

struct map {
	struct map_entry *entries; /* in order of arrival; map_at() and MAP_EACH know which are there */
	size_t len;                /* how many are there */
	size_t used;               /* of `entries`, those that were taken out among them */
	size_t cap;
	uint32_t *index; /* open addressing over entries, 0 is empty, else entry + 1 */
	size_t index_cap;
	bool borrows_keys;
};

#define MAP_INIT                                                                                             \
	{                                                                                                    \
		.entries = NULL,                                                                             \
	}

/* The keys are not copied: each lives as long as its entry, as it does where the value has it.  An entry is taken out before its key is freed. */
#define MAP_INIT_BORROWED                                                                                    \
	{                                                                                                    \
		.borrows_keys = true,                                                                        \
	}

/* What is walked over may be taken out meanwhile; nothing may be put in. */
#define MAP_EACH(map, entry)                                                                                 \
	for ((entry) = map_next((map), NULL); (entry); (entry) = map_next((map), (entry)))

void map_release(struct map *m);
void map_release_with(struct map *m, void (*free_value)(void *));
/* The value, or NULL. */
void *map_get(const struct map *m, const char *key);
/* As map_get, for a key of `len` bytes that may hold a '\0'. */
void *map_get_n(const struct map *m, const char *key, size_t len);
/* Puts a value, and gives the one it replaced, or NULL. */
void *map_put(struct map *m, const char *key, void *value);
void *map_put_n(struct map *m, const char *key, size_t len, void *value);
/* Takes an entry out and gives its value, or NULL; the order of the rest stays.  Costs the same for any size. */
void *map_remove(struct map *m, const char *key);
void *map_remove_n(struct map *m, const char *key, size_t len);
/* The one after `entry`, or the first for NULL; NULL at the end. */
struct map_entry *map_next(const struct map *m, const struct map_entry *entry);
/* The one that stands at `place`, below `len`. */
struct map_entry *map_at(const struct map *m, size_t place);

#endif
