/*
 * A growable row of pointers, in the order in which they came.  It borrows what it holds unless its owner
 * says otherwise; vec_release_with() frees the members too.  Start with VEC_INIT.
 */
#ifndef OX_BASE_VEC_H
#define OX_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

struct vec {
	void **items;
	size_t len;
	size_t cap;
};

#define VEC_INIT                                                                                             \
	{                                                                                                    \
		.items = NULL,                                                                               \
	}

/* for each member: `item` is a pointer variable of the caller's, set in turn. */
#define VEC_EACH(vec, i, item) for ((i) = 0; (i) < (vec)->len && ((item) = (vec)->items[i], 1); (i)++)

void vec_release(struct vec *v);
void vec_release_with(struct vec *v, void (*free_item)(void *));
void vec_push(struct vec *v, void *item);
/* Those from there on move up by one. */
void vec_insert(struct vec *v, size_t at, void *item);
bool vec_has(const struct vec *v, const void *item);
/* The last one, or NULL. */
void *vec_pop(struct vec *v);
/* Takes out one member, keeping the order of the rest. */
void *vec_remove(struct vec *v, size_t at);
/* The same with that one, wherever it is; nothing where it is not. */
void vec_drop(struct vec *v, const void *item);
/* `compare` gets two members (not pointers to them). */
void vec_sort(struct vec *v, int (*compare)(const void *, const void *));

#endif
