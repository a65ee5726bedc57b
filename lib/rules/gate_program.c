#include "rules/gate_program.h"

#include "base/assert.h"

/* The kernel's own numbers, of linux/bpf_common.h and linux/filter.h: this room includes no system header. */
enum {
	LOAD_WORD = 0x20, /* BPF_LD | BPF_W | BPF_ABS */
	LOAD_BYTE = 0x30,
	AND = 0x54,
	SUBTRACT = 0x14,
	ADD = 0x04,
	REMAINDER = 0x94,
	SHIFT_RIGHT = 0x74,
	IF_EQUAL = 0x15,
	IF_AT_LEAST = 0x35,
	GO_ON = 0x05,
	RETURN = 0x06,
	RETURN_IT = 0x16,
};

#define FROM_IP_HEADER (-0x100000)
#define RANDOM         ((uint32_t)(-0x1000 + 56))

enum {
	IPV4_STEPS = 8, /* of add_ipv4_marks() */
	IPV6_STEPS = 14,
	IPV4_SOURCE = 12,
	IPV6_SOURCE = 8,
	MARK_NET = 0x7f4d0000, /* 127.77.0.0 */
	MARK_BITS = 0xffff,
};

struct writer {
	struct gate_step *steps;
	size_t len;
	bool is_full;
};

static void add_jump(struct writer *w, uint16_t code, uint32_t number, uint8_t yes, uint8_t no)
{
	if (w->len == GATE_PROGRAM_MAX) {
		w->is_full = true;
		return;
	}
	w->steps[w->len++] = (struct gate_step){ code, yes, no, number };
}

static void add(struct writer *w, uint16_t code, uint32_t number)
{
	add_jump(w, code, number, 0, 0);
}

static void load_word(struct writer *w, int offset)
{
	add(w, LOAD_WORD, (uint32_t)(FROM_IP_HEADER + offset));
}

/* What comes from 127.77.x.y, and falls through where nothing has that mark. */
static void add_ipv4_marks(struct writer *w, int count)
{
	load_word(w, IPV4_SOURCE);
	add(w, AND, ~(uint32_t)MARK_BITS);
	add_jump(w, IF_EQUAL, MARK_NET, 0, 5);
	load_word(w, IPV4_SOURCE);
	add(w, AND, MARK_BITS);
	/* No mark is 0: below it is a number that no list is as long as. */
	add(w, SUBTRACT, 1);
	add_jump(w, IF_AT_LEAST, (uint32_t)count, 1, 0);
	add(w, RETURN_IT, 0);
}

/* What comes from ::1 with a traffic class. */
static void add_ipv6_marks(struct writer *w, int count)
{
	for (int word = 0; word < 3; word++) {
		load_word(w, IPV6_SOURCE + word * 4);
		add_jump(w, IF_EQUAL, 0, 0, (uint8_t)(12 - word * 2));
	}
	load_word(w, IPV6_SOURCE + 12);
	add_jump(w, IF_EQUAL, 1, 0, 6);
	load_word(w, 0);
	add(w, SHIFT_RIGHT, 22);
	add(w, AND, GATE_MARKS_IPV6);
	add(w, SUBTRACT, 1);
	add_jump(w, IF_AT_LEAST, (uint32_t)count, 1, 0);
	add(w, RETURN_IT, 0);
}

/* Places in a row are one question. */
static void add_choice(struct writer *w, const int *chosen, size_t count)
{
	if (count > 1) {
		add(w, LOAD_WORD, RANDOM);
		add(w, REMAINDER, (uint32_t)count);
	}
	for (size_t begin = 0; begin < count;) {
		size_t end = begin + 1;

		while (end < count && chosen[end] == chosen[end - 1] + 1)
			end++;
		if (end < count)
			add_jump(w, IF_AT_LEAST, (uint32_t)end, 2, 0);
		if (count == 1) {
			add(w, RETURN, (uint32_t)chosen[0]);
		} else {
			add(w, ADD, (uint32_t)(chosen[begin] - (int)begin));
			add(w, RETURN_IT, 0);
		}
		begin = end;
	}
}

static bool are_places(const int *chosen, size_t chosen_count, int count)
{
	if (!chosen_count || count < 1 || count > GATE_PLACES_MAX)
		return false;
	for (size_t i = 0; i < chosen_count; i++)
		if (chosen[i] < 0 || chosen[i] >= count || (i && chosen[i] <= chosen[i - 1]))
			return false;
	return true;
}

size_t gate_program(struct gate_step *steps, const int *chosen, size_t chosen_count, int count)
{
	struct writer w = { .steps = steps };

	if (!are_places(chosen, chosen_count, count))
		return 0;
	add(&w, LOAD_BYTE, (uint32_t)FROM_IP_HEADER);
	add(&w, SHIFT_RIGHT, 4);
	add_jump(&w, IF_EQUAL, 6, IPV4_STEPS + 1, 0);
	add_ipv4_marks(&w, count);
	add(&w, GO_ON, IPV6_STEPS);
	add_ipv6_marks(&w, count);
	ASSERT(w.len == 3 + IPV4_STEPS + 1 + IPV6_STEPS, "the marks are %zu steps", w.len);
	add_choice(&w, chosen, chosen_count);
	return w.is_full ? 0 : w.len;
}

uint32_t gate_mark_address(int place)
{
	return (uint32_t)place + 1;
}

int gate_mark_class(int place)
{
	return place >= 0 && place < GATE_MARKS_IPV6 ? (place + 1) << 2 : -1;
}
