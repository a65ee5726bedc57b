#include "base/vec.h"

#include <string.h>

#include "base/mem.h"

void vec_release(struct vec *v)
{
	mem_free(v->items);
	*v = (struct vec)VEC_INIT;
}

void vec_release_with(struct vec *v, void (*free_item)(void *))
{
	for (size_t i = 0; i < v->len; i++)
		free_item(v->items[i]);
	vec_release(v);
}

void vec_push(struct vec *v, void *item)
{
	if (v->len == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 4;
		v->items = mem_resize(v->items, v->cap, sizeof(*v->items));
	}
	v->items[v->len++] = item;
}

void vec_insert(struct vec *v, size_t at, void *item)
{
	vec_push(v, item);
	memmove(v->items + at + 1, v->items + at, (v->len - at - 1) * sizeof(*v->items));
	v->items[at] = item;
}

bool vec_has(const struct vec *v, const void *item)
{
	for (size_t i = 0; i < v->len; i++)
		if (v->items[i] == item)
			return true;
	return false;
}

void *vec_pop(struct vec *v)
{
	return v->len ? v->items[--v->len] : NULL;
}

void *vec_remove(struct vec *v, size_t at)
{
	void *item = v->items[at];

	memmove(v->items + at, v->items + at + 1, (v->len - at - 1) * sizeof(*v->items));
	v->len--;
	return item;
}

void vec_drop(struct vec *v, const void *item)
{
	for (size_t i = v->len; i-- > 0;)
		if (v->items[i] == item)
			vec_remove(v, i);
}

/* Merges two sorted runs that lie side by side; stable, so equal members keep their order. */
static void vec_merge(
	void **from, void **to, const size_t bounds[3], int (*compare)(const void *, const void *))
{
	size_t left = bounds[0];
	size_t right = bounds[1];

	for (size_t i = bounds[0]; i < bounds[2]; i++) {
		int take_left =
			left < bounds[1] && (right >= bounds[2] || compare(from[left], from[right]) <= 0);

		to[i] = take_left ? from[left++] : from[right++];
	}
}

void vec_sort(struct vec *v, int (*compare)(const void *, const void *))
{
	void **spare = mem_zalloc(v->len, sizeof(*spare));

	for (size_t width = 1; width < v->len; width *= 2) {
		for (size_t at = 0; at < v->len; at += 2 * width) {
			size_t middle = at + width < v->len ? at + width : v->len;
			size_t end = middle + width < v->len ? middle + width : v->len;

			vec_merge(v->items, spare, (size_t[]){ at, middle, end }, compare);
		}
		memcpy(v->items, spare, v->len * sizeof(*spare));
	}
	mem_free(spare);
}
