#include "rules/gate_program.h"

#include <string.h>

#include "unit.h"

/* What the program may ask the kernel for. */
struct packet {
	uint8_t header[40];
	uint32_t random;
};

static uint32_t load(const struct packet *p, uint32_t at, int bytes)
{
	uint32_t offset = at - (uint32_t)-0x100000;
	uint32_t value = 0;

	if (at == (uint32_t)(-0x1000 + 56))
		return p->random;
	assert_true(offset + (uint32_t)bytes <= sizeof(p->header));
	for (int i = 0; i < bytes; i++)
		value = value << 8 | p->header[offset + (uint32_t)i];
	return value;
}

static uint32_t calculate(const struct gate_step *step, uint32_t a)
{
	switch (step->code) {
	case 0x54:
		return a & step->number;
	case 0x14:
		return a - step->number;
	case 0x04:
		return a + step->number;
	case 0x94:
		assert_true(step->number > 0);
		return step->number ? a % step->number : 0;
	case 0x74:
		return a >> step->number;
	default:
		fail_msg("the program has an instruction %#x", step->code);
		return 0;
	}
}

/* The instructions that it consists of, as the kernel carries them out. */
static int64_t run(const struct gate_step *steps, size_t count, const struct packet *p)
{
	uint32_t a = 0;

	for (size_t at = 0; at < count; at++) {
		const struct gate_step *step = &steps[at];

		if (step->code == 0x06)
			return step->number;
		if (step->code == 0x16)
			return a;
		if (step->code == 0x20 || step->code == 0x30)
			a = load(p, step->number, step->code == 0x20 ? 4 : 1);
		else if (step->code == 0x05)
			at += step->number;
		else if (step->code == 0x15)
			at += a == step->number ? step->yes : step->no;
		else if (step->code == 0x35)
			at += a >= step->number ? step->yes : step->no;
		else
			a = calculate(step, a);
	}
	fail_msg("the program has no end");
	return -1;
}

static struct packet from_ipv4(uint32_t address, uint32_t random)
{
	struct packet p = { .header = { 0x45 }, .random = random };

	for (int i = 0; i < 4; i++)
		p.header[12 + i] = (uint8_t)(address >> (24 - 8 * i));
	return p;
}

static struct packet from_ipv6(int traffic_class, uint8_t last, uint32_t random)
{
	struct packet p = { .random = random };

	p.header[0] = (uint8_t)(0x60 | traffic_class >> 4);
	/* A label of the flow must not matter. */
	p.header[1] = (uint8_t)((traffic_class & 15) << 4 | 0xf);
	p.header[23] = last;
	return p;
}

enum { STRANGER = 0x0a000001, MARKS = 0x7f4d0000, MANY = 300 };

static struct gate_step steps[GATE_PROGRAM_MAX];

/* How many of `rounds` random numbers lead to each place. */
static void count_shares(size_t len, int *got, int places, uint32_t rounds)
{
	memset(got, 0, (size_t)places * sizeof(*got));
	for (uint32_t random = 0; random < rounds; random++) {
		struct packet p = from_ipv4(STRANGER, random);
		struct packet six = from_ipv6(0, 1, random);
		int64_t place = run(steps, len, &p);

		assert_in_range(place, 0, places - 1);
		assert_int_equal(run(steps, len, &six), place);
		got[place]++;
	}
}

static void only_chosen_places_and_equal_shares(void **state)
{
	static const struct {
		int chosen[6];
		size_t count;
		int places;
	} rows[] = {
		{ { 0 }, 1, 1 },
		{ { 6 }, 1, 8 },
		{ { 0, 1, 2, 3 }, 4, 4 },
		{ { 4, 5, 6, 7 }, 4, 8 },
		{ { 1, 2, 3, 6 }, 4, 8 },
		{ { 0, 2, 4, 6, 8, 9 }, 6, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int got[10];
		size_t next = 0;
		size_t len = gate_program(steps, rows[i].chosen, rows[i].count, rows[i].places);

		assert_true(len > 0);
		count_shares(len, got, rows[i].places, (uint32_t)rows[i].count * 100);
		for (int place = 0; place < rows[i].places; place++) {
			bool is_chosen = next < rows[i].count && rows[i].chosen[next] == place;

			next += is_chosen;
			assert_int_equal(got[place], is_chosen ? 100 : 0);
		}
	}
}

static void each_mark_reaches_its_place(void **state)
{
	static const int chosen[] = { 7, 9, 200 };
	size_t len = gate_program(steps, chosen, 3, MANY);

	(void)state;
	for (int place = 0; place < MANY; place++) {
		struct packet p = from_ipv4(MARKS + gate_mark_address(place), 1);
		int traffic_class = gate_mark_class(place);

		assert_int_equal(run(steps, len, &p), place);
		if (traffic_class < 0)
			continue;
		p = from_ipv6(traffic_class, 1, 1);
		assert_int_equal(run(steps, len, &p), place);
		/* The two bits below belong to congestion control. */
		p = from_ipv6(traffic_class | 3, 1, 1);
		assert_int_equal(run(steps, len, &p), place);
	}
	assert_true(gate_mark_class(GATE_MARKS_IPV6 - 1) > 0);
	assert_int_equal(gate_mark_class(GATE_MARKS_IPV6), -1);
	assert_int_equal(gate_mark_class(-1), -1);
}

static void unknown_marks_fall_through(void **state)
{
	static const int chosen[] = { 2 };
	size_t len = gate_program(steps, chosen, 1, 4);
	static const uint32_t addresses[] = { MARKS, MARKS + 5, MARKS + 0xffff, MARKS + 0x10001,
		MARKS - 0xffff, 0x7f000001, STRANGER };

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct packet p = from_ipv4(addresses[i], 0);

		assert_int_equal(run(steps, len, &p), 2);
	}
	for (int place = 4; place < GATE_MARKS_IPV6; place++) {
		struct packet p = from_ipv6(gate_mark_class(place), 1, 0);

		assert_int_equal(run(steps, len, &p), 2);
	}
	/* A class counts only of ::1. */
	for (int at = 8; at < 24; at++) {
		struct packet p = from_ipv6(gate_mark_class(0), 1, 0);

		p.header[at] ^= 0x10;
		assert_int_equal(run(steps, len, &p), 2);
	}
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const int twice[] = { 1, 1 };
	static const int falling[] = { 2, 1 };
	static const int negative[] = { -1, 1 };
	static const int beyond[] = { 1, 4 };

	(void)state;
	assert_int_equal(gate_program(steps, twice, 0, 4), 0);
	assert_int_equal(gate_program(steps, twice, 2, 4), 0);
	assert_int_equal(gate_program(steps, falling, 2, 4), 0);
	assert_int_equal(gate_program(steps, negative, 2, 4), 0);
	assert_int_equal(gate_program(steps, beyond, 2, 4), 0);
	assert_int_equal(gate_program(steps, beyond, 1, 0), 0);
	assert_int_equal(gate_program(steps, beyond, 1, GATE_PLACES_MAX + 1), 0);
	assert_true(gate_program(steps, beyond, 2, 5) > 0);
}

static void a_program_without_room_is_none(void **state)
{
	static int chosen[4096];
	size_t most = 0;

	(void)state;
	/* Every second place: each is a question of its own. */
	for (int i = 0; i < 4096; i++)
		chosen[i] = 2 * i;
	for (size_t count = 1; count < 4096 && gate_program(steps, chosen, count, 8192); count++)
		most = count;
	assert_in_range(most, 1000, 2000);
	/* In a row there is room for all. */
	for (int i = 0; i < 4096; i++)
		chosen[i] = i;
	assert_in_range(gate_program(steps, chosen, 4096, 8192), 1, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("only chosen places get connections, and each as many as the others",
			only_chosen_places_and_equal_shares),
		PROMISE("each mark reaches its place, over IPv4 and ::1", each_mark_reaches_its_place),
		PROMISE("unknown marks are no marks", unknown_marks_fall_through),
		PROMISE("places that make no sense are refused", what_makes_no_sense_is_refused),
		PROMISE("a program that is too long for the kernel is refused",
			a_program_without_room_is_none),
	};

	return cmocka_run_group_tests_name("gate_program", tests, NULL, NULL);
}
