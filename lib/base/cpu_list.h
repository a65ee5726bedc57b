/*
 * A set of processors, as taskset(1) and the kernel write it: "0-3,5".
 */
#ifndef OX_BASE_CPU_LIST_H
#define OX_BASE_CPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	CPU_LIST_MAX = 8192, /* the most that a kernel is built for */
	CPU_LIST_WORDS = CPU_LIST_MAX / 64,
};

/* Processor n is bit n % 64 of word n / 64.  All zeros is the empty one. */
struct cpu_list {
	uint64_t words[CPU_LIST_WORDS];
};

/* -1 with words, which say what is wrong; also for a set of none. */
int cpu_list_parse(const char *text, struct cpu_list *out, struct err *e);
/* Appends it as the kernel writes it; nothing for the empty one. */
void cpu_list_print(const struct cpu_list *list, struct buf *out);
/* 0 <= cpu < CPU_LIST_MAX for these two. */
void cpu_list_add(struct cpu_list *list, int cpu);
bool cpu_list_has(const struct cpu_list *list, int cpu);
int cpu_list_count(const struct cpu_list *list);
/* Number k of its members, from 0; after the last the first follows.  -1 of an empty one. */
int cpu_list_nth(const struct cpu_list *list, int k);
/* Those of `list` that are in `other` too. */
struct cpu_list cpu_list_both(const struct cpu_list *list, const struct cpu_list *other);
bool cpu_list_equal(const struct cpu_list *a, const struct cpu_list *b);

#endif
