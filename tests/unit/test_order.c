#include "model/order.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "unit.h"

static void free_spec(void *spec)
{
	spec_free(spec);
}

/* "api:db,cache" is an app and what it depends on. */
static void add(struct vec *specs, const char *text)
{
	size_t len = strcspn(text, ":");
	char *name = mem_strndup(text, len);
	struct spec *s = spec_new(name);
	const char *at = text + len + (text[len] == ':');

	while (*at) {
		char *need = mem_strndup(at, strcspn(at, ","));

		strings_add(&s->depends_on, need);
		at += strlen(need) + (at[strlen(need)] == ',');
		mem_free(need);
	}
	mem_free(name);
	vec_push(specs, s);
}

/* "db/0 api/1", or the complaints. */
static char *order_of(const char *const *texts, size_t count)
{
	struct vec specs = VEC_INIT;
	struct vec ordered = VEC_INIT;
	struct diags d = DIAGS_INIT;
	struct buf out = BUF_INIT;
	int *levels = mem_zalloc(count + 1, sizeof(*levels));
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		add(&specs, texts[i]);
	rc = order_specs(&specs, &ordered, levels, &d);
	for (size_t i = 0; i < ordered.len && rc == 0; i++)
		buf_addf(&out, "%s%s/%d", i ? " " : "", ((struct spec *)ordered.items[i])->name, levels[i]);
	for (size_t i = 0; i < d.list.len; i++)
		buf_addf(&out, "%s%s", i ? "; " : "", ((struct diag *)d.list.items[i])->text);
	vec_release_with(&specs, free_spec);
	vec_release(&ordered);
	diags_release(&d);
	mem_free(levels);
	return buf_detach(&out);
}

static void what_is_needed_comes_first(void **state)
{
	static const char *const apps[] = { "web:api,cache", "api:db", "cache", "db", "lone" };
	char *order = order_of(apps, 5);

	(void)state;
	assert_string_equal(order, "cache/0 db/0 lone/0 api/1 web/2");
	mem_free(order);
}

static void a_circle_is_told_once_as_a_chain(void **state)
{
	static const char *const two[] = { "api:db", "db:api", "web:api" };
	static const char *const self[] = { "api:api" };
	static const char *const both[] = { "a:b", "b:a", "c:d", "d:e", "e:c", "f" };
	char *order = order_of(two, 3);

	(void)state;
	assert_string_equal(order, "dependencies go round in a circle: api -> db -> api");
	mem_free(order);
	order = order_of(self, 1);
	assert_string_equal(order, "dependencies go round in a circle: api -> api");
	mem_free(order);
	order = order_of(both, 6);
	assert_string_equal(order,
		"dependencies go round in a circle: a -> b -> a; "
		"dependencies go round in a circle: c -> d -> e -> c");
	mem_free(order);
}

static void a_name_that_is_not_there_is_told(void **state)
{
	static const char *const apps[] = { "api:dbb", "db" };
	char *order = order_of(apps, 2);

	(void)state;
	assert_string_equal(order, "'api' depends on 'dbb', which is not defined");
	mem_free(order);
}

static void start_order_decides_within_a_level(void **state)
{
	struct vec specs = VEC_INIT;
	struct vec ordered = VEC_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	add(&specs, "a");
	add(&specs, "b");
	add(&specs, "c");
	((struct spec *)specs.items[2])->start_order = -1;
	assert_int_equal(order_specs(&specs, &ordered, NULL, &d), 0);
	assert_string_equal(((struct spec *)ordered.items[0])->name, "c");
	assert_string_equal(((struct spec *)ordered.items[1])->name, "a");
	vec_release_with(&specs, free_spec);
	vec_release(&ordered);
	diags_release(&d);
}

static void a_needed_app_that_is_disabled_is_an_error(void **state)
{
	struct vec specs = VEC_INIT;
	struct vec ordered = VEC_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	add(&specs, "a:b");
	add(&specs, "b");
	((struct spec *)specs.items[1])->disabled = true;
	assert_int_equal(order_specs(&specs, &ordered, NULL, &d), -1);
	assert_string_equal(((struct diag *)d.list.items[0])->text, "'a' depends on 'b', which is disabled");
	vec_release_with(&specs, free_spec);
	vec_release(&ordered);
	diags_release(&d);
}

static void a_chain_of_ten_thousand_is_ordered(void **state)
{
	struct vec specs = VEC_INIT;
	struct vec ordered = VEC_INIT;
	struct diags d = DIAGS_INIT;
	enum { LONG = 10000 };
	char text[64];

	(void)state;
	for (int i = 0; i < LONG; i++) {
		snprintf(text, sizeof(text), i + 1 < LONG ? "a%d:a%d" : "a%d", i, i + 1);
		add(&specs, text);
	}
	assert_int_equal(order_specs(&specs, &ordered, NULL, &d), 0);
	assert_string_equal(((struct spec *)ordered.items[0])->name, "a9999");
	assert_string_equal(((struct spec *)ordered.items[LONG - 1])->name, "a0");
	vec_release_with(&specs, free_spec);
	vec_release(&ordered);
	diags_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what an app depends on comes before it", what_is_needed_comes_first),
		PROMISE("a circle of dependencies is reported once, as a chain",
			a_circle_is_told_once_as_a_chain),
		PROMISE("a dependency that is not defined is reported", a_name_that_is_not_there_is_told),
		PROMISE("start_order decides among apps that could start together",
			start_order_decides_within_a_level),
		PROMISE("an app cannot depend on a disabled one", a_needed_app_that_is_disabled_is_an_error),
		PROMISE("a chain of ten thousand apps is ordered", a_chain_of_ten_thousand_is_ordered),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
