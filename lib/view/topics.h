/*
 * The keys of the oxfile on a terminal, table by table: `oxctl help limits`.  A topic is a table of an app ("limits", or its other name
 * "resource_limits"), "app" for the keys in no table, or one key ("memory_mb", "limits.memory_mb").
 */
#ifndef OX_VIEW_TOPICS_H
#define OX_VIEW_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct str_guess;

bool topics_know(const char *word);
/* Every topic with the keys in it.  `width` 0: 80. */
void topics_list(struct buf *out, size_t width);
/* The keys of this topic with their sentences; nothing for a word that is none. */
void topics_print(struct buf *out, const char *word, size_t width);
/* Offers every word that topics_know() knows, but for the other names of keys. */
void topics_offer(struct str_guess *guess);
/* The names of the tables, and "app", each behind `before`: for completions. */
void topics_names(struct buf *out, const char *before);

#endif
