/*
 * Text for a manual in mdoc.
 */
#ifndef OX_WIRE_MDOC_H
#define OX_WIRE_MDOC_H

struct buf;

/* A line that starts no macro and holds no escape. */
void mdoc_text(struct buf *out, const char *text);

#endif
