/*
 * Who is replaced beside a spare, and who in place: deploy.surge, and what it is where nobody wrote it.
 */
#include "in_words.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "fake_effects.h"
#include "rules/rollout.h"

static void deploy(struct fake *f, uint64_t id)
{
	struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.prunes = true,
		.starts_new = true,
		.waits_ready = true,
	};
	struct err e = ERR_INIT;

	assert_int_equal(herd_apply(f->h, &a, f->now, &e), 0);
	err_release(&e);
	fake_answer(f);
}

/* Deployed, changed and deployed once more. */
static struct spec *begin(struct fake *f, int instances)
{
	fake_init(f);
	return fake_app(f, "bot", instances);
}

static void change_and_deploy(struct fake *f, struct spec *s)
{
	fake_apply(f);
	fake_live(f, 2000);
	fake_forget(f);
	command_from_line(&s->command, "serve --better", NULL);
	deploy(f, 7);
}

static void finish(struct fake *f)
{
	for (int k = 0; k < 600 && !fake_count(f, "settled 7"); k++)
		fake_live(f, 50);
}

static void a_single_one_without_a_port(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	change_and_deploy(&f, s);
	finish(&f);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_true(fake_is_before(&f, "signal bot:0", "spawn bot:0"));
	assert_int_equal(fake_revision(&f, "bot:0"), 2);
	fake_release(&f);
}

static void it_goes_back_in_place(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	f.last_lines = "the last";
	change_and_deploy(&f, s);
	for (int k = 0; k < 100 && !fake_count(&f, "spawn bot:0"); k++)
		fake_live(&f, 50);
	fake_exit(&f, "bot:0", 1, 0);
	finish(&f);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: bot: revision 2 is not deployed: bot:0: ended with exit code 1; it went back"),
		1);
	assert_int_equal(fake_count(&f, "    the last of bot:0"), 2);
	assert_int_equal(fake_count(&f, "The spare ran"), 0);
	assert_string_equal(fake_state(&f, "bot:0"), "running");
	assert_int_equal(fake_revision(&f, "bot:0"), 1);
	fake_release(&f);
}

static void a_written_value_is_obeyed(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	s->deploy.surge = 1;
	f.last_lines = "the last";
	change_and_deploy(&f, s);
	assert_int_equal(fake_count(&f, "spawn bot:1"), 1);
	fake_exit(&f, "bot:1", 1, 0);
	finish(&f);
	assert_int_equal(fake_count(&f, "    the last of bot:1"), 2);
	assert_int_equal(fake_count(&f,
				 "The spare ran beside the old instances; where only one may run at a time, "
				 "deploy.surge = 0 replaces in place."),
		2);
	assert_int_equal(fake_count(&f, "signal bot:0"), 0);
	fake_release(&f);
}

/* An env that names a PORT; somebody listens there, or not. */
static void passed_on(int listened, int spares)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	env_put(&s->env, "PORT", "3000");
	f.listened = listened;
	change_and_deploy(&f, s);
	/* What is decided once stays: nobody listens while the only one is replaced. */
	f.listened = 0;
	finish(&f);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn bot:1"), spares);
	fake_release(&f);
}

static void who_listens_on_a_port_passed_on(void **state)
{
	(void)state;
	passed_on(3000, 1);
}

static void who_shares_an_env_file(void **state)
{
	(void)state;
	passed_on(0, 0);
	passed_on(3001, 0);
}

static void the_rule(void **state)
{
	static const struct {
		struct rollout_subject subject;
		int surge;
	} cases[] = {
		{ { .instances = 1 }, 0 },
		{ { .instances = 2 }, 1 },
		{ { .instances = 1, .listens = true }, 1 },
		{ { .instances = 1, .is_port_written = true }, 1 },
		{ { .instances = 4, .is_job = true }, 0 },
		{ { .instances = 1, .is_job = true, .listens = true }, 0 },
		{ { .instances = 1, .is_job = true, .is_port_written = true }, 1 },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		assert_int_equal(rollout_surge(&cases[k].subject), cases[k].surge);
}

static void scaled_to_one_meanwhile(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	fake_apply(&f);
	fake_live(&f, 2000);
	f.is_never_ready = true;
	command_from_line(&s->command, "serve --better", NULL);
	deploy(&f, 7);
	assert_string_equal(fake_state(&f, "bot:2"), "starting");
	fake_scale(&f, "bot", 1);
	fake_live(&f, 1000);
	assert_null(herd_find(f.h, "bot:2"));
	fake_release(&f);
}

/* Its hook may run for long. */
static void overtaken_and_not_begun(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	change_and_deploy(&f, s);
	fake_live(&f, 500);
	assert_string_equal(fake_state(&f, "bot:2"), "running");
	command_from_line(&s->command, "serve --best", NULL);
	command_from_line(&s->deploy.pre, "before", NULL);
	s->instances.value = 1;
	deploy(&f, 8);
	assert_int_equal(fake_count(&f, "hook bot pre"), 1);
	fake_live(&f, 5000);
	assert_null(herd_find(f.h, "bot:2"));
	assert_string_equal(fake_state(&f, "bot:0"), "running");
	assert_string_equal(fake_state(&f, "bot:1"), "running");
	fake_release(&f);
}

/* The spare crashes when one is replaced: without it, the way back needs one of the old revision. */
static void scaled_to_one_on_the_way_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);
	struct err e = ERR_INIT;

	(void)state;
	s->restart_delay_ms = s->restart_delay_max_ms = 60000;
	s->deploy.min_healthy_ms = 200;
	change_and_deploy(&f, s);
	for (int k = 0; k < 100 && fake_count(&f, "spawn bot:0") == 0; k++)
		fake_live(&f, 50);
	fake_exit(&f, "bot:2", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_revision(&f, "bot:0"), 2);
	assert_int_equal(fake_revision(&f, "bot:1"), 1);
	f.is_never_ready = true;
	assert_int_equal(herd_steer(f.h, 0, HERD_ABORT, "bot", f.now, &e), 0);
	err_release(&e);
	fake_live(&f, 100);
	assert_string_equal(fake_state(&f, "bot:3"), "starting");
	assert_int_equal(fake_revision(&f, "bot:3"), 1);
	fake_forget(&f);
	fake_scale(&f, "bot", 1);
	fake_live(&f, 1000);
	assert_null(herd_find(f.h, "bot:3"));
	assert_int_equal(fake_revision(&f, "bot:0"), 1);
	fake_release(&f);
}

/* For so long each spare crashes as soon as it is started. */
static size_t crash_spares(struct fake *f, int64_t ms)
{
	size_t count = 0;

	for (int64_t end = f->now + ms; f->now < end; fake_live(f, 50)) {
		for (int n = 2; n < 6; n++) {
			char name[16];

			snprintf(name, sizeof(name), "bot:%d", n);
			if (!str_eq(fake_state(f, name), "starting"))
				continue;
			fake_exit(f, name, 1, 0);
			count++;
		}
	}
	return count;
}

/* The old revision does not run any more either: what serves by the new one is not touched. */
static void spares_that_fail_on_the_way_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);
	struct err e = ERR_INIT;
	size_t count = 0;

	(void)state;
	s->restart_delay_ms = s->restart_delay_max_ms = 60000;
	s->deploy.min_healthy_ms = 200;
	change_and_deploy(&f, s);
	for (int k = 0; k < 100 && fake_count(&f, "spawn bot:0") == 0; k++)
		fake_live(&f, 50);
	fake_exit(&f, "bot:2", 1, 0);
	fake_live(&f, 1000);
	f.is_never_ready = true;
	assert_int_equal(herd_steer(f.h, 0, HERD_ABORT, "bot", f.now, &e), 0);
	err_release(&e);
	fake_live(&f, 100);
	assert_int_equal(crash_spares(&f, 4000), 1);
	count = crash_spares(&f, 60000);
	assert_true(count >= 10 && count <= 13);
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	(void)crash_spares(&f, 600000);
	assert_int_equal(fake_count(&f, "settled 7 failed"), 1);
	assert_string_equal(fake_state(&f, "bot:0"), "running");
	assert_string_equal(fake_state(&f, "bot:1"), "running");
	/* It goes back when it can. */
	f.is_never_ready = false;
	for (int k = 0; k < 400; k++)
		fake_live(&f, 50);
	assert_int_equal(fake_revision(&f, "bot:0"), 1);
	fake_release(&f);
}

/* Instances of the new revision crash shortly after min_healthy_secs. */
static void crash_what_was_proven(struct fake *f)
{
	for (int n = 0; n < 3; n++) {
		struct instance_status status;
		char name[16];

		(void)snprintf(name, sizeof(name), "bot:%d", n);
		if (!str_eq(fake_state(f, name), "running") || fake_revision(f, name) != 2)
			continue;
		status = fake_status(f, name);
		if (status.uptime_ms >= 1050)
			fake_exit(f, name, 1, 0);
		instance_status_release(&status);
	}
}

static void a_deploy_of_what_crashes_later_ends(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	s->deploy.min_healthy_ms = 1000;
	s->restart_delay_ms = s->restart_delay_max_ms = 400;
	change_and_deploy(&f, s);
	for (int k = 0; k < 4000 && !fake_count(&f, "settled 7"); k++) {
		fake_live(&f, 50);
		crash_what_was_proven(&f);
	}
	assert_int_equal(fake_count(&f, "settled 7 failed"), 1);
	assert_int_equal(fake_revision(&f, "bot:0"), 1);
	fake_release(&f);
}

/* The next brain does not look again: by then the only one may be down. */
static void over_a_death(void **state)
{
	struct fake f;
	struct herd_live live = { .name = "bot:0", .pid = 1 };
	struct spec *s = begin(&f, 1);

	(void)state;
	change_and_deploy(&f, s);
	live.ticket = fake_ticket(&f, "bot:0");
	live.pid = instance_pid(herd_find(f.h, "bot:0"));
	live.is_stopping = true;
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	f.listened = 3000;
	herd_resume(f.h, f.now);
	fake_answer(&f);
	for (int k = 0; k < 200; k++)
		fake_live(&f, 50);
	assert_int_equal(fake_count(&f, "spawn bot:1"), 0);
	assert_int_equal(fake_revision(&f, "bot:0"), 2);
	fake_release(&f);
}

/* How many of that target are gone, and known. */
static size_t gone(const struct fake *f, const char *target)
{
	struct vec found = VEC_INIT;
	size_t count = 0;

	herd_gone(f->h, &target, 1, f->now, &found);
	count = found.len;
	vec_release(&found);
	return count;
}

static void fail_a_spare(struct fake *f)
{
	struct spec *s = begin(f, 2);

	change_and_deploy(f, s);
	fake_exit(f, "bot:2", 1, 0);
	finish(f);
	fake_live(f, 1000);
	assert_null(herd_find(f->h, "bot:2"));
}

static bool is_stored(const struct fake *f)
{
	struct buf text = BUF_INIT;
	bool is = false;

	herd_write(f->h, &text);
	is = strstr(text.ptr, "\"gone_ms\"") != NULL;
	buf_release(&text);
	return is;
}

static void gone_for_an_hour(void **state)
{
	const char *target = "bot:2";
	struct vec found = VEC_INIT;
	const struct instance *i = NULL;
	int64_t ago = 0;
	struct fake f;

	(void)state;
	fail_a_spare(&f);
	assert_int_equal(gone(&f, "bot"), 1);
	assert_int_equal(gone(&f, "bot:2"), 1);
	assert_int_equal(gone(&f, "all"), 1);
	assert_int_equal(gone(&f, "bot:1"), 0);
	assert_int_equal(gone(&f, "web"), 0);
	herd_gone(f.h, &target, 1, f.now, &found);
	i = found.items[0];
	assert_true(instance_pasts_of(&f.pasts, "bot", 2)->len > 2);
	ago = instance_gone_ms(i, f.now);
	assert_true(ago >= 0);
	assert_int_equal(instance_gone_ms(herd_find(f.h, "bot:0"), f.now), -1);
	vec_release(&found);
	fake_pass(&f, 3600000 - ago - 1);
	assert_true(is_stored(&f));
	assert_int_equal(gone(&f, "bot"), 1);
	fake_pass(&f, 1);
	assert_int_equal(gone(&f, "bot"), 0);
	/* With the next thing that happens also the store forgets it, and the revision that only it had. */
	fake_ready(&f, "bot:0");
	assert_false(is_stored(&f));
	fake_release(&f);
}

static void gone_over_a_death(void **state)
{
	struct fake f;

	(void)state;
	fail_a_spare(&f);
	fake_rebirth(&f);
	assert_int_equal(gone(&f, "bot:2"), 1);
	assert_true(herd_knows(f.h, "bot", 2));
	assert_true(herd_knows(f.h, "bot", 0));
	assert_false(herd_knows(f.h, "bot", 3));
	assert_false(herd_knows(f.h, "web", 0));
	fake_release(&f);
}

static void gone_with_its_app_or_its_number(void **state)
{
	struct fake f;

	(void)state;
	fail_a_spare(&f);
	assert_non_null(instance_pasts_of(&f.pasts, "bot", 2));
	fake_scale(&f, "bot", 3);
	assert_int_equal(gone(&f, "bot"), 0);
	/* That one has not had the other's life. */
	assert_int_equal(instance_pasts_of(&f.pasts, "bot", 2)->len, 2);
	fake_release(&f);
	fail_a_spare(&f);
	fake_request(&f, HERD_DELETE, "bot", 9, false);
	fake_live(&f, 1000);
	assert_int_equal(gone(&f, "all"), 0);
	assert_null(instance_pasts_of(&f.pasts, "bot", 2));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a single instance without a port is replaced in place", a_single_one_without_a_port),
		PROMISE("one that fails when it is replaced in place goes back to the old revision",
			it_goes_back_in_place),
		PROMISE("a written deploy.surge is obeyed, and the failure of a spare names it",
			a_written_value_is_obeyed),
		PROMISE("a single instance that listens on the PORT of its env is deployed beside a spare",
			who_listens_on_a_port_passed_on),
		PROMISE("a single instance that only shares the PORT of an env file is replaced in place",
			who_shares_an_env_file),
		PROMISE("what may exist only once has no spare, and what serves has one", the_rule),
		PROMISE("a spare goes when its app is scaled to one that may exist only once",
			scaled_to_one_meanwhile),
		PROMISE("a spare of a rollback goes when its app is scaled to one that may exist only once",
			scaled_to_one_on_the_way_back),
		PROMISE("the spare of a deploy that was overtaken goes before the next one begins",
			overtaken_and_not_begun),
		PROMISE("during a rollback failing spares are started with pauses, and the waiting client gets an answer",
			spares_that_fail_on_the_way_back),
		PROMISE("a deploy of what crashes again and again after it was proven fails",
			a_deploy_of_what_crashes_later_ends),
		PROMISE("whether there is a spare is decided once, over the brain's death too", over_a_death),
		PROMISE("a spare that is gone is known for an hour, and then forgotten", gone_for_an_hour),
		PROMISE("a spare that is gone is known over the brain's death", gone_over_a_death),
		PROMISE("a spare that is gone is forgotten with its app, or when its number is given again",
			gone_with_its_app_or_its_number),
	};

	return cmocka_run_group_tests_name("herd spare", tests, NULL, NULL);
}
