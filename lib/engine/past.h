/*
 * From the diary (journal/event_log.h) to what the herd and the news remember, and back.
 */
#ifndef OX_ENGINE_PAST_H
#define OX_ENGINE_PAST_H

struct brain;
struct herd_event;

/* Opens the diary.  Before anything happens: what is in it is remembered, by instances that still are and as events. */
void past_begin(struct brain *b);
/* For everybody: it gets its number, and those who listen hear of it. */
void past_publish(void *context, const struct herd_event *event);
/* For the instance alone. */
void past_remember(void *context, const struct herd_event *event);

#endif
