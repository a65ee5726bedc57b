/*
 * Any text as a cron expression.  What parses must give a next match that matches, exists in the calendar, and comes first:
 * the three days after the start are looked at minute by minute.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rules/cron.h"

enum { MINUTES_LOOKED_AT = 3 * 24 * 60 };

static int days_of(int year, int month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool exists(struct civil at)
{
	return at.month >= 1 && at.month <= 12 && at.day >= 1 && at.day <= days_of(at.year, at.month) &&
		at.hour >= 0 && at.hour < 24 && at.minute >= 0 && at.minute < 60;
}

static struct civil tick(struct civil at)
{
	if (++at.minute < 60)
		return at;
	at.minute = 0;
	if (++at.hour < 24)
		return at;
	at.hour = 0;
	if (++at.day <= days_of(at.year, at.month))
		return at;
	at.day = 1;
	if (++at.month <= 12)
		return at;
	at.month = 1;
	at.year++;
	return at;
}

static bool is_same(struct civil a, struct civil b)
{
	return !memcmp(&a, &b, sizeof(a));
}

/* A moment that follows from the text, so that a seed alone replays it. */
static struct civil start_of(const uint8_t *bytes, size_t len)
{
	uint32_t mixed = 2166136261U;
	struct civil at = { 0 };

	for (size_t i = 0; i < len; i++)
		mixed = (mixed ^ bytes[i]) * 16777619U;
	at.year = 1970 + (int)(mixed % 200);
	at.month = 1 + (int)(mixed >> 8) % 12;
	at.day = 1 + (int)(mixed >> 12) % days_of(at.year, at.month);
	at.hour = (int)(mixed >> 17) % 24;
	at.minute = (int)(mixed >> 22) % 60;
	return at;
}

static void check_next(const struct cron *c, struct civil after)
{
	struct civil next = { 0 };
	bool has_next = cron_next(c, after, &next);
	struct civil at = after;

	if (has_next && (!exists(next) || !cron_matches(c, next) || next.year > after.year + 8))
		abort();
	for (int i = 0; i < MINUTES_LOOKED_AT; i++) {
		at = tick(at);
		if (!cron_matches(c, at))
			continue;
		if (!has_next || !is_same(at, next))
			abort();
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = mem_strndup((const char *)bytes, len);
	struct cron c = { 0 };
	struct err e = ERR_INIT;

	if (cron_parse(text, &c, &e) == 0)
		check_next(&c, start_of(bytes, len));
	else if (!e.text.len)
		abort();
	err_release(&e);
	mem_free(text);
	return 0;
}
