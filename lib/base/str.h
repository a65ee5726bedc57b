/*
 * Questions about strings that somebody else owns.  Nothing here allocates.
 */
#ifndef OX_BASE_STR_H
#define OX_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL equals only NULL. */
bool str_eq(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* Where `word` (may be NULL) stands among these; false, and *at as it was, if it does not. */
bool str_find(const char *const *words, int count, const char *word, int *at);
/* A whole decimal number, optionally with a sign, nothing before or after it; false if it does not fit. */
bool str_to_int(const char *text, int64_t *value);

/*
 * One character of UTF-8 at text[0..len): its code point goes to *point (may be NULL); gives how many bytes
 * it takes, or 0 when they are not well-formed (overlong, surrogate, above U+10FFFF, cut off).
 */
size_t str_utf8(const char *text, size_t len, uint32_t *point);
/* The characters in text[0..len); a byte that is not UTF-8 counts as one. */
size_t str_utf8_count(const char *text, size_t len);
/*
 * How many columns of a terminal it takes: 0 for combining marks, 2 for wide East Asian characters and emoji.
 */
size_t str_width(const char *text);

/* How many letters must change (insert, drop, replace, swap two neighbours) to make `b` of `a`. */
size_t str_distance(const char *a, const char *b);

/*
 * Finds what somebody meant.  Offer it every word there is, then take the nearest one if it is near enough.
 *	struct str_guess guess = { .typed = "retsart" };
 *	str_guess_offer(&guess, "restart"); …
 *	if (guess.best) diag_hint(d, "did you mean '%s'?", guess.best);
 */
struct str_guess {
	const char *typed;
	const char *best; /* borrowed from the offer; NULL while nothing is near */
	size_t distance;
};
void str_guess_offer(struct str_guess *guess, const char *word);

#endif
