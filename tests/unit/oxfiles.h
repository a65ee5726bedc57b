/*
 * Oxfiles for tests: read with a small environment of their own.
 */
#ifndef OX_TESTS_OXFILES_H
#define OX_TESTS_OXFILES_H

#include "model/oxfile.h"

/* As oxfile.toml in /srv/app, with HOME=/home/me, TOKEN=s3cret and NOTHING empty; `profile` may be NULL. */
struct oxfile *read_with(const char *text, const char *profile, struct diags *d);

#endif
