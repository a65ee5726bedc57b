/*
 * One log file and its older siblings on the disk: turned (rules/rotate says how) together with their marks, put in order again after a
 * kill.  A kill between any two steps loses no line.
 */
#ifndef OX_ENGINE_LOGTURN_H
#define OX_ENGINE_LOGTURN_H

#include "rules/rotate.h"

struct err;
struct gzip;

/* What is at `path` becomes path.1 and so on.  -1 with words when it is still there. */
int logturn(const char *path, const struct rotate_policy *p, struct gzip *gzip, struct err *e);
/* Finishes what a killed brain had begun to rename or to compress; before the marks of `path` are opened. */
void logturn_heal(const char *path, const struct rotate_policy *p, struct gzip *gzip);

#endif
