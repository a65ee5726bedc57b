#include "rules/proxy_round.h"

#include "base/assert.h"

void proxy_site_change(struct proxy_site *s, uint64_t serial, int64_t now)
{
	ASSERT(serial >= s->serial, "change %llu of an upstream comes after change %llu",
		(unsigned long long)serial, (unsigned long long)s->serial);
	s->serial = serial;
	s->retry_ms = 0;
	/* From the first of several changes on, so that they cannot put it off for ever. */
	if (!s->is_due || s->due_at > now + UPSTREAM_COALESCE_MS)
		s->due_at = now + UPSTREAM_COALESCE_MS;
	s->is_due = true;
}

bool proxy_site_is_due(const struct proxy_site *s, int64_t now)
{
	return s->is_due && s->due_at <= now;
}

void proxy_site_begin(struct proxy_site *s)
{
	ASSERT(s->is_due, "a round about change %llu begins before it is due", (unsigned long long)s->serial);
	s->is_due = false;
	s->round_serial = s->serial;
}

bool proxy_site_goes_with(const struct proxy_site *first, const struct proxy_site *s)
{
	return s->is_due && !first->is_alone && !s->is_alone;
}

static void tell(struct proxy_site *s, enum upstream_outcome outcome)
{
	ASSERT(s->round_serial <= s->serial, "a round about %llu, and %llu was asked for",
		(unsigned long long)s->round_serial, (unsigned long long)s->serial);
	s->reported = s->round_serial;
	s->reported_outcome = outcome;
}

void proxy_site_succeed(struct proxy_site *s)
{
	s->retry_ms = 0;
	s->is_alone = false;
	tell(s, UPSTREAM_IN_EFFECT);
}

bool proxy_site_fail(struct proxy_site *s, enum upstream_outcome outcome, int64_t now)
{
	bool is_news = s->reported != s->round_serial || s->reported_outcome != outcome;

	s->retry_ms = s->retry_ms ? s->retry_ms * 2 : UPSTREAM_RETRY_MS;
	if (s->retry_ms > UPSTREAM_RETRY_MAX_MS)
		s->retry_ms = UPSTREAM_RETRY_MAX_MS;
	/* What was asked for meanwhile is due before. */
	if (!s->is_due)
		s->due_at = now + s->retry_ms;
	s->is_due = true;
	if (is_news)
		tell(s, outcome);
	ASSERT(s->retry_ms >= UPSTREAM_RETRY_MS && s->retry_ms <= UPSTREAM_RETRY_MAX_MS,
		"an upstream is tried again after %lld ms", (long long)s->retry_ms);
	return is_news;
}

void proxy_site_set_apart(struct proxy_site *s, int64_t now)
{
	ASSERT(!s->is_alone, "change %llu is set apart twice", (unsigned long long)s->serial);
	s->is_alone = true;
	s->is_due = true;
	s->due_at = now;
}

void proxy_site_drop(struct proxy_site *s)
{
	s->is_due = false;
}

void proxy_look_begin(struct proxy_look *l, int64_t now)
{
	*l = (struct proxy_look){ .pause_ms = UPSTREAM_LOOK_FIRST_MS, .until = now + UPSTREAM_CONFIRM_MS };
}

static enum proxy_verdict look_again(struct proxy_look *l)
{
	l->pause_ms = l->pause_ms * 2 < UPSTREAM_LOOK_MAX_MS ? l->pause_ms * 2 : UPSTREAM_LOOK_MAX_MS;
	ASSERT(l->pause_ms > 0, "nginx is looked at again after %lld ms", (long long)l->pause_ms);
	return PROXY_LOOK_AGAIN;
}

enum proxy_verdict proxy_look_judge(struct proxy_look *l, enum nginx_turn turn, bool has_old, int64_t now)
{
	ASSERT(l->until && l->pause_ms >= UPSTREAM_LOOK_FIRST_MS, "nginx is judged before the first look");
	if (turn == NGINX_NOBODY || (turn == NGINX_TURNED && !has_old))
		return PROXY_IN_EFFECT;
	if (turn == NGINX_SAME)
		return now < l->until ? look_again(l) : PROXY_NOT_TAKEN;
	if (!l->is_lingering) {
		l->is_lingering = true;
		l->pause_ms = UPSTREAM_LOOK_FIRST_MS;
		l->until = now + UPSTREAM_OLD_MS;
	}
	return now < l->until ? look_again(l) : PROXY_IN_EFFECT;
}
