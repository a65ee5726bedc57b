/*
 * Builds: what a deploy finds changed, in which folder a process starts, and where a rollback leads.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "model/build.h"
#include "model/notes.h"

/* The disk: where the link `current` leads, the age of server.js in each release, and which releases are there. */
static int link_to;
static int64_t age[4];

static struct build *disk(const struct fake *f, const struct build_query *effect)
{
	struct build *b = build_new("/srv/current");
	int release = effect->own ? effect->own->folder[strlen(effect->own->folder) - 1] - '0' : link_to;
	struct build_file file = { .name = (char *)"server.js", .path = (char *)"/srv/server.js" };

	(void)f;
	if (!age[release])
		return b;
	b->folder = mem_strdup("/srv/rel/0");
	b->folder[strlen(b->folder) - 1] = (char)('0' + release);
	file.mtime_ns = age[release];
	build_add(b, &file);
	return b;
}

static struct spec *begin(struct fake *f)
{
	struct spec *s = NULL;

	fake_init(f);
	f->look = disk;
	link_to = 1;
	for (int k = 0; k < 4; k++)
		age[k] = k + 1;
	s = fake_app(f, "api", 2);
	s->deploy.min_healthy_ms = 100;
	fake_apply(f);
	fake_live(f, 1000);
	fake_forget(f);
	return s;
}

/* How often it was started where its definition says. */
static int as_named(const struct fake *f, const char *name)
{
	char line[80];
	int count = 0;

	snprintf(line, sizeof(line), "spawn %s 300%c", name, name[4]);
	count = fake_count(f, line);
	snprintf(line, sizeof(line), "spawn %s 300%c in", name, name[4]);
	return count - fake_count(f, line);
}

static struct buf told;

static void did(void *context, const struct herd_deed *deed)
{
	(void)context;
	buf_addf(&told, "%s %d %s %s\n", deed->app, deed->did, deed->build ? deed->build : "-",
		deed->compared ? deed->compared : "-");
}

static int apply(struct fake *f, const struct herd_apply *wanted, const char *expected)
{
	struct herd_apply a = *wanted;
	struct err e = ERR_INIT;
	int rc = 0;

	a.oxfile = a.oxfile ? a.oxfile : "/srv/oxfile.toml";
	a.specs = &f->specs;
	a.did = did;
	buf_init(&told);
	rc = herd_apply(f->h, &a, f->now, &e);
	assert_string_equal(rc < 0 ? e.text.ptr : told.ptr, expected);
	buf_release(&told);
	err_release(&e);
	fake_live(f, 5000);
	return rc;
}

static void deploy(struct fake *f, const char *expected)
{
	apply(f, &(struct herd_apply){ .changes = true, .prunes = true, .starts_new = true }, expected);
}

static void reload(struct fake *f)
{
	apply(f, &(struct herd_apply){ .changes = true, .is_reload = true }, "api 2 - -\n");
}

static void steer(struct fake *f, enum herd_steering steering, const char *expected)
{
	struct err e = ERR_INIT;
	int rc = herd_steer(f->h, 0, steering, "api", f->now, &e);

	assert_string_equal(rc < 0 ? e.text.ptr : "", expected);
	err_release(&e);
	fake_live(f, 5000);
}

static void a_new_build_is_a_change(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	deploy(&f, "api 0 - definition, current -> rel/1, server.js\n");
	assert_int_equal(fake_count(&f, "spawn"), 0);
	link_to = 2;
	deploy(&f, "api 2 current -> rel/2 -\n");
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	/* The newest runs where its definition says. */
	assert_int_equal(as_named(&f, "api:0"), 1);
	age[2] = 9;
	deploy(&f, "api 2 server.js -\n");
	assert_int_equal(fake_revision(&f, "api:1"), 3);
	deploy(&f, "api 0 - definition, current -> rel/2, server.js\n");
	fake_release(&f);
}

static void a_start_takes_what_is_there(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 1000);
	link_to = 2;
	fake_request(&f, HERD_START, "api", 0, false);
	fake_live(&f, 1000);
	/* It runs that build already. */
	deploy(&f, "api 0 - definition, current -> rel/2, server.js\n");
	age[2] = 7;
	fake_request(&f, HERD_RESTART, "api", 0, false);
	fake_live(&f, 1000);
	deploy(&f, "api 0 - definition, current -> rel/2, server.js\n");
	fake_release(&f);
}

static void a_rollback_runs_in_the_folder_of_its_revision(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	link_to = 2;
	deploy(&f, "api 2 current -> rel/2 -\n");
	fake_forget(&f);
	steer(&f, HERD_ROLLBACK, "");
	assert_int_equal(fake_count(&f, "spawn api:0 3000 in /srv/rel/1"), 1);
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	/* It stays there: after a crash, and in a reload. */
	fake_forget(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn api:0 3000 in /srv/rel/1"), 1);
	reload(&f);
	assert_int_equal(fake_count(&f, "spawn api:1 3001 in /srv/rel/1"), 1);
	/* What is deployed next is a change again. */
	fake_forget(&f);
	deploy(&f, "api 2 current -> rel/2 -\n");
	assert_int_equal(as_named(&f, "api:0"), 1);
	fake_release(&f);
}

/* One more instance was deployed with the new build, and what is changed on the way back needs no new process. */
static void what_is_too_many_on_the_way_back_starts_in_its_own_folder(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.surge = 0;
	s->deploy.max_unavailable = 2;
	s->deploy.min_healthy_ms = 60000;
	s->instances.value = 3;
	link_to = 2;
	deploy(&f, "api 2 current -> rel/2 -\n");
	assert_int_equal(fake_revision(&f, "api:2"), 2);
	f.is_never_ready = true;
	fake_exit(&f, fake_revision(&f, "api:0") == 2 ? "api:0" : "api:1", 1, 0);
	fake_live(&f, 1000);
	assert_string_equal(fake_state(&f, "api:2"), "running");
	link_to = 1;
	s->instances.value = 2;
	s->stop_timeout_ms = 7000;
	deploy(&f, "api 3 - -\n");
	fake_forget(&f);
	fake_exit(&f, "api:2", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_revision(&f, "api:2"), 2);
	assert_int_equal(as_named(&f, "api:2"), 0);
	assert_int_equal(fake_count(&f, "spawn api:2 3002 in /srv/rel/2"), 1);
	fake_release(&f);
}

static void a_reload_leaves_a_folder_that_is_gone(void **state)
{
	struct fake f;
	struct notes notes = NOTES_INIT;

	(void)state;
	begin(&f);
	link_to = 2;
	deploy(&f, "api 2 current -> rel/2 -\n");
	steer(&f, HERD_ROLLBACK, "");
	age[1] = 0;
	fake_forget(&f);
	apply(&f, &(struct herd_apply){ .changes = true, .is_reload = true, .notes = &notes },
		"api 2 current -> rel/2 -\n");
	assert_string_equal(notes_words(&notes),
		"api: rel/1, which it was rolled back to, is gone; the reload runs the files that are there now\n");
	assert_int_equal(as_named(&f, "api:0"), 1);
	assert_int_equal(as_named(&f, "api:1"), 1);
	assert_null(strstr(f.log.ptr, "rolled back;"));
	/* From here on that is the build that it has. */
	deploy(&f, "api 0 - definition, current -> rel/2, server.js\n");
	notes_release(&notes);
	fake_release(&f);
}

static void files_that_are_gone_refuse_a_rollback(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	age[1] = 8;
	deploy(&f, "api 2 server.js -\n");
	steer(&f, HERD_ROLLBACK,
		"api: cannot go back to revision 1: server.js was replaced (in /srv/rel/1); use 'oxctl rollback "
		"--definition-only api' to take back the definition and run the files that are there now");
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	fake_forget(&f);
	steer(&f, HERD_ROLLBACK_DEFINITION, "");
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	assert_int_equal(as_named(&f, "api:0"), 1);
	/* It runs what is there now, and a deploy knows that. */
	deploy(&f, "api 0 - definition, current -> rel/1, server.js\n");
	fake_release(&f);
}

static void a_reload_makes_no_way_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	command_from_line(&s->command, "serve --better", NULL);
	deploy(&f, "api 2 - -\n");
	reload(&f);
	reload(&f);
	assert_int_equal(fake_revision(&f, "api:0"), 4);
	steer(&f, HERD_ROLLBACK, "");
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	fake_release(&f);
}

/* The first instance of the new build dies before it is proven; `words` are told in the end. */
static void fail_in_place(struct fake *f, struct spec *s, const char *words)
{
	s->deploy.surge = 0;
	s->deploy.min_healthy_ms = 60000;
	link_to = 2;
	apply(f, &(struct herd_apply){ .id = 7, .changes = true }, "api 2 current -> rel/2 -\n");
	fake_forget(f);
	fake_exit(f, fake_revision(f, "api:0") == 2 ? "api:0" : "api:1", 1, 0);
	fake_live(f, 200000);
	assert_string_equal(strstr(f->log.ptr, "settled 7") ? "settled" : f->log.ptr, "settled");
	assert_true(strstr(f->log.ptr, words) != NULL);
}

static void a_deploy_that_fails_goes_back_to_the_old_folder(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	fail_in_place(&f, s, "it went back, 2 of 2 instances run revision 1\n");
	assert_int_equal(fake_count(&f, "spawn api:0 3000 in /srv/rel/1") +
			fake_count(&f, "spawn api:1 3001 in /srv/rel/1"),
		1);
	/* The link still leads to the build that failed: a deploy tries it once more. */
	apply(&f, &(struct herd_apply){ .changes = true }, "api 2 current -> rel/2 -\n");
	fake_release(&f);
}

static void a_deploy_that_fails_says_what_it_cannot_bring_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	age[1] = 0;
	fail_in_place(&f, s,
		"it went back, 2 of 2 instances run revision 1, but rel/1 is gone: what starts runs the files "
		"that are there now");
	fake_release(&f);
}

static void an_abort_says_what_it_cannot_bring_back(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.surge = 0;
	s->deploy.min_healthy_ms = 60000;
	link_to = 2;
	apply(&f, &(struct herd_apply){ .changes = true }, "api 2 current -> rel/2 -\n");
	fake_live(&f, 1000);
	age[1] = 0;
	/* What comes back is not ready in time, so the answer comes before the end. */
	f.is_never_ready = true;
	assert_int_equal(herd_steer(f.h, 8, HERD_ABORT, "api", f.now, NULL), 0);
	fake_live(&f, 600000);
	assert_non_null(strstr(
		f.log.ptr, "settled 8 okapi: aborted: revision 2 is not deployed; rolling back is stuck, "));
	assert_non_null(strstr(f.log.ptr,
		"run revision 1, but rel/1 is gone: what starts runs the files that are there now\n"));
	fake_release(&f);
}

static void one_that_crashes_while_another_build_comes_starts_in_its_own_folder(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.surge = 0;
	s->deploy.canary = 1;
	deploy(&f, "api 3 - -\n");
	link_to = 2;
	fake_forget(&f);
	apply(&f, &(struct herd_apply){ .changes = true }, "api 2 current -> rel/2 -\n");
	/* The canary runs the new one, and the other crashes. */
	assert_int_equal(as_named(&f, "api:0") + as_named(&f, "api:1"), 1);
	fake_forget(&f);
	fake_exit(&f, fake_revision(&f, "api:0") == 1 ? "api:0" : "api:1", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn api:0 3000 in /srv/rel/1") +
			fake_count(&f, "spawn api:1 3001 in /srv/rel/1"),
		1);
	/* So it does when the brain has died in between. */
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_live(&f, 5000);
	steer(&f, HERD_ABORT, "");
	fake_forget(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn api:0 3000 in /srv/rel/1"), 1);
	fake_release(&f);
}

static void without_a_known_build_the_definition_decides(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	/* As a state of an older version is: nobody looked. */
	f.look = NULL;
	fake_release(&f);
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_live(&f, 1000);
	f.look = disk;
	link_to = 2;
	deploy(&f, "api 0 - definition\n");
	deploy(&f, "api 0 - definition, current -> rel/2, server.js\n");
	link_to = 3;
	deploy(&f, "api 2 current -> rel/3 -\n");
	fake_release(&f);
}

static void an_oxfile_by_another_name_takes_its_apps_over(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);
	char *other[] = { (char *)"/srv/oxfile.toml" };
	const struct strings names = { .items = other, .len = 1 };
	struct herd_apply a = { .oxfile = "/srv/current/oxfile.toml", .changes = true };
	struct notes notes = NOTES_INIT;

	(void)state;
	mem_free(s->oxfile);
	mem_free(s->folder);
	s->oxfile = mem_strdup(a.oxfile);
	s->folder = mem_strdup("/srv/current");
	apply(&f, &a,
		"app 'api' belongs to /srv/oxfile.toml; rename it in /srv/current/oxfile.toml, or move "
		"/srv/oxfile.toml away if /srv/current/oxfile.toml replaces it");
	a.notes = &notes;
	a.also = &names;
	/* One folder by two names: nothing has to be replaced. */
	apply(&f, &a, "api 3 - -\n");
	assert_string_equal(notes_words(&notes),
		"api: taken over from /srv/oxfile.toml, which is the same file by another name\n");
	assert_int_equal(fake_count(&f, "spawn"), 0);
	/* Nor is that anything to go back from. */
	steer(&f, HERD_ROLLBACK, "'api' has no earlier revision to go back to");
	notes_release(&notes);
	a.oxfile = "/srv2/oxfile.toml";
	other[0] = (char *)"/srv/current/oxfile.toml";
	mem_free(s->oxfile);
	s->oxfile = mem_strdup(a.oxfile);
	a.also = NULL;
	a.gone = &names;
	apply(&f, &a, "api 3 - -\n");
	assert_string_equal(
		notes_words(&notes), "api: taken over from /srv/current/oxfile.toml, which is gone\n");
	notes_release(&notes);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a new build is a change, and what was compared is told where there is none",
			a_new_build_is_a_change),
		PROMISE("what is started anew runs the build that is there, and a deploy knows that",
			a_start_takes_what_is_there),
		PROMISE("a rollback runs in the folder of its revision, until the next deploy",
			a_rollback_runs_in_the_folder_of_its_revision),
		PROMISE("where the files of a revision are gone a rollback is refused, but for its definition",
			files_that_are_gone_refuse_a_rollback),
		PROMISE("a reload of what was rolled back to a folder that is gone says so and runs the newest files",
			a_reload_leaves_a_folder_that_is_gone),
		PROMISE("a reload makes no revision to go back to", a_reload_makes_no_way_back),
		PROMISE("a deploy that fails goes back to the old folder, and is a change again",
			a_deploy_that_fails_goes_back_to_the_old_folder),
		PROMISE("a deploy that fails says which files it cannot bring back",
			a_deploy_that_fails_says_what_it_cannot_bring_back),
		PROMISE("an abort says so too, also where the way back is stuck",
			an_abort_says_what_it_cannot_bring_back),
		PROMISE("one of the old revision that crashes in a deploy starts in its own folder",
			one_that_crashes_while_another_build_comes_starts_in_its_own_folder),
		PROMISE("an instance that is too many on the way back starts in its own folder",
			what_is_too_many_on_the_way_back_starts_in_its_own_folder),
		PROMISE("a revision of an older state is compared by its definition, once",
			without_a_known_build_the_definition_decides),
		PROMISE("an oxfile by another name takes its apps over, and another one does not",
			an_oxfile_by_another_name_takes_its_apps_over),
	};

	return cmocka_run_group_tests_name("herd_build", tests, NULL, NULL);
}
