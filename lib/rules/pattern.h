/*
 * Which extended regular expressions may be run by a program that must not be held up: those that cost time or memory out of all proportion are
 * refused before they are compiled.
 */
#ifndef OX_RULES_PATTERN_H
#define OX_RULES_PATTERN_H

struct err;

enum {
	PATTERN_MAX = 1024,     /* bytes */
	PATTERN_TIMES_MAX = 256 /* all upper bounds of {n,m} multiplied */
};

/* 0, or -1 with words.  What is no regular expression at all is for regcomp() to say. */
int pattern_check(const char *pattern, struct err *e);

#endif
