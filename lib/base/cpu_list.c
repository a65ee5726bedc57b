#include "base/cpu_list.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"

void cpu_list_add(struct cpu_list *list, int cpu)
{
	ASSERT(cpu >= 0 && cpu < CPU_LIST_MAX, "there is no processor %d", cpu);
	list->words[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

bool cpu_list_has(const struct cpu_list *list, int cpu)
{
	return (list->words[cpu / 64] >> (cpu % 64) & 1) != 0;
}

int cpu_list_count(const struct cpu_list *list)
{
	int count = 0;

	for (size_t k = 0; k < CPU_LIST_WORDS; k++)
		count += __builtin_popcountll(list->words[k]);
	return count;
}

int cpu_list_nth(const struct cpu_list *list, int k)
{
	int count = cpu_list_count(list);
	int cpu = -1;

	for (int left = count ? k % count : -1; left >= 0; left--)
		do
			cpu++;
		while (!cpu_list_has(list, cpu));
	return cpu;
}

struct cpu_list cpu_list_both(const struct cpu_list *list, const struct cpu_list *other)
{
	struct cpu_list both;

	for (size_t k = 0; k < CPU_LIST_WORDS; k++)
		both.words[k] = list->words[k] & other->words[k];
	return both;
}

bool cpu_list_equal(const struct cpu_list *a, const struct cpu_list *b)
{
	return !memcmp(a->words, b->words, sizeof(a->words));
}

static const char *after_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Digits; moves *at behind them and the blanks that follow. */
static int parse_number(const char **at, int *cpu, struct err *e)
{
	const char *c = *at;
	long long value = 0;

	if (!*c)
		return err_set(e, "it ends where the number of a processor should stand");
	if (*c < '0' || *c > '9')
		return err_set(e, "expected the number of a processor at \"%s\"", c);
	for (; *c >= '0' && *c <= '9'; c++)
		value = value < CPU_LIST_MAX ? value * 10 + (*c - '0') : value;
	if (value >= CPU_LIST_MAX)
		return err_set(e, "there is no processor %.*s; no kernel has one above %d", (int)(c - *at),
			*at, CPU_LIST_MAX - 1);
	*cpu = (int)value;
	*at = after_blanks(c);
	return 0;
}

/* "3" or "0-3". */
static int parse_range(const char **at, struct cpu_list *out, struct err *e)
{
	int first = 0;
	int last = 0;

	if (parse_number(at, &first, e) < 0)
		return -1;
	last = first;
	if (**at == '-') {
		*at = after_blanks(*at + 1);
		if (parse_number(at, &last, e) < 0)
			return -1;
	}
	if (last < first)
		return err_set(e, "the range %d-%d is backwards", first, last);
	for (int cpu = first; cpu <= last; cpu++)
		cpu_list_add(out, cpu);
	return 0;
}

int cpu_list_parse(const char *text, struct cpu_list *out, struct err *e)
{
	const char *at = after_blanks(text);

	*out = (struct cpu_list){ .words = { 0 } };
	if (!*at)
		return err_set(e, "it names no processor");
	for (;;) {
		if (parse_range(&at, out, e) < 0)
			return -1;
		if (!*at)
			return 0;
		if (*at != ',')
			return err_set(e, "expected \",\" or \"-\" at \"%s\"", at);
		at = after_blanks(at + 1);
	}
}

void cpu_list_print(const struct cpu_list *list, struct buf *out)
{
	bool is_first = true;

	for (int cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		int last = cpu;

		if (!cpu_list_has(list, cpu))
			continue;
		while (last + 1 < CPU_LIST_MAX && cpu_list_has(list, last + 1))
			last++;
		buf_addf(out, is_first ? "%d" : ",%d", cpu);
		if (last > cpu)
			buf_addf(out, "-%d", last);
		is_first = false;
		cpu = last;
	}
}
