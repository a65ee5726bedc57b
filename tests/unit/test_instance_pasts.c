/* What `why` shows of an instance's past. */
#include <stdio.h>

#include "in_words.h"
#include "journal/event_item.h"
#include "journal/instance_pasts.h"
#include "model/snapshot.h"
#include "unit.h"

static void add(struct instance_pasts *p, const struct herd_event *event, int64_t wall_ms)
{
	struct event_item *item = event_item_new(event, 0, wall_ms);

	instance_pasts_add(p, item);
	event_item_unref(item);
}

static const char *words_of(const struct instance_pasts *p, const char *app, int number, size_t index)
{
	static char words[4096];
	const struct vec *items = instance_pasts_of(p, app, number);
	struct past_entry entry = { .words = BUF_INIT };

	assert_non_null(items);
	assert_true(index < items->len);
	event_item_to_entry(items->items[index], &entry);
	(void)snprintf(words, sizeof(words), "%s", entry.words.ptr);
	reason_free(entry.why);
	buf_release(&entry.words);
	return words;
}

static void bounded_and_in_order(void **state)
{
	struct instance_pasts p = { .names = MAP_INIT };
	struct herd_event event = { .kind = HERD_EVENT_STATE, .app = "api", .instance = 1, .delay_ms = -1 };
	const struct vec *items = NULL;

	(void)state;
	for (int k = 0; k < 30; k++)
		add(&p, &event, 1000 + k);
	items = instance_pasts_of(&p, "api", 1);
	assert_int_equal(items->len, INSTANCE_PAST_MAX);
	for (size_t k = 0; k < items->len; k++)
		assert_int_equal(event_item_wall_ms(items->items[k]), 1000 + 30 - INSTANCE_PAST_MAX + (int)k);
	assert_null(instance_pasts_of(&p, "api", 0));
	assert_null(instance_pasts_of(&p, "web", 1));
	instance_pasts_release(&p);
}

static void no_steps_of_deploys_and_no_apps(void **state)
{
	struct instance_pasts p = { .names = MAP_INIT };
	struct herd_event event = {
		.kind = HERD_EVENT_ROLLOUT, .app = "api", .step = "starting", .delay_ms = -1
	};

	(void)state;
	add(&p, &event, 1);
	event = (struct herd_event){ .kind = HERD_EVENT_APP, .app = "api", .instance = -1, .delay_ms = -1 };
	add(&p, &event, 1);
	assert_int_equal(p.names.len, 0);
	instance_pasts_release(&p);
}

static void forgotten_with_its_instance(void **state)
{
	struct instance_pasts p = { .names = MAP_INIT };
	struct herd_event event = { .kind = HERD_EVENT_NOTE, .app = "api", .instance = 1, .delay_ms = -1 };

	(void)state;
	add(&p, &event, 1);
	event.instance = 11;
	add(&p, &event, 1);
	instance_pasts_forget(&p, "api", 1);
	assert_null(instance_pasts_of(&p, "api", 1));
	assert_int_equal(instance_pasts_of(&p, "api", 11)->len, 1);
	instance_pasts_forget(&p, "api", 7);
	instance_pasts_release(&p);
}

/* Of each end but the newest ten lines are kept. */
static void older_lines_are_cut(void **state)
{
	const char *lines = "\n1\n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12";
	const struct herd_event event = { .kind = HERD_EVENT_NOTE,
		.app = "bot",
		.why = SAID("exit code 1"),
		.lines = lines,
		.delay_ms = -1 };
	const struct herd_event silent = { .kind = HERD_EVENT_NOTE, .app = "bot", .delay_ms = -1 };
	struct instance_pasts p = { .names = MAP_INIT };
	struct event_item *item = event_item_new(&event, 1, 1);
	struct past_entry entry = { .words = BUF_INIT };

	(void)state;
	instance_pasts_add(&p, item);
	add(&p, &silent, 2);
	assert_string_equal(words_of(&p, "bot", 0, 0), "exit code 1\n1\n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
	add(&p, &event, 3);
	assert_string_equal(words_of(&p, "bot", 0, 2), "exit code 1\n1\n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
	assert_string_equal(words_of(&p, "bot", 0, 0), "exit code 1\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
	/* What others remember of the same event stays whole, and the reason is one still. */
	event_item_to_entry(item, &entry);
	assert_string_equal(entry.words.ptr, "exit code 1\n1\n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
	assert_int_equal(entry.text_len, 11);
	assert_string_equal(in_words(entry.why), "exit code 1");
	reason_free(entry.why);
	buf_release(&entry.words);
	event_item_unref(item);
	instance_pasts_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the last events of an instance are kept in order, the rest is not",
			bounded_and_in_order),
		PROMISE("steps of a deploy and events of an app are in no instance's past",
			no_steps_of_deploys_and_no_apps),
		PROMISE("an instance's past goes with it", forgotten_with_its_instance),
		PROMISE("all that an instance wrote last is kept for its newest end, ten lines for others",
			older_lines_are_cut),
	};

	return cmocka_run_group_tests_name("instance_pasts", tests, NULL, NULL);
}
