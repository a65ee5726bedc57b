#include "os/clock.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t = { .tv_sec = 0 };

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

uint64_t clock_ticks(void)
{
	return (uint64_t)(read_us(CLOCK_BOOTTIME) * sysconf(_SC_CLK_TCK) / 1000000);
}

int64_t clock_cpu_ms(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID) / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void clock_write(struct buf *out, int64_t wall_ms)
{
	/* Rounded down also before 1970, so that the milliseconds are never negative. */
	int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((wall_ms - ms) / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm)) {
		buf_adds(out, "-");
		return;
	}
	buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
}

void clock_local(struct wall_time *w, int64_t wall_ms)
{
	int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((wall_ms - ms) / 1000);
	struct tm tm = { .tm_mday = 1 };

	/* localtime_r need not look at TZ by itself. */
	tzset();
	(void)localtime_r(&seconds, &tm);
	*w = (struct wall_time){
		.epoch_ms = wall_ms,
		.year = tm.tm_year + 1900,
		.month = tm.tm_mon + 1,
		.day = tm.tm_mday,
		.hour = tm.tm_hour,
		.minute = tm.tm_min,
		.second = tm.tm_sec,
		.ms = (int)ms,
		.weekday = tm.tm_wday,
		.yearday = tm.tm_yday + 1,
		.east_minutes = (int)(tm.tm_gmtoff / 60),
	};
	snprintf(w->zone, sizeof(w->zone), "%s", tm.tm_zone ? tm.tm_zone : "");
}
