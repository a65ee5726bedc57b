/* The small state machines of an instance: which steps are legal, and how the flags of older stores are read and written. */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "herd/herd_private.h"
#include "in_words.h"
#include "unit.h"

static void count(void *context, const char *line)
{
	int *caught = context;

	(void)line;
	++*caught;
}

static struct instance *begin(struct fake *f)
{
	fake_init(f);
	fake_app(f, "api", 1);
	fake_apply(f);
	fake_answer(f);
	return (struct instance *)herd_find(f->h, "api:0");
}

static void an_illegal_step_is_caught(void **state)
{
	struct fake f;
	int caught = 0;
	struct instance *i = begin(&f);

	(void)state;
	assert_to(count, &caught);
	instance_set_phase(i, PHASE_CHECKING);
	assert_int_equal(caught, 1);
	instance_set_drain(i, DRAIN_DONE);
	assert_int_equal(caught, 2);
	instance_set_tenure(i, TENURE_DROPPED);
	assert_int_equal(caught, 3);
	instance_set_health_slot(i, HEALTH_SLOT_HELD);
	instance_set_health_slot(i, HEALTH_SLOT_WAITING);
	assert_int_equal(caught, 4);
	instance_set_down(i, DOWN_RESTART);
	instance_set_down(i, DOWN_FAILING);
	assert_int_equal(caught, 5);
	instance_set_down(i, DOWN_NONE);
	instance_set_down(i, DOWN_LIMIT);
	assert_int_equal(caught, 6);
	assert_to(NULL, NULL);
	fake_release(&f);
}

static void a_cause_that_counts_more_stays(void **state)
{
	struct fake f;
	struct instance *i = begin(&f);

	(void)state;
	instance_set_down_limit(i, SAID("too much"));
	instance_restart(i);
	assert_int_equal(i->down_cause, DOWN_LIMIT);
	assert_string_equal(in_words(i->limit_reason), "too much");
	instance_set_down(i, DOWN_PULLED);
	assert_null(i->limit_reason);
	instance_restart(i);
	assert_int_equal(i->down_cause, DOWN_PULLED);
	instance_set_down(i, DOWN_NONE);
	assert_false(instance_is_restarting(i));
	instance_set_down(i, DOWN_FAILING);
	assert_false(instance_is_restarting(i));
	instance_restart(i);
	assert_int_equal(i->down_cause, DOWN_RESTART);
	fake_release(&f);
}

static void a_state_has_its_phases_only(void **state)
{
	(void)state;
	assert_true(state_has_phase(STATE_RUNNING, PHASE_UP));
	assert_false(state_has_phase(STATE_RUNNING, PHASE_NONE));
	assert_true(state_has_phase(STATE_STOPPING, PHASE_LEFTOVERS));
	assert_true(state_has_phase(STATE_BACKOFF, PHASE_LEFTOVERS));
	assert_false(state_has_phase(STATE_STOPPED, PHASE_UP));
	assert_true(state_has_phase(STATE_BLOCKED, PHASE_CHECKING));
	/* It lasts no longer than a call. */
	for (int k = 0; k < STATE_COUNT; k++)
		assert_false(state_has_phase((enum state)k, PHASE_PORT_FREE));
}

/* --- the store --- */

static const char before[] =
	"{\"version\":1,\"now\":1000,\"generation\":9,\"slot\":1,\"rollouts\":0,\"apps\":[{\"app\":"
	"{\"name\":\"api\",\"folder\":\"/srv\",\"spec\":{\"command\":{\"argv\":[\"serve\"]}}},\"revision\":1,"
	"\"port_source\":0,\"ports\":[0],\"count\":1,\"scaled\":-1,\"wants_up\":true,\"is_leaving\":false,"
	"\"arrival\":1,\"target\":1,\"last_revision\":1,\"revisions\":[],\"instances\":[{\"number\":0,\"slot\":1,"
	"\"generation\":9,\"revision\":1,";

/* Read, and written again. */
static char *read_back(const char *flags)
{
	struct fake f;
	struct herd_options options = fake_options(&f);
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct json *j = NULL;
	struct herd *h = NULL;

	fake_init(&f);
	buf_addf(&text, "%s%s}]}]}", before, flags);
	j = json_parse(text.ptr, text.len, text.len, NULL);
	assert_non_null(j);
	h = herd_from_json(j, &options, f.now, &e);
	if (!h)
		fail_msg("%s: %s", flags, e.text.ptr);
	herd_write(h, &out);
	herd_free(h);
	json_free(j);
	fake_release(&f);
	buf_release(&text);
	return buf_detach(&out);
}

static void stored_flags_are_kept(void **state)
{
	static const char up[] = "\"state\":\"running\",\"phase\":\"up\"";
	static const char down[] = "\"state\":\"stopping\",\"phase\":\"up\"";
	static const struct {
		const char *is, *flags, *written;
	} kept[] = {
		{ up, "\"wants_up\":true,\"is_retired\":true", NULL },
		{ up, "\"is_spare\":true", NULL },
		{ up, "\"is_retired\":true,\"is_spare\":true", NULL },
		{ up, "\"takes_target\":true", NULL },
		{ up, "\"is_proven\":true,\"is_trusted\":true", NULL },
		{ up, "\"is_trusted\":true,\"has_failed\":true", NULL },
		{ up, "\"is_restarting\":true", NULL },
		{ up, "\"is_restarting\":true,\"takes_target\":true,\"is_pulled\":true", NULL },
		{ down, "\"is_failing\":true", NULL },
		{ up, "\"is_restarting\":true,\"over\":\"too much\"", "\"over\":\"too much\"" },
		{ down, "\"is_failing\":true,\"over\":\"too much\"", "\"over\":\"too much\"" },
		{ up, "\"was_delayed\":true,\"is_unkillable\":true,\"has_place\":true", NULL },
		/* Both at once said nothing more than the one that counts. */
		{ down, "\"is_restarting\":true,\"is_failing\":true", "\"is_restarting\":true" },
		{ up, "\"is_proven\":true,\"has_failed\":true", "\"is_proven\":true" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
		struct buf text = BUF_INIT;
		char *read = NULL;

		buf_addf(&text, "%s,%s", kept[k].is, kept[k].flags);
		read = read_back(text.ptr);
		if (!strstr(read, kept[k].written ? kept[k].written : kept[k].flags))
			fail_msg("%s is not in %s", kept[k].flags, read);
		mem_free(read);
		buf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a step that its table does not have is caught", an_illegal_step_is_caught),
		PROMISE("of two causes to go down the one that counts more stays",
			a_cause_that_counts_more_stays),
		PROMISE("each state has only the phases that can go with it", a_state_has_its_phases_only),
		PROMISE("the flags of an older store are read, and written under the same keys",
			stored_flags_are_kept),
	};

	return cmocka_run_group_tests_name("herd_instance_state", tests, NULL, NULL);
}
