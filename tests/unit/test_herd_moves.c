/* Rollouts whose ports move onto those that the app has already. */
#include "fake_effects.h"
#include "unit.h"
#include <stdio.h>

static void deploy(struct fake *f, uint64_t id)
{
	const struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.starts_new = true,
		.waits_ready = true,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	s->deploy.fail_timeout_ms = 0;
	fake_apply(f);
	fake_live(f, 1000);
	fake_forget(f);
	return s;
}

static int spawned(const struct fake *f, int number, int port)
{
	char line[40];

	snprintf(line, sizeof(line), "spawn api:%d %d\n", number, port);
	return fake_count(f, line);
}

static void upwards(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->port = 3001;
	deploy(&f, 7);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_true(fake_is_before(&f, "spawn api:2 3003", "signal api:1"));
	assert_true(fake_is_before(&f, "spawn api:1 3002", "signal api:0"));
	assert_int_equal(spawned(&f, 0, 3001), 1);
	fake_release(&f);
}

static void downwards(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->port = 2999;
	deploy(&f, 7);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_true(fake_is_before(&f, "spawn api:0 2999", "signal api:1"));
	assert_true(fake_is_before(&f, "spawn api:1 3000", "signal api:2"));
	fake_release(&f);
}

static void fewer(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->port = 3001;
	s->instances.value = 2;
	deploy(&f, 7);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_true(fake_is_before(&f, "signal api:2", "signal api:1"));
	assert_true(fake_is_before(&f, "spawn api:1 3002", "signal api:0"));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("ports that move up by one are given up from the last instance on", upwards),
		PROMISE("ports that move down by one are given up from the first instance on", downwards),
		PROMISE("with fewer instances the last one makes way for the new port of another", fewer),
	};

	return cmocka_run_group_tests_name("herd_moves", tests, NULL, NULL);
}
