/* A name is an app or a namespace, never both. */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "unit.h"

/* web of no namespace, api and job of "back". */
static void two_names(struct fake *f)
{
	fake_init(f);
	fake_app(f, "web", 1);
	fake_app(f, "api", 2)->namespace = mem_strdup("back");
	fake_app(f, "job", 1)->namespace = mem_strdup("back");
	fake_apply(f);
	fake_forget(f);
}

static void a_name_is_an_app_or_a_namespace(void **state)
{
	struct fake f;
	struct err e = ERR_INIT;
	struct vec specs = VEC_INIT;
	struct spec *s = spec_new("back");
	struct herd_apply a = { .specs = &specs, .starts = true };

	(void)state;
	two_names(&f);
	vec_push(&specs, s);
	s->folder = mem_strdup("/");
	assert_int_equal(herd_apply(f.h, &a, f.now, &e), -1);
	assert_string_equal(e.text.ptr,
		"'back' is an app (no oxfile) and the namespace of 'job' (/srv/oxfile.toml); a name can be one of them only, "
		"so rename one");
	mem_free(s->name);
	s->name = mem_strdup("other");
	s->namespace = mem_strdup("web");
	assert_int_equal(herd_apply(f.h, &a, f.now, &e), -1);
	assert_non_null(strstr(
		e.text.ptr, "'web' is an app (/srv/oxfile.toml) and the namespace of 'other' (no oxfile)"));
	assert_null(herd_find(f.h, "other:0"));
	vec_release(&specs);
	spec_free(s);
	err_release(&e);
	fake_release(&f);
}

/* As version 0.1.0 allowed: the namespace "back" is called like the app "web". */
static void an_old_state_with_a_name_of_both_loads(void **state)
{
	struct fake f;
	struct json *j = NULL;
	struct buf text = BUF_INIT;
	struct herd_options options = { .effects = &fake_effects, .context = &f };
	struct herd *old = NULL;
	struct vec found = VEC_INIT;
	const char *web = "web";
	const char both[] = "\"web\" ";

	(void)state;
	two_names(&f);
	j = herd_to_json(f.h);
	json_write(&text, j);
	json_free(j);
	for (char *at = text.ptr; (at = strstr(at, "\"back\"")); at++)
		for (size_t k = 0; k < sizeof(both) - 1; k++)
			at[k] = both[k];
	j = json_parse(text.ptr, text.len, 1000000, NULL);
	old = herd_from_json(j, &options, f.now, NULL);
	assert_non_null(old);
	assert_int_equal(herd_targets(old, &web, 1, &found, NULL), 0);
	assert_int_equal(found.len, 1);
	assert_string_equal(instance_app(found.items[0]), "web");
	vec_release(&found);
	herd_free(old);
	json_free(j);
	buf_release(&text);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a name that would be an app and a namespace is refused, and both places are named",
			a_name_is_an_app_or_a_namespace),
		PROMISE("an old state in which a name is both loads, and the app is meant",
			an_old_state_with_a_name_of_both_loads),
	};

	return cmocka_run_group_tests_name("herd_apps", tests, NULL, NULL);
}
