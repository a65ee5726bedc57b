/*
 * An event as the daemon tells it, or an entry of the timeline of an instance, read from JSON once.  Words stay as they came, so that what a newer
 * daemon says is shown too.
 */
#ifndef OX_MODEL_EVENT_RECORD_H
#define OX_MODEL_EVENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct json;

#define EVENT_RECORD_NO_TIME INT64_MIN

struct event_record {
	int64_t at_ms;            /* since 1970, UTC; EVENT_RECORD_NO_TIME */
	const char *kind;         /* a word of model/events.def; NULL: unknown, as all texts here */
	const char *id, *app;     /* "api:2" and "api"; NULL in a timeline */
	int instance;             /* -1: about the app as a whole */
	const char *from, *to;    /* states */
	const char *on;           /* the event that led from one to the other */
	const char *why;          /* a sentence, and below it what the instance wrote last */
	bool names_delay;         /* that sentence says by itself when it starts again */
	int64_t delay_ms;         /* until it does; -1 */
	const char *phase, *step; /* of a rollout; from here on 0 where it is none */
	int revision;             /* -1: none */
	int done, total;
	int64_t elapsed_ms;
	bool is_spare;
};

/* All borrowed from `j`.  What is missing, or of another type, is unknown. */
void event_record_read(const struct json *j, struct event_record *r);

#endif
