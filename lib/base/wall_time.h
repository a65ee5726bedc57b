/*
 * A moment as a wall clock shows it.
 */
#ifndef OX_BASE_WALL_TIME_H
#define OX_BASE_WALL_TIME_H

#include <stdint.h>

struct wall_time {
	int64_t epoch_ms; /* since 1970, UTC */
	int year;
	int month;        /* 1..12 */
	int day;          /* 1..31 */
	int hour;         /* 0..23 */
	int minute;       /* 0..59 */
	int second;       /* 0..60 */
	int ms;           /* 0..999 */
	int weekday;      /* 0: Sunday */
	int yearday;      /* 1..366 */
	int east_minutes; /* of UTC */
	char zone[16];    /* "CET" */
};

#endif
