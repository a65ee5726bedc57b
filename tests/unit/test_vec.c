#include "base/vec.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

static int numbers[1000];

static int compare_tens(const void *a, const void *b)
{
	return *(const int *)a / 10 - *(const int *)b / 10;
}

static void push_all(struct vec *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vec_push(v, &numbers[i]);
}

static void keeps_the_order(void **state)
{
	struct vec v = VEC_INIT;
	const int *item = NULL;
	size_t i = 0;
	size_t seen = 0;

	(void)state;
	push_all(&v, 1000);
	VEC_EACH (&v, i, item) {
		assert_ptr_equal(item, &numbers[i]);
		seen++;
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(v.len, 1000);
	vec_release(&v);
	assert_int_equal(v.len, 0);
	vec_release(&v);
}

static void walks_nothing_when_empty(void **state)
{
	struct vec v = VEC_INIT;
	const void *item = NULL;
	size_t i = 0;

	(void)state;
	VEC_EACH (&v, i, item)
		fail();
	assert_null(item);
	assert_null(vec_pop(&v));
	vec_sort(&v, compare_tens);
	vec_release(&v);
}

static void pops_from_its_end(void **state)
{
	struct vec v = VEC_INIT;

	(void)state;
	push_all(&v, 3);
	assert_ptr_equal(vec_pop(&v), &numbers[2]);
	assert_ptr_equal(vec_pop(&v), &numbers[1]);
	vec_push(&v, &numbers[9]);
	assert_ptr_equal(vec_pop(&v), &numbers[9]);
	assert_ptr_equal(vec_pop(&v), &numbers[0]);
	assert_null(vec_pop(&v));
	vec_release(&v);
}

static void closes_the_gap(void **state)
{
	struct vec v = VEC_INIT;

	(void)state;
	push_all(&v, 4);
	assert_ptr_equal(vec_remove(&v, 1), &numbers[1]);
	assert_ptr_equal(vec_remove(&v, 2), &numbers[3]);
	assert_ptr_equal(vec_remove(&v, 0), &numbers[0]);
	assert_int_equal(v.len, 1);
	assert_ptr_equal(v.items[0], &numbers[2]);
	vec_release(&v);
}

static void sorts_stably(void **state)
{
	/* Around the widths at which runs are merged. */
	static const size_t lengths[] = { 1, 2, 3, 7, 8, 9, 31, 64, 65, 1000 };

	(void)state;
	for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
		struct vec v = VEC_INIT;

		for (size_t i = 0; i < lengths[k]; i++)
			numbers[i] = (int)(i * 7919 % 1009);
		push_all(&v, lengths[k]);
		vec_sort(&v, compare_tens);
		assert_int_equal(v.len, lengths[k]);
		for (size_t i = 1; i < v.len; i++) {
			int order = compare_tens(v.items[i - 1], v.items[i]);

			/* Equal ones stand as they came: by address. */
			assert_true(order < 0 || (order == 0 && (int *)v.items[i - 1] < (int *)v.items[i]));
		}
		vec_release(&v);
	}
}

static void knows_its_members(void **state)
{
	struct vec v = VEC_INIT;
	int in = 1;
	int out = 2;

	(void)state;
	assert_false(vec_has(&v, &in));
	vec_push(&v, &in);
	assert_true(vec_has(&v, &in));
	assert_false(vec_has(&v, &out));
	vec_release(&v);
}

static void takes_a_place_between_others(void **state)
{
	struct vec v = VEC_INIT;
	int places[] = { 0, 1, 2, 3 };

	(void)state;
	vec_insert(&v, 0, &places[2]);
	vec_insert(&v, 0, &places[0]);
	vec_insert(&v, 1, &places[1]);
	vec_insert(&v, 3, &places[3]);
	for (size_t i = 0; i < v.len; i++)
		assert_ptr_equal(v.items[i], &places[i]);
	vec_drop(&v, &places[1]);
	vec_drop(&v, &places[1]);
	assert_int_equal(v.len, 3);
	assert_ptr_equal(v.items[1], &places[2]);
	vec_release(&v);
}

static void frees_its_members(void **state)
{
	struct vec v = VEC_INIT;

	(void)state;
	for (int i = 0; i < 20; i++)
		vec_push(&v, mem_strdup("member"));
	vec_release_with(&v, mem_free);
	assert_int_equal(v.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a vec keeps its members in the order in which they came", keeps_the_order),
		PROMISE("an empty vec has nothing to walk, pop or sort", walks_nothing_when_empty),
		PROMISE("the last one in is the first one popped", pops_from_its_end),
		PROMISE("taking one out closes the gap", closes_the_gap),
		PROMISE("sorting leaves equal members in their order", sorts_stably),
		PROMISE("a vec has what was put into it, and nothing else", knows_its_members),
		PROMISE("what is inserted stands at its place, and what is dropped is gone",
			takes_a_place_between_others),
		PROMISE("a vec that owns its members frees them", frees_its_members),
	};

	return cmocka_run_group_tests_name("vec", tests, NULL, NULL);
}
