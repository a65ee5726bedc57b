/*
 * One event, kept once and shared by reference: the ring of the last events and the past of an instance hold the same item.  JSON is made only when
 * a client asks or listens.
 */
#ifndef OX_JOURNAL_EVENT_ITEM_H
#define OX_JOURNAL_EVENT_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/event.h"

struct event_item;
struct past_entry;

/* As number `seq`; 0: it belongs to the past of an instance alone.  For event_item_unref(). */
struct event_item *event_item_new(const struct herd_event *event, int64_t seq, int64_t wall_ms);
struct event_item *event_item_ref(struct event_item *item);
void event_item_unref(void *item);

int64_t event_item_seq(const struct event_item *item);
int64_t event_item_wall_ms(const struct event_item *item);
enum herd_event_kind event_item_kind(const struct event_item *item);
const char *event_item_app(const struct event_item *item);
/* -1: it is about the app as a whole. */
int event_item_instance(const struct event_item *item);
/* Did the instance write something last? */
bool event_item_has_lines(const struct event_item *item);
/* Is it the end of this run of "api:2"? */
bool event_item_is_end_of(const struct event_item *item, const char *name, uint64_t run);
/* Appends it as a JSON object. */
void event_item_write(const struct event_item *item, struct buf *out);
/* As `why` shows it. */
void event_item_to_entry(const struct event_item *item, struct past_entry *entry);
/* The same with only the newest `lines` of what the instance wrote; takes one reference of `item` and gives one. */
struct event_item *event_item_cut(struct event_item *item, size_t lines);

#endif
