/*
 * The JSON schema of the oxfile, for editors, made from the table of keys.
 */
#ifndef OX_VIEW_SCHEMA_H
#define OX_VIEW_SCHEMA_H

struct json;

/* The caller frees it. */
struct json *schema_make(void);

#endif
