/* What people call apps, instances and namespaces. */
#include "model/selector.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/spec.h"
#include "unit.h"

/* "api", or "api/back" with its namespace. */
static void add(struct vec *specs, const char *text)
{
	const char *slash = strchr(text, '/');
	char *name = mem_strndup(text, slash ? (size_t)(slash - text) : strlen(text));
	struct spec *s = spec_new(name);

	if (slash)
		s->namespace = mem_strdup(slash + 1);
	vec_push(specs, s);
	mem_free(name);
}

static void release(struct vec *specs)
{
	vec_release_with(specs, (void (*)(void *))spec_free);
}

static void expect(const char *text, const char *words, const char *names)
{
	struct vec specs = VEC_INIT;
	bool marks[8] = { false };
	struct buf found = BUF_INIT;
	size_t count = 0;

	for (const char *at = words; *at; at += strspn(at, " ")) {
		char *word = mem_strndup(at, strcspn(at, " "));

		add(&specs, word);
		at += strlen(word);
		mem_free(word);
	}
	count = selector_mark(text, &specs, marks);
	for (size_t i = 0; i < specs.len; i++) {
		if (marks[i])
			buf_addf(&found, "%s%s", found.len ? " " : "", ((struct spec *)specs.items[i])->name);
		count -= marks[i];
	}
	assert_string_equal(found.ptr, names);
	assert_int_equal(count, 0);
	buf_release(&found);
	release(&specs);
}

static void names(void **state)
{
	const char *town = "web/edge api/back worker/back job";

	(void)state;
	expect("api", town, "api");
	expect("back", town, "api worker");
	expect("all", town, "web api worker job");
	expect("api:1", town, "");
	expect("ap", town, "");
	expect("", town, "");
}

static void both(void **state)
{
	(void)state;
	expect("web", "web api/web worker/web", "web");
	expect("web", "web/web api/web", "web");
	expect("web", "api/web worker/web", "api worker");
}

static void instances(void **state)
{
	static const char *const others[] = { "api", "api:", ":2", "api:x", "api:-1", "api:+1", "api:1x",
		"api:10000", "api:99999999999999999999", "" };
	size_t len = 0;
	int number = -1;

	(void)state;
	assert_true(selector_instance("api:2", &len, &number));
	assert_int_equal(len, 3);
	assert_int_equal(number, 2);
	assert_true(selector_instance("a.b-c:9999", &len, &number));
	assert_int_equal(len, 5);
	assert_int_equal(number, 9999);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(selector_instance(others[i], &len, &number));
}

static void bad_names(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(selector_check_name("an app", "all", &e), -1);
	assert_string_equal(
		e.text.ptr, "an app cannot be called 'all': every command takes that for all apps");
	assert_int_equal(selector_check_name("a namespace", "api:2", &e), -1);
	assert_string_equal(
		e.text.ptr, "a namespace cannot be called 'api:2': that is what instances are called");
	assert_int_equal(selector_check_name("a namespace", "my group", NULL), 0);
	assert_int_equal(selector_check_name("an app", "allow", NULL), 0);
	err_release(&e);
}

static void clashes(void **state)
{
	struct vec specs = VEC_INIT;
	const struct spec *web = NULL;
	const struct spec *api = NULL;
	const struct spec *job = NULL;

	(void)state;
	add(&specs, "web");
	add(&specs, "api/web");
	add(&specs, "job/job");
	web = specs.items[0];
	api = specs.items[1];
	job = specs.items[2];
	assert_string_equal(selector_clash(web, api), "web");
	assert_string_equal(selector_clash(api, web), "web");
	assert_null(selector_clash(web, job));
	assert_null(selector_clash(api, api));
	assert_string_equal(selector_clash(job, job), "job");
	release(&specs);
}

static void guesses(void **state)
{
	struct vec specs = VEC_INIT;
	struct str_guess guess = { .typed = "bakc" };

	(void)state;
	add(&specs, "api/back");
	selector_guess(&guess, &specs);
	assert_string_equal(guess.best, "back");
	release(&specs);
}

static void one_or_whole(void **state)
{
	(void)state;
	assert_true(selector_means_instance("api:1", false, "api", 1, NULL));
	assert_false(selector_means_instance("api:1", false, "api", 2, NULL));
	assert_false(selector_means_instance("api:1", false, "ap", 1, NULL));
	assert_false(selector_means_instance("api:1", false, "apis", 1, NULL));
	assert_true(selector_means_instance("api", true, "api", 1, NULL));
	assert_true(selector_means_instance("back", false, "api", 1, "back"));
	assert_true(selector_means_instance("all", false, "api", 1, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a name means its app, or every app of its namespace; 'all' means every app", names),
		PROMISE("where an old state has an app and a namespace of one name, the app is meant", both),
		PROMISE("a name, a colon and a number is an instance, and nothing else is", instances),
		PROMISE("an instance is meant by its own name, and by what means its app", one_or_whole),
		PROMISE("no app and no namespace is called 'all', or like an instance", bad_names),
		PROMISE("an app and a namespace of one name are found, whichever comes first", clashes),
		PROMISE("a mistyped name finds apps and namespaces", guesses),
	};

	return cmocka_run_group_tests_name("selector", tests, NULL, NULL);
}
