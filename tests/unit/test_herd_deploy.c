/*
 * Rollouts in the herd: with hands that only write down what was wished for.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(f);
	fake_forget(f);
	return s;
}

static void set_command(struct spec *s, const char *line)
{
	command_from_line(&s->command, line, NULL);
}

static int deploy(struct fake *f, uint64_t id, bool forces)
{
	struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.prunes = true,
		.forces = forces,
		.starts_new = true,
		.waits_ready = true,
	};
	struct err e = ERR_INIT;
	int rc = herd_apply(f->h, &a, f->now, &e);

	if (rc < 0)
		buf_addf(&f->log, "refused %s\n", e.text.ptr);
	err_release(&e);
	fake_answer(f);
	return rc;
}

static int steer(struct fake *f, enum herd_steering steering, uint64_t id)
{
	struct err e = ERR_INIT;
	int rc = herd_steer(f->h, id, steering, "api", f->now, &e);

	if (rc < 0)
		buf_addf(&f->log, "refused %s\n", e.text.ptr);
	err_release(&e);
	fake_answer(f);
	return rc;
}

static int running(const struct fake *f)
{
	int count = 0;

	for (const struct instance *i = herd_first(f->h); i; i = herd_next(f->h, i))
		count += instance_state(i) == STATE_RUNNING;
	return count;
}

static bool all_run(const struct fake *f, const char *command)
{
	for (const struct instance *i = herd_first(f->h); i; i = herd_next(f->h, i))
		if (strcmp(instance_spec(i)->command.text, command) != 0)
			return false;
	return true;
}

static void a_spare_proves_itself_first(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	assert_int_equal(fake_count(&f, "spawn api:2 3002\n"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_live(&f, 1900);
	assert_int_equal(fake_count(&f, "signal"), 0);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001 3002\n"), 0);
	fake_live(&f, 100);
	assert_int_equal(fake_count(&f, "upstream api 3000-down 3001 3002\n"), 1);
	assert_int_equal(fake_count(&f, "signal api:0"), 1);
	assert_int_equal(fake_count(&f, "signal api:1"), 0);
	fake_release(&f);
}

static void a_rollout_ends_with_one_revision(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(running(&f), 2);
	assert_true(all_run(&f, "serve --better"));
	assert_string_equal(fake_state(&f, "api:2"), "none");
	assert_true(fake_is_before(&f, "upstream api 3000-down 3001 3002", "drain api:0 3000"));
	assert_true(fake_is_before(&f, "drain api:0 3000", "signal api:0"));
	assert_true(fake_is_before(&f, "signal api:0", "spawn api:0 3000"));
	assert_true(fake_is_before(&f, "spawn api:0 3000", "signal api:1"));
	assert_true(fake_is_before(&f, "spawn api:1 3001", "signal api:2"));
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	/* The spare comes as api:0 goes, api:1 goes as api:0 is back, the spare goes as api:1 is back; before that, what is there already. */
	assert_int_equal(fake_count(&f, "upstream api"), 4);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001\n"), 2);
	fake_release(&f);
}

static void a_bad_build_touches_nothing(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --badly");
	f.last_lines = "the last";
	deploy(&f, 7, false);
	fake_exit(&f, "api:2", 1, 0);
	fake_live(&f, 100);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: api:2 (a spare): ended with exit code 1; nothing was touched, 2 of 2 instances run revision 1"),
		1);
	assert_int_equal(fake_count(&f, "    the last of api:2"), 2);
	assert_int_equal(fake_count(&f, "signal"), 0);
	assert_string_equal(fake_state(&f, "api:2"), "none");
	assert_true(all_run(&f, "serve --well"));
	fake_release(&f);
}

static void never_ready_is_never_promoted(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --late");
	f.is_never_ready = true;
	deploy(&f, 7, false);
	fake_live(&f, 29900);
	assert_int_equal(fake_count(&f, "settled"), 0);
	fake_live(&f, 200);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: api:2 (a spare): not ready within 30 s"),
		1);
	assert_int_equal(fake_count(&f, "signal api:0"), 0);
	assert_int_equal(running(&f), 2);
	fake_release(&f);
}

static void a_failure_on_a_real_slot_goes_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	set_command(s, "serve --badly");
	deploy(&f, 7, false);
	/* api:0 is replaced and proven, api:1 fails. */
	for (int k = 0; k < 400 && !fake_count(&f, "spawn api:1"); k++)
		fake_live(&f, 50);
	fake_forget(&f);
	fake_exit(&f, "api:1", 1, 0);
	fake_live(&f, 10000);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: api:1: ended with exit code 1; it went back, 3 of 3 instances run revision 1"),
		1);
	assert_true(all_run(&f, "serve --well"));
	assert_int_equal(running(&f), 3);
	/* The old one was ready before the new one was told to stop. */
	assert_true(fake_is_before(&f, "spawn api:1", "signal api:0"));
	assert_int_equal(fake_count(&f, "signal api:2"), 0);
	fake_release(&f);
}

static void the_same_is_no_deploy(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	deploy(&f, 7, false);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	deploy(&f, 8, true);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	fake_release(&f);
}

static void the_last_deploy_wins(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --second");
	deploy(&f, 7, false);
	fake_live(&f, 3000);
	set_command(s, "serve --third");
	deploy(&f, 8, false);
	assert_int_equal(fake_count(&f, "settled 7 failed: api: revision 2 was overtaken by revision 3"), 1);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_true(all_run(&f, "serve --third"));
	assert_int_equal(running(&f), 2);
	fake_release(&f);
}

static void canaries_wait_for_a_word(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->deploy.canary = 1;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "signal api:1"), 0);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(running(&f), 3);
	assert_int_equal(steer(&f, HERD_CONTINUE, 8), 0);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_true(all_run(&f, "serve --better"));
	assert_int_equal(running(&f), 3);
	fake_release(&f);
}

static void abort_brings_back_what_was(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 3000);
	assert_int_equal(steer(&f, HERD_ABORT, 8), 0);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "settled 7 failed: api: aborted: revision 2 is not deployed"), 1);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_true(all_run(&f, "serve --well"));
	assert_int_equal(running(&f), 3);
	assert_int_equal(steer(&f, HERD_ABORT, 9), -1);
	fake_release(&f);
}

static void rollback_rolls_the_revision_before(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	assert_int_equal(steer(&f, HERD_ROLLBACK, 6), -1);
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 10000);
	assert_int_equal(steer(&f, HERD_ROLLBACK, 8), 0);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_true(all_run(&f, "serve --well"));
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	fake_release(&f);
}

static void in_place_needs_no_processes(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	s->max_restarts = 3;
	s->instances.value = 3;
	deploy(&f, 7, false);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn api:2 3002"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

static void scaled_in_the_middle(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 1000);
	fake_scale(&f, "api", 4);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_true(all_run(&f, "serve --better"));
	assert_int_equal(running(&f), 4);
	for (int n = 0; n < 4; n++) {
		char name[16];

		snprintf(name, sizeof(name), "api:%d", n);
		assert_int_equal(fake_port(&f, name), 3000 + n);
	}
	fake_release(&f);
}

static void more_instances_come_after_the_proof(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --badly");
	s->instances.value = 4;
	deploy(&f, 7, false);
	fake_exit(&f, "api:4", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "settled 7 failed"), 1);
	assert_int_equal(running(&f), 2);
	set_command(s, "serve --better");
	deploy(&f, 8, false);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_int_equal(running(&f), 4);
	assert_true(all_run(&f, "serve --better"));
	fake_release(&f);
}

static void hooks_stand_at_both_ends(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	command_from_line(&s->deploy.post, "announce", NULL);
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "hook api pre"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	herd_hooked(f.h, "api", 1, false, "exit code 1", f.now);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: the pre hook failed: exit code 1; nothing was touched"),
		1);
	deploy(&f, 8, false);
	herd_hooked(f.h, "api", 2, true, "", f.now);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "hook api post"), 1);
	herd_hooked(f.h, "api", 2, true, "", f.now);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	fake_release(&f);
}

static void a_crashing_herd_can_be_mended(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	fake_exit(&f, "api:0", 1, 0);
	fake_exit(&f, "api:1", 1, 0);
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 10000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_true(all_run(&f, "serve --better"));
	assert_int_equal(running(&f), 2);
	fake_release(&f);
}

static void restarted_in_the_middle(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 4500);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(fake_count(&f, "settled"), 0);
	fake_request(&f, HERD_RESTART, "api:0", 0, false);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(running(&f), 2);
	assert_true(all_run(&f, "serve --better"));
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

static void started_in_the_middle(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	fake_request(&f, HERD_STOP, "api:2", 0, false);
	fake_live(&f, 1000);
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_live(&f, 3000);
	assert_int_equal(fake_revision(&f, "api:2"), 2);
	fake_request(&f, HERD_START, "api:2", 0, false);
	fake_forget(&f);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001 3002\n"), 1);
	assert_int_equal(running(&f), 3);
	assert_true(all_run(&f, "serve --better"));
	fake_release(&f);
}

/* It is to stop after those that depend on it, and is wanted again before that. */
static void changed_on_its_way_out(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	fake_needs(fake_app(&f, "web", 1), "api");
	fake_apply(&f);
	f.is_manual = true;
	fake_request(&f, HERD_STOP, "web", 0, false);
	fake_scale(&f, "api", 0);
	set_command(s, "serve --better");
	deploy(&f, 7, false);
	fake_scale(&f, "api", 2);
	assert_int_equal(fake_count(&f, "signal api"), 0);
	f.is_manual = false;
	fake_exit(&f, "web:0", 0, 0);
	fake_live(&f, 20000);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_int_equal(fake_count(&f, "signal api"), 2);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a spare proves itself, without requests, before any old instance is touched",
			a_spare_proves_itself_first),
		PROMISE("slot by slot, out of the upstream, drained, replaced, back; and then the spare goes",
			a_rollout_ends_with_one_revision),
		PROMISE("a build that ends at once touches nothing, and its last lines are told",
			a_bad_build_touches_nothing),
		PROMISE("what is not ready in time is never promoted", never_ready_is_never_promoted),
		PROMISE("a failure on a real slot brings the replaced ones back, old ones first",
			a_failure_on_a_real_slot_goes_back),
		PROMISE("an identical definition is nothing to do, unless it is forced",
			the_same_is_no_deploy),
		PROMISE("a second deploy overtakes the first", the_last_deploy_wins),
		PROMISE("canaries wait for a word", canaries_wait_for_a_word),
		PROMISE("abort brings back what was", abort_brings_back_what_was),
		PROMISE("rollback rolls the revision before", rollback_rolls_the_revision_before),
		PROMISE("what needs no new process is applied in place", in_place_needs_no_processes),
		PROMISE("scaled in the middle of a deploy: the right count, one revision, its own ports",
			scaled_in_the_middle),
		PROMISE("more instances come only when the new revision has proven itself",
			more_instances_come_after_the_proof),
		PROMISE("hooks stand at both ends, and a failing one in front leaves all as it is",
			hooks_stand_at_both_ends),
		PROMISE("what crashes again and again is mended by a deploy", a_crashing_herd_can_be_mended),
		PROMISE("who is restarted in the middle of a deploy proves itself once more, and the deploy ends",
			restarted_in_the_middle),
		PROMISE("who is started in the middle of a deploy serves at its end", started_in_the_middle),
		PROMISE("what runs by an old definition and is wanted again is replaced",
			changed_on_its_way_out),
	};

	return cmocka_run_group_tests_name("herd: deploy", tests, NULL, NULL);
}
