/*
 * Between the herd and the journal (journal/event_log, journal/event_ring): what happens goes there, and a new brain gets it back.
 */
#ifndef OX_ENGINE_HISTORY_H
#define OX_ENGINE_HISTORY_H

struct brain;
struct herd_event;

/* Opens the event log.  Before anything happens: what is in it is remembered, by instances that still are and as events. */
void history_begin(struct brain *b);
/* For everybody: it gets its number, and those who listen hear of it. */
void history_publish(void *context, const struct herd_event *event);
/* For the instance alone. */
void history_remember(void *context, const struct herd_event *event);

#endif
