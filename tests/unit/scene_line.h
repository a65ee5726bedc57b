/* One line of a scene, cut into words. */
#ifndef OX_TESTS_UNIT_SCENE_LINE_H
#define OX_TESTS_UNIT_SCENE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake;

struct line {
	char **words;
	size_t count;
};

/* "" where there are not so many words; 0 for what is no number. */
const char *line_word(const struct line *l, size_t at);
int64_t line_number(const struct line *l, size_t at);
bool line_has(const struct line *l, const char *flag);

/* Tells the herd the fact that the line is; false when it is none. */
bool scene_fact(struct fake *f, const struct line *l);

#endif
