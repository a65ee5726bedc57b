/* Reasons as sentences, for tests that compare them; each stays until the call after the next three. */
#ifndef OX_TESTS_IN_WORDS_H
#define OX_TESTS_IN_WORDS_H

#include "model/reason.h"

struct herd_event;
struct notes;

const char *in_words(const struct reason *r);
/* With the lines of the instance below it. */
const char *event_words(const struct herd_event *e);
/* A line each. */
const char *notes_words(const struct notes *n);

/* Words that somebody else said. */
#define SAID(words) (&REASON_OF(OTHER, .text = (words)))

#endif
