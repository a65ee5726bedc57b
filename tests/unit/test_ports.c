#include "rules/ports.h"

#include <limits.h>

#include "base/mem.h"
#include "unit.h"

/* What the test's strangers hold. */
struct strangers {
	int from, to;
	int asked;
};

static bool held_by_stranger(void *context, int port)
{
	struct strangers *s = context;

	s->asked++;
	return port >= s->from && port <= s->to;
}

static void assign(struct port_claim *claims, size_t count, struct vec *troubles)
{
	ports_assign(claims, count, NULL, NULL, troubles);
}

/* For claims that must not be any trouble. */
static void assign_quietly(struct port_claim *claims, size_t count)
{
	struct vec troubles = VEC_INIT;

	assign(claims, count, &troubles);
	assert_int_equal(troubles.len, 0);
	vec_release(&troubles);
}

static void assert_trouble(const struct vec *troubles, size_t at, struct port_trouble expected)
{
	const struct port_trouble *t = NULL;

	assert_true(at < troubles->len);
	t = troubles->items[at];
	assert_int_equal(t->kind, expected.kind);
	assert_int_equal(t->claim, expected.claim);
	assert_int_equal(t->other, expected.other);
	assert_int_equal(t->port, expected.port);
}

static void assert_block(const struct port_claim *claim, int first)
{
	assert_int_equal(claim->source, PORT_BLOCK);
	assert_int_equal(claim->first, first);
	assert_true(claim->is_owned);
}

static void a_written_port_counts_up(void **state)
{
	struct port_claim claims[] = {
		{ .app = "api", .written = 3000, .from_env = 9999, .step = 1, .instances = 4 },
		{ .app = "web", .written = 8000, .step = 10, .instances = 3 },
	};

	(void)state;
	assign_quietly(claims, 2);
	assert_int_equal(claims[0].source, PORT_WRITTEN);
	assert_true(claims[0].is_owned);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ports_of(&claims[0], i), 3000 + i);
	assert_int_equal(ports_of(&claims[0], 4), 0);
	assert_int_equal(ports_of(&claims[0], -1), 0);
	assert_int_equal(ports_of(&claims[1], 2), 8020);
}

static void env_port_is_passed_on_and_not_owned(void **state)
{
	struct port_claim claims[] = {
		{ .app = "api", .from_env = 4000, .step = 1, .instances = 2 },
		{ .app = "one", .from_env = 5000, .step = 1, .instances = 1 },
	};

	(void)state;
	assign_quietly(claims, 2);
	assert_int_equal(claims[0].source, PORT_FROM_ENV);
	assert_false(claims[0].is_owned);
	assert_int_equal(ports_of(&claims[0], 1), 4001);
	assert_int_equal(claims[1].source, PORT_FROM_ENV);
	assert_int_equal(ports_of(&claims[1], 0), 5000);
}

static void the_guides_four_lines_get_3000_to_3003(void **state)
{
	struct port_claim claims[] = { { .app = "api", .step = 1, .instances = 4 } };

	(void)state;
	assign_quietly(claims, 1);
	assert_block(&claims[0], 3000);
	assert_int_equal(ports_of(&claims[0], 3), 3003);
}

static void one_instance_without_a_port_gets_none(void **state)
{
	struct port_claim claims[] = {
		{ .app = "worker", .step = 1, .instances = 1 },
		{ .app = "off", .step = 1, .instances = 0 },
	};

	(void)state;
	assign_quietly(claims, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(claims[i].source, PORT_NONE);
		assert_int_equal(claims[i].first, 0);
		assert_false(claims[i].is_owned);
		assert_int_equal(ports_of(&claims[i], 0), 0);
	}
}

static void blocks_go_around_everything(void **state)
{
	struct port_claim claims[] = {
		{ .app = "a", .step = 1, .instances = 3 },
		{ .app = "b", .written = 3002, .step = 1, .instances = 1 },
		{ .app = "c", .from_env = 3006, .step = 1, .instances = 2 },
		{ .app = "d", .step = 1, .instances = 2 },
		{ .app = "e", .step = 2, .instances = 3 },
	};

	(void)state;
	assign_quietly(claims, 5);
	assert_block(&claims[0], 3003);
	assert_block(&claims[3], 3000);
	assert_block(&claims[4], 3008);
	assert_int_equal(ports_of(&claims[4], 2), 3012);
}

static void blocks_with_steps_share_what_they_do_not_touch(void **state)
{
	struct port_claim claims[] = {
		{ .app = "even", .step = 2, .instances = 3 },
		{ .app = "odd", .step = 2, .instances = 3 },
		{ .app = "after", .step = 0, .instances = 2 },
	};

	(void)state;
	assign_quietly(claims, 3);
	assert_block(&claims[0], 3000);
	assert_block(&claims[1], 3001);
	assert_block(&claims[2], 3006);
	assert_int_equal(ports_of(&claims[2], 1), 3007);
}

static void a_block_fits_below_one_with_other_steps(void **state)
{
	struct port_claim claims[] = {
		{ .app = "written", .written = 3010, .step = 1, .instances = 4 },
		{ .app = "wide", .step = 10, .instances = 2 },
		{ .app = "pair", .step = 1, .instances = 2 },
	};

	(void)state;
	assign_quietly(claims, 3);
	assert_block(&claims[1], 3004);
	assert_block(&claims[2], 3000);
}

static void strangers_are_gone_around(void **state)
{
	struct strangers s = { .from = 3001, .to = 3009 };
	struct vec troubles = VEC_INIT;
	struct port_claim claims[] = {
		{ .app = "new", .step = 1, .instances = 2 },
		{ .app = "written", .written = 3004, .step = 1, .instances = 2 },
		{ .app = "had", .step = 1, .instances = 2, .remembered = 3008 },
	};

	(void)state;
	ports_assign(claims, 3, held_by_stranger, &s, &troubles);
	assert_int_equal(troubles.len, 0);
	assert_block(&claims[0], 3010);
	assert_int_equal(claims[1].first, 3004);
	assert_block(&claims[2], 3008);
	assert_true(s.asked <= 12);
}

static void what_was_had_is_kept(void **state)
{
	struct port_claim claims[] = {
		{ .app = "aaa-new", .step = 1, .instances = 4 },
		{ .app = "old", .step = 1, .instances = 4, .remembered = 3000 },
		{ .app = "scaled-down", .step = 1, .instances = 1, .remembered = 3010 },
		{ .app = "passed", .from_env = 3001, .step = 1, .instances = 1 },
	};
	struct vec troubles = VEC_INIT;

	(void)state;
	assign(claims, 4, &troubles);
	assert_block(&claims[0], 3004);
	assert_block(&claims[1], 3000);
	assert_block(&claims[2], 3010);
	assert_int_equal(ports_of(&claims[2], 0), 3010);
	assert_int_equal(troubles.len, 1);
	assert_trouble(&troubles, 0,
		(struct port_trouble){ .kind = PORT_OVERLAP_PASSED, .claim = 3, .other = 1, .port = 3001 });
	vec_release_with(&troubles, mem_free);
}

static void a_written_port_moves_a_block(void **state)
{
	struct port_claim claims[] = {
		{ .app = "old", .step = 1, .instances = 4, .remembered = 3000 },
		{ .app = "boss", .written = 3003, .step = 1, .instances = 1 },
		{ .app = "twin", .step = 1, .instances = 2, .remembered = 3003 },
		{ .app = "far", .step = 1, .instances = 2, .remembered = 65535 },
		{ .app = "now-written", .written = 7000, .step = 1, .instances = 2, .remembered = 3020 },
	};

	(void)state;
	assign_quietly(claims, 5);
	assert_block(&claims[0], 3004);
	assert_block(&claims[2], 3000);
	assert_block(&claims[3], 3008);
	assert_int_equal(claims[4].first, 7000);
}

static void overlaps_name_both_and_the_first_port(void **state)
{
	struct port_claim claims[] = {
		{ .app = "a", .written = 3000, .step = 1, .instances = 4 },
		{ .app = "b", .written = 3002, .step = 1, .instances = 4 },
		{ .app = "c", .written = 3003, .step = 2, .instances = 2 },
		{ .app = "d", .written = 3100, .step = 1, .instances = 1 },
	};
	struct vec troubles = VEC_INIT;

	(void)state;
	assign(claims, 4, &troubles);
	assert_int_equal(troubles.len, 3);
	assert_trouble(&troubles, 0,
		(struct port_trouble){ .kind = PORT_OVERLAP, .claim = 1, .other = 0, .port = 3002 });
	assert_trouble(&troubles, 1,
		(struct port_trouble){ .kind = PORT_OVERLAP, .claim = 2, .other = 0, .port = 3003 });
	assert_trouble(&troubles, 2,
		(struct port_trouble){ .kind = PORT_OVERLAP, .claim = 2, .other = 1, .port = 3005 });
	vec_release_with(&troubles, mem_free);
}

static void neighbours_do_not_overlap(void **state)
{
	struct port_claim claims[] = {
		{ .app = "a", .written = 3000, .step = 1, .instances = 4 },
		{ .app = "b", .written = 3004, .step = 1, .instances = 4 },
		{ .app = "even", .written = 4000, .step = 2, .instances = 4 },
		{ .app = "odd", .written = 4001, .step = 2, .instances = 4 },
		{ .app = "off", .written = 3000, .step = 1, .instances = 0 },
	};

	(void)state;
	assign_quietly(claims, 5);
}

static void passed_on_ports_are_warned_about(void **state)
{
	struct port_claim claims[] = {
		{ .app = "worker", .from_env = 3000, .step = 1, .instances = 2 },
		{ .app = "server", .written = 3001, .step = 1, .instances = 4 },
		{ .app = "again", .from_env = 3000, .step = 1, .instances = 1 },
	};
	struct vec troubles = VEC_INIT;

	(void)state;
	assign(claims, 3, &troubles);
	assert_int_equal(troubles.len, 2);
	assert_trouble(&troubles, 0,
		(struct port_trouble){ .kind = PORT_OVERLAP_PASSED, .claim = 1, .other = 0, .port = 3001 });
	assert_trouble(&troubles, 1,
		(struct port_trouble){ .kind = PORT_OVERLAP_PASSED, .claim = 2, .other = 0, .port = 3000 });
	vec_release_with(&troubles, mem_free);
}

static void nothing_passes_65535(void **state)
{
	struct port_claim claims[] = {
		{ .app = "just", .written = 65532, .step = 1, .instances = 4 },
		{ .app = "beyond", .written = 65000, .step = 1, .instances = 537 },
		{ .app = "wild", .written = 100, .step = INT_MAX, .instances = 10000 },
		{ .app = "passed", .from_env = 70000, .step = 1, .instances = 1 },
	};
	struct vec troubles = VEC_INIT;

	(void)state;
	assign(claims, 4, &troubles);
	assert_int_equal(troubles.len, 4);
	assert_trouble(&troubles, 0,
		(struct port_trouble){ .kind = PORT_BEYOND, .claim = 1, .other = 1, .port = 65536 });
	assert_trouble(&troubles, 1,
		(struct port_trouble){ .kind = PORT_OVERLAP, .claim = 1, .other = 0, .port = 65532 });
	assert_trouble(&troubles, 2,
		(struct port_trouble){ .kind = PORT_BEYOND, .claim = 2, .other = 2, .port = INT_MAX });
	assert_trouble(&troubles, 3,
		(struct port_trouble){ .kind = PORT_BEYOND, .claim = 3, .other = 3, .port = 70000 });
	assert_int_equal(ports_of(&claims[1], 535), 65535);
	assert_int_equal(ports_of(&claims[1], 536), 0);
	assert_int_equal(ports_of(&claims[3], 0), 0);
	vec_release_with(&troubles, mem_free);
}

static void a_full_machine_is_told(void **state)
{
	struct port_claim claims[] = {
		{ .app = "half", .written = 3001, .step = 2, .instances = 10000 },
		{ .app = "wide", .step = 70000, .instances = 2 },
		{ .app = "fits", .step = 60000, .instances = 2 },
	};
	struct strangers all = { .from = 1, .to = PORTS_LAST };
	struct vec troubles = VEC_INIT;

	(void)state;
	assign(claims, 3, &troubles);
	assert_int_equal(troubles.len, 1);
	assert_trouble(&troubles, 0,
		(struct port_trouble){ .kind = PORT_NO_BLOCK, .claim = 1, .other = 1, .port = 0 });
	assert_int_equal(claims[1].source, PORT_NONE);
	assert_int_equal(ports_of(&claims[1], 0), 0);
	assert_block(&claims[2], 3000);
	vec_release_with(&troubles, mem_free);
	troubles = (struct vec)VEC_INIT;
	ports_assign(claims + 2, 1, held_by_stranger, &all, &troubles);
	assert_int_equal(troubles.len, 1);
	assert_int_equal(claims[2].source, PORT_NONE);
	vec_release_with(&troubles, mem_free);
}

static void a_thousand_apps_stay_apart(void **state)
{
	static struct port_claim claims[1000];
	static struct port_claim again[1000];
	static int owner[PORTS_LAST + 1];

	(void)state;
	for (int i = 0; i < 1000; i++)
		claims[i] = (struct port_claim){ .app = "x", .step = 1 + i % 3, .instances = 2 + i % 40 };
	assign_quietly(claims, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(claims[i].source, PORT_BLOCK);
		for (int k = 0; k < claims[i].instances; k++) {
			int port = ports_of(&claims[i], k);

			assert_in_range(port, PORTS_FIRST, PORTS_LAST);
			assert_int_equal(owner[port], 0);
			owner[port] = i + 1;
		}
	}
	/* Remembered, and asked in the other order, everybody has what they had. */
	for (int i = 0; i < 1000; i++) {
		again[i] = claims[999 - i];
		again[i].remembered = again[i].first;
	}
	assign_quietly(again, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(again[i].first, claims[999 - i].first);
}

static void no_claims_are_no_trouble(void **state)
{
	(void)state;
	assign_quietly(NULL, 0);
}

static void the_last_port_is_remembered(void **state)
{
	struct port_claim claims[] = {
		{ .app = "last", .remembered = PORTS_LAST, .step = 1, .instances = 1 },
		{ .app = "beyond", .remembered = PORTS_LAST + 1, .step = 1, .instances = 2 },
	};

	(void)state;
	assign_quietly(claims, 2);
	assert_block(&claims[0], PORTS_LAST);
	assert_block(&claims[1], PORTS_FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a written port counts up by its step and wins over env.PORT",
			a_written_port_counts_up),
		PROMISE("env.PORT is passed on, for one instance too, and not owned",
			env_port_is_passed_on_and_not_owned),
		PROMISE("four instances without a port get 3000 to 3003",
			the_guides_four_lines_get_3000_to_3003),
		PROMISE("one instance without a port gets none", one_instance_without_a_port_gets_none),
		PROMISE("blocks go around written, passed-on and other blocks' ports",
			blocks_go_around_everything),
		PROMISE("blocks with steps interleave", blocks_with_steps_share_what_they_do_not_touch),
		PROMISE("a block gets the lowest ports, also below one whose ports stand further apart",
			a_block_fits_below_one_with_other_steps),
		PROMISE("strangers' ports are left out of new blocks only", strangers_are_gone_around),
		PROMISE("a remembered block is kept, from newcomers and after scaling down",
			what_was_had_is_kept),
		PROMISE("a written port wins over a remembered block, which moves",
			a_written_port_moves_a_block),
		PROMISE("an overlap names both apps and their first common port",
			overlaps_name_both_and_the_first_port),
		PROMISE("ranges side by side do not overlap", neighbours_do_not_overlap),
		PROMISE("a passed-on port that meets another is a warning", passed_on_ports_are_warned_about),
		PROMISE("a range that passes 65535 is reported with its last port", nothing_passes_65535),
		PROMISE("a block that cannot be found is reported", a_full_machine_is_told),
		PROMISE("a thousand apps get blocks of their own and keep them", a_thousand_apps_stay_apart),
		PROMISE("no claims are no trouble", no_claims_are_no_trouble),
		PROMISE("a remembered block may be the last port of all, and one beyond it is forgotten",
			the_last_port_is_remembered),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
