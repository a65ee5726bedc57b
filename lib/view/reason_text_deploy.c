/*
 * How a deploy ended, as a sentence.
 */
#include "base/str.h"
#include "model/reason.h"
#include "view/reason_text.h"
#include "view/reason_text_private.h"

static const char *word(const char *text)
{
	return text ? text : "";
}

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

/* Where the revision is from, and what failed beside it. */
static void add_rest(const struct reason *r, struct buf *out)
{
	if (r->location && *r->location)
		buf_addf(out, ", from %s", r->location);
	if (r->is_rolled_back && str_eq(r->verb, "reload"))
		buf_addf(out, " (rolled back; 'oxctl deploy %s' takes the newest)", word(r->app));
	if (r->cause)
		buf_adds(out, ", but ");
	reason_text(r->cause, out);
}

void deployed_text(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%s: revision %lld runs in %lld of %lld instance%s (%.1f s)", word(r->app),
		(long long)r->revision, (long long)r->running, (long long)r->count, plural(r->count),
		(double)r->ms / 1000);
	add_rest(r, out);
}

void stopped_meanwhile_text(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%s: was stopped while it was deployed; revision %lld is used at the next start",
		word(r->app), (long long)r->revision);
	add_rest(r, out);
}

static void add_standing(const struct reason *r, struct buf *out)
{
	static const char *const words[REASON_STANDS_COUNT] = {
		[REASON_STANDS_UNTOUCHED] = "nothing was touched",
		[REASON_STANDS_WENT_BACK] = "it went back",
		[REASON_STANDS_STUCK] = "rolling back is stuck",
		[REASON_STANDS_STILL] =
			"rollback is off, so it stands still: 'deploy' again, or 'deploy --abort' to go back",
	};

	if (!words[r->stands])
		return;
	buf_addf(out, "; %s", words[r->stands]);
	if (r->stands == REASON_STANDS_STILL)
		return;
	buf_addf(out, ", %lld of %lld instance%s run%s revision %lld", (long long)r->running,
		(long long)r->count, plural(r->count), r->count == 1 ? "s" : "", (long long)r->current);
	if (r->lost && *r->lost)
		buf_addf(out, ", but %s: what starts runs the files that are there now", r->lost);
}

void not_deployed_text(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%s: %srevision %lld is not deployed", word(r->app), r->is_aborted ? "aborted: " : "",
		(long long)r->revision);
	if (!r->is_aborted) {
		buf_adds(out, ": ");
		if (!r->cause)
			buf_adds(out, "it failed");
		reason_text(r->cause, out);
	}
	add_standing(r, out);
}
