/*
 * Bytes that are no text, as text: base64 with padding (RFC 4648).
 */
#ifndef OX_BASE_BASE64_H
#define OX_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

void base64_write(struct buf *out, const char *bytes, size_t len);
/* Appends the bytes; false, and perhaps some of them, when it is no base64. */
bool base64_read(struct buf *out, const char *text);

#endif
