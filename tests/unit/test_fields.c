#include "model/fields.h"

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/toml.h"
#include "unit.h"

static void every_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < fields_count; i++) {
		const struct field *f = &fields[i];
		size_t len = strlen(f->doc);

		assert_true(len > 10 && f->doc[len - 1] == '.');
		assert_null(field_alias_find(f->key));
		assert_ptr_equal(field_find(f->key), f);
		assert_int_equal(f->kind == FIELD_WORD, f->words != NULL);
		assert_true(f->min <= f->max);
	}
}

static void every_fallback_reads_as_a_user_would_write_it(void **state)
{
	struct spec *s = spec_new("a");
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < fields_count; i++) {
		if (!fields[i].fallback || fields[i].kind == FIELD_DURATION || fields[i].kind == FIELD_SIZE)
			continue;
		buf_clear(&text);
		field_print(&fields[i], s, &text);
		assert_string_equal(text.ptr, fields[i].fallback);
	}
	buf_release(&text);
	spec_free(s);
}

/* Processor time of a hundred rounds. */
static double cost(void (*what)(void))
{
	clock_t begin = clock();

	for (int i = 0; i < 100; i++)
		what();
	return (double)(clock() - begin);
}

static void parse_defaults(void)
{
	struct diags d = DIAGS_INIT;
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < fields_count; i++) {
		if (!fields[i].fallback)
			continue;
		buf_clear(&line);
		buf_addf(&line, "value = %s", fields[i].fallback);
		toml_free(toml_parse(line.ptr, line.len, &d));
	}
	buf_release(&line);
	diags_release(&d);
}

static void remember_one(void)
{
	struct spec *s = spec_new("api");

	json_free(spec_to_json(s));
	spec_free(s);
}

static void defaults_are_parsed_once(void **state)
{
	(void)state;
	assert_ptr_equal(fields_defaults(), fields_defaults());
	assert_true(cost(remember_one) < cost(parse_defaults) / 2);
}

static void every_alias_leads_to_a_row_or_a_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < field_aliases_count; i++) {
		const struct field_alias *alias = &field_aliases[i];

		if (alias->how == ALIAS_SECTION)
			assert_true(field_is_section(alias->of));
		else
			assert_non_null(field_find(alias->of));
	}
}

/* One spec with something unusual in a row of every kind. */
static struct spec *unusual(void)
{
	struct spec *s = spec_new("api");

	s->folder = mem_strdup("/srv/ü");
	assert_int_equal(command_from_line(&s->command, "node 'a b'.js", NULL), 0);
	s->instances = (struct count){ .kind = COUNT_MAX, .value = -1 };
	s->port = 3000;
	s->restart = RESTART_ALWAYS;
	s->limits.cpu_percent = 12.5;
	s->limits.memory_bytes = 1LL << 40;
	s->disabled = true;
	s->stop_timeout_ms = 123456789;
	strings_add(&s->depends_on, "db");
	s->stop_exit_codes.items = mem_zalloc(1, sizeof(int64_t));
	s->stop_exit_codes.items[0] = 143;
	s->stop_exit_codes.len = 1;
	env_put(&s->env, "A", "line\nbreak");
	env_put(&s->env, "B", "");
	env_put(&s->file_env, "C", "1");
	return s;
}

static void a_clone_is_equal_until_a_row_changes(void **state)
{
	struct spec *s = unusual();
	struct spec *copy = spec_clone(s);

	(void)state;
	assert_true(spec_equal(s, copy));
	env_put(&copy->env, "B", "x");
	assert_false(spec_equal(s, copy));
	env_put(&copy->env, "B", "");
	assert_true(spec_equal(s, copy));
	copy->stop_exit_codes.items[0] = 1;
	assert_false(spec_equal(s, copy));
	spec_free(copy);
	spec_free(s);
}

static void a_spec_survives_json(void **state)
{
	struct spec *s = unusual();
	struct json *j = spec_to_json(s);
	struct buf text = BUF_INIT;
	struct json *again = NULL;
	struct spec *back = NULL;
	struct err e = ERR_INIT;

	(void)state;
	json_write(&text, j);
	again = json_parse(text.ptr, text.len, 1 << 20, &e);
	assert_non_null(again);
	back = spec_from_json(again, &e);
	assert_string_equal(e.text.ptr, "");
	assert_non_null(back);
	assert_true(spec_equal(s, back));
	assert_string_equal(back->command.argv[1], "a b.js");
	json_free(j);
	json_free(again);
	buf_release(&text);
	spec_free(s);
	spec_free(back);
}

static void a_remembered_spec_of_the_wrong_shape_is_refused_with_words(void **state)
{
	static const struct {
		const char *json;
		const char *words;
	} cases[] = {
		{ "{}", "a remembered app has no name" },
		{ "{\"name\":\"../x\"}", "the name '../x' may hold letters, digits, '-', '_' and '.' only" },
		{ "{\"name\":\"a\",\"spec\":{\"port\":\"x\"}}",
			"a: the remembered value of 'port' has the wrong type" },
		{ "{\"name\":\"a\",\"spec\":{\"nothing\":1}}", "a: there is no key 'nothing'" },
		{ "{\"name\":\"a\",\"spec\":{\"restart\":99}}",
			"a: the remembered value of 'restart' has the wrong type" },
		{ "{\"name\":\"a\",\"spec\":{\"env\":[]}}",
			"a: the remembered value of 'env' has the wrong type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *j = json_parse(cases[i].json, strlen(cases[i].json), 1024, NULL);
		struct err e = ERR_INIT;

		assert_non_null(j);
		assert_null(spec_from_json(j, &e));
		assert_string_equal(e.text.ptr, cases[i].words);
		err_release(&e);
		json_free(j);
	}
}

static void a_remembered_number_that_nobody_could_write_is_brought_within_its_bounds(void **state)
{
	static const char text[] =
		"{\"name\":\"a\",\"spec\":{\"health_check.interval_secs\":0,\"health_check.timeout_secs\":-5,"
		"\"health_check.healthy_threshold\":0,\"deploy.surge\":-1,\"port_step\":100000,"
		"\"limits.cpu_percent\":-2.5,\"stop_timeout_ms\":0,\"port\":0}}";
	struct json *j = json_parse(text, strlen(text), 1024, NULL);
	struct spec *s = NULL;

	(void)state;
	assert_non_null(j);
	s = spec_from_json(j, NULL);
	assert_non_null(s);
	assert_int_equal(s->health.interval_ms, 1);
	assert_int_equal(s->health.timeout_ms, 1);
	assert_int_equal(s->health.healthy_threshold, 1);
	assert_int_equal(s->deploy.surge, FIELD_AUTO_VALUE);
	assert_int_equal(s->port_step, 10000);
	assert_true(s->limits.cpu_percent >= 0);
	assert_int_equal(s->stop_timeout_ms, 0);
	assert_int_equal(s->port, 0);
	spec_free(s);
	json_free(j);
}

static void durations_and_sizes_are_read_and_printed(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
		const char *printed;
	} times[] = {
		{ "250ms", 250, "250ms" }, { "10s", 10000, "10s" },   { "5m", 300000, "5m" },	   { "1h", 3600000, "1h" },
		{ "1h30m", 5400000, "90m" }, { "1.5s", 1500, "1500ms" }, { "0s", 0, "0ms" },	   { "2 days", 172800000, "2d" },
		{ "10S", 10000, "10s" },
	}, sizes[] = {
		{ "512M", 512LL << 20, "512M" }, { "1G", 1LL << 30, "1G" },   { "64K", 65536, "64K" },
		{ "1024B", 1024, "1K" },	 { "1.5G", 1536LL << 20, "1536M" }, { "300mb", 300LL << 20, "300M" },
		{ "7B", 7, "7B" },
	};
	static const char *const bad[] = { "", "10", "s", "10x", "-5s", "5s extra", "99999999999999999999s",
		"1e3s", " 5s" };
	struct buf out = BUF_INIT;
	int64_t value = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		assert_true(duration_parse(times[i].text, &value));
		assert_int_equal(value, times[i].value);
		buf_clear(&out);
		duration_print(value, &out);
		assert_string_equal(out.ptr, times[i].printed);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_true(size_parse(sizes[i].text, &value));
		assert_int_equal(value, sizes[i].value);
		buf_clear(&out);
		size_print(value, &out);
		assert_string_equal(out.ptr, sizes[i].printed);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(duration_parse(bad[i], &value));
		assert_false(size_parse(bad[i], &value));
	}
	buf_release(&out);
}

static void signals_are_known_by_their_names(void **state)
{
	static const struct {
		const char *text;
		const char *name;
	} cases[] = {
		{ "SIGTERM", "SIGTERM" },
		{ "term", "SIGTERM" },
		{ "Usr2", "SIGUSR2" },
		{ "SIGRTMIN", "SIGRTMIN" },
		{ "RTMIN+3", "SIGRTMIN+3" },
		{ "SIGRTMAX-1", "SIGRTMAX-1" },
		{ "SIGFOO", NULL },
		{ "", NULL },
		{ "15", NULL },
		{ "RTMIN+99", NULL },
		{ "RTMIN-1", NULL },
		{ "SIGTERMINATE", NULL },
		{ "RTMIN+", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *name = signal_parse(cases[i].text);

		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
		else
			assert_null(name);
		mem_free(name);
	}
}

static void names_stay_names(void **state)
{
	char longest[APP_NAME_MAX + 2];
	static const char *const good[] = { "a", "api", "api-2", "API_x.y", "9" };
	static const char *const bad[] = { "", ".", "..", "-x", "_x", "a/b", "a:b", "a b", "ä", "a\n" };

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[APP_NAME_MAX] = '\0';
	assert_int_equal(spec_check_name(longest, NULL), 0);
	longest[APP_NAME_MAX] = 'a';
	longest[APP_NAME_MAX + 1] = '\0';
	assert_int_equal(spec_check_name(longest, NULL), -1);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(spec_check_name(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(spec_check_name(bad[i], NULL), -1);
}

static void a_secret_is_never_printed(void **state)
{
	struct spec *s = spec_new("a");
	struct buf out = BUF_INIT;

	(void)state;
	env_put(&s->env, "KEY", "hunter2");
	s->webhook.secret = mem_strdup("hunter2");
	for (size_t i = 0; i < fields_count; i++)
		field_print(&fields[i], s, &out);
	assert_null(strstr(out.ptr, "hunter2"));
	assert_non_null(strstr(out.ptr, "{ KEY }"));
	assert_non_null(strstr(out.ptr, "(hidden)"));
	buf_release(&out);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every row has a sentence, its own name, and bounds in order", every_row_is_whole),
		PROMISE("every fallback reads as a user would write it",
			every_fallback_reads_as_a_user_would_write_it),
		PROMISE("saving an app does not parse the defaults again", defaults_are_parsed_once),
		PROMISE("every alias leads to a row or a table", every_alias_leads_to_a_row_or_a_table),
		PROMISE("a clone is equal until a row changes", a_clone_is_equal_until_a_row_changes),
		PROMISE("a spec survives being written as JSON and read again", a_spec_survives_json),
		PROMISE("a remembered spec of the wrong shape is refused with words",
			a_remembered_spec_of_the_wrong_shape_is_refused_with_words),
		PROMISE("a remembered number that nobody could write, such as a health interval of 0, is brought within its bounds",
			a_remembered_number_that_nobody_could_write_is_brought_within_its_bounds),
		PROMISE("durations and sizes are read and printed", durations_and_sizes_are_read_and_printed),
		PROMISE("signals are known by their names", signals_are_known_by_their_names),
		PROMISE("an app's name cannot leave its folder or confuse a target", names_stay_names),
		PROMISE("a secret is never printed", a_secret_is_never_printed),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
