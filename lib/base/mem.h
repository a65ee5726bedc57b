/*
 * Memory that is there or the program is not.  Every input is bounded before it is stored, so running
 * out means that the machine is lost: these functions print one line and abort, and never return NULL.
 * State is on disk before it matters, so nothing is missed by that.
 */
#ifndef OX_BASE_MEM_H
#define OX_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
/* As mem_alloc, filled with zeros; count * size may not overflow. */
void *mem_zalloc(size_t count, size_t size);
/* Resizes an array of `count` members; the old pointer is gone. */
void *mem_resize(void *old, size_t count, size_t size);
void *mem_dup(const void *bytes, size_t size);
/* NULL gives NULL, as an absent string is copied by staying absent. */
char *mem_strdup(const char *text);
/* At most `len` bytes of `text`, and a '\0'. */
char *mem_strndup(const char *text, size_t len);
/* NULL does nothing. */
void mem_free(void *ptr);
/* What was freed goes back to the system, where the library knows how: for after a burst, as it looks at all that is free. */
void mem_trim(void);
/* From now on large blocks go back by themselves when they are freed: for what runs long, and is large only at times. */
void mem_return_large(void);

#endif
