/*
 * One log file and its older siblings on the disk: turned (rules/rotate says how) together with their marks, put in order again after a
 * kill.  A kill between any two steps loses no line.
 */
#ifndef OX_LOGS_ROTATE_H
#define OX_LOGS_ROTATE_H

#include "rules/rotate.h"

struct err;
struct gzip;
struct log_place;

/* What is at its path becomes path.1 and so on.  -1 with words when it is still there. */
int logturn(const struct log_place *log, const struct rotate_policy *p, struct gzip *gzip, struct err *e);
/* Finishes what a killed brain had begun to rename or to compress; before its marks are opened. */
void logturn_heal(const struct log_place *log, const struct rotate_policy *p, struct gzip *gzip);

#endif
