#include "rules/restart.h"

#include "base/assert.h"

static const char *const policy_words[] = {
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
	[RESTART_NEVER] = "never",
};

/* How it ended; the rule follows. */
static struct reason decision_reason(struct end end)
{
	static const enum reason_kind kinds[] = {
		[END_EXITED] = REASON_EXITED,
		[END_SIGNALED] = REASON_KILLED,
		[END_NEVER_READY] = REASON_FAILED_START,
		[END_UNHEALTHY] = REASON_FAILED_CHECK,
		[END_UNSEEN] = REASON_UNSEEN,
		[END_SPAWN_FAILED] = REASON_NOT_STARTED,
		[END_OVER_LIMIT] = REASON_LIMIT_RESTART,
	};

	return (struct reason){
		.kind = kinds[end.kind],
		.exit_code = end.kind == END_EXITED ? end.code : 0,
		.signal = end.kind == END_SIGNALED ? end.code : 0,
	};
}

static bool is_stop_code(const struct spec *s, struct end end)
{
	if (end.kind != END_EXITED)
		return false;
	for (size_t i = 0; i < s->stop_exit_codes.len; i++)
		if (s->stop_exit_codes.items[i] == end.code)
			return true;
	return false;
}

static void explain_policy(const struct spec *s, struct restart_decision *d)
{
	ASSERT((unsigned int)s->restart <= RESTART_NEVER, "'%s' has no restart policy %d", s->name,
		(int)s->restart);
	d->why.rule = REASON_RULE_POLICY;
	d->why.policy = policy_words[s->restart];
}

/* True when this end needs no restart, and then the decision is complete. */
static bool stays_down(const struct spec *s, struct end end, struct restart_decision *d)
{
	bool is_good = end.kind == END_EXITED && !end.code;

	if (is_stop_code(s, end)) {
		d->verdict = RESTART_FINISHED;
		d->why.rule = REASON_RULE_EXIT_CODE;
		return true;
	}
	if (is_good && s->restart != RESTART_ALWAYS) {
		d->verdict = RESTART_FINISHED;
		explain_policy(s, d);
		return true;
	}
	if (s->restart == RESTART_NEVER) {
		d->verdict = RESTART_STOPPED;
		d->is_crash = true;
		explain_policy(s, d);
		return true;
	}
	return false;
}

static int64_t at_least_0(int64_t value)
{
	return value > 0 ? value : 0;
}

/* delay * 2^(crashes - 1), at most `most`; it stops doubling before anything could overflow. */
static int64_t doubled_delay(const struct spec *s, int64_t crashes)
{
	int64_t most = at_least_0(s->restart_delay_max_ms);
	int64_t delay = at_least_0(s->restart_delay_ms);

	ASSERT(crashes >= 0, "'%s' has crashed %lld times", s->name, (long long)crashes);
	for (int64_t k = 1; k < crashes && delay && delay < most; k++)
		delay = delay > most / 2 ? most : delay * 2;
	return delay < most ? delay : most;
}

static int64_t jitter_of(int64_t delay, int64_t room, double jitter)
{
	/* Written so that NaN counts as none. */
	double part = jitter > 0 ? (jitter < 1 ? jitter : 1) : 0;
	int64_t extra = (int64_t)((double)delay / 10 * part);

	ASSERT(delay >= 0 && room >= 0, "a delay of %lld ms has room for %lld ms more", (long long)delay,
		(long long)room);
	return extra < room ? extra : room;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
	ASSERT(b >= 0, "%lld is added where things only grow", (long long)b);
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* How many of the remembered restarts lie within the window that ends `at`. */
static int64_t restarts_near(const struct restart_history *h, int64_t at)
{
	int64_t count = 0;

	ASSERT(h->recent_len <= RESTART_HISTORY_MAX, "%zu restarts are remembered", h->recent_len);
	for (size_t i = 0; i < h->recent_len; i++)
		count += h->recent[i] > at - CRASH_LIMIT_WINDOW_MS;
	return count;
}

static void remember_restart(struct restart_history *h, int64_t at)
{
	ASSERT(h->recent_at < RESTART_HISTORY_MAX, "the history of restarts is at %zu", h->recent_at);
	h->recent[h->recent_at] = at;
	h->recent_at = (h->recent_at + 1) % RESTART_HISTORY_MAX;
	if (h->recent_len < RESTART_HISTORY_MAX)
		h->recent_len++;
	ASSERT(h->recent_len <= RESTART_HISTORY_MAX, "%zu restarts are remembered", h->recent_len);
}

static void decide_to_give_up(struct restart_decision *d)
{
	d->verdict = RESTART_GIVE_UP;
	d->delay_ms = 0;
}

/* True when one restart more would be too many for crash_restart_limit. */
static bool passes_restart_limit(
	const struct spec *s, const struct restart_history *h, int64_t start_at, struct restart_decision *d)
{
	int64_t limit =
		s->crash_restart_limit < RESTART_HISTORY_MAX ? s->crash_restart_limit : RESTART_HISTORY_MAX;

	if (limit <= 0 || restarts_near(h, start_at) < limit)
		return false;
	decide_to_give_up(d);
	d->why.rule = REASON_RULE_CRASH_LIMIT;
	d->why.limit = limit;
	return true;
}

/* True when it is one crash too many, for either of the two limits. */
static bool is_too_often(
	const struct spec *s, const struct restart_history *h, int64_t start_at, struct restart_decision *d)
{
	ASSERT(h->crashes > 0, "'%s' is given up after %lld crashes", s->name, (long long)h->crashes);
	if (s->max_restarts > 0 && h->crashes >= s->max_restarts) {
		decide_to_give_up(d);
		d->why.rule = REASON_RULE_MAX_RESTARTS;
		d->why.limit = s->max_restarts;
		return true;
	}
	return passes_restart_limit(s, h, start_at, d);
}

static enum reason_rule delay_rule(const struct spec *s, int64_t crashes, int64_t delay_ms)
{
	if (!delay_ms)
		return REASON_RULE_NO_DELAY;
	if (delay_ms > s->restart_delay_max_ms || s->restart_delay_ms <= 0)
		return REASON_RULE_TOO_FAST;
	if (delay_ms >= s->restart_delay_max_ms)
		return REASON_RULE_DELAY_MAX;
	return crashes > 1 ? REASON_RULE_DOUBLED : REASON_RULE_DELAY;
}

static void explain_delay(const struct spec *s, bool was_stable, struct restart_decision *d)
{
	ASSERT(d->verdict == RESTART_AFTER && d->delay_ms >= 0, "'%s' waits %lld ms for no restart", s->name,
		(long long)d->delay_ms);
	if (was_stable && !d->delay_ms) {
		d->why.rule = REASON_RULE_STABLE;
		return;
	}
	d->why.rule = delay_rule(s, d->why.crashes, d->delay_ms);
	d->why.limit = s->max_restarts > 0 ? s->max_restarts : 0;
	d->why.delay_ms = d->delay_ms;
	if (!d->delay_ms)
		d->why.setting = s->restart_delay_ms > 0 ? "restart_delay_max_ms" : "restart_delay_ms";
}

/* Without a delay a program that ends at once would keep the machine busy with starting it. */
static int64_t pace(const struct restart_history *h, int64_t now)
{
	size_t at = (h->recent_at + RESTART_HISTORY_MAX - RESTART_FAST_MAX) % RESTART_HISTORY_MAX;

	ASSERT(h->recent_at < RESTART_HISTORY_MAX, "the history of restarts is at %zu", h->recent_at);
	if (h->recent_len < RESTART_FAST_MAX || h->recent[at] <= now - RESTART_FAST_WINDOW_MS)
		return 0;
	return RESTART_FAST_DELAY_MS;
}

static int64_t paced(
	const struct spec *s, const struct restart_history *h, int64_t delay, int64_t now, double jitter)
{
	if (!delay)
		return pace(h, now);
	return delay + jitter_of(delay, at_least_0(s->restart_delay_max_ms) - delay, jitter);
}

/* After a good long run only a delay that somebody wrote is waited for. */
static int64_t delay_after(const struct spec *s, int64_t failures, bool was_stable)
{
	return was_stable && !s->is_delay_written ? 0 : doubled_delay(s, failures);
}

/* Nothing is known that could be held against it. */
static void decide_unseen(const struct spec *s, struct restart_decision *d)
{
	bool is_left = s->restart == RESTART_NEVER;

	d->verdict = is_left ? RESTART_STOPPED : RESTART_AFTER;
	d->why.rule = REASON_RULE_AT_ONCE;
	if (is_left)
		explain_policy(s, d);
}

/* A program that passes its limit again and again must not run hot, and what is restarted for good must show. */
static void decide_limited(const struct spec *s, struct restart_history *h, bool was_stable, int64_t now,
	double jitter, struct restart_decision *d)
{
	int64_t at = 0;

	ASSERT(h->limits >= 0, "'%s' has passed a limit %lld times", s->name, (long long)h->limits);
	h->limits = was_stable ? 1 : add_saturated(h->limits, 1);
	d->delay_ms = paced(s, h, delay_after(s, h->limits, was_stable), now, jitter);
	at = add_saturated(now, d->delay_ms);
	if (passes_restart_limit(s, h, at, d))
		return;
	remember_restart(h, at);
	d->why.rule = d->delay_ms ? REASON_RULE_DELAY : REASON_RULE_AT_ONCE;
	d->why.crashes = h->limits;
	d->why.delay_ms = d->delay_ms;
}

struct restart_decision restart_after(
	const struct spec *s, struct restart_history *h, struct end end, int64_t now, double jitter)
{
	struct restart_decision d = { .verdict = RESTART_AFTER, .why = decision_reason(end) };
	bool was_stable = h->ready_since && now - h->ready_since >= s->restart_window_ms;

	h->ready_since = 0;
	if (end.kind == END_UNSEEN) {
		decide_unseen(s, &d);
		return d;
	}
	if (end.kind == END_OVER_LIMIT) {
		decide_limited(s, h, was_stable, now, jitter, &d);
		return d;
	}
	if (was_stable)
		h->limits = 0;
	if (stays_down(s, end, &d)) {
		h->crashes = d.is_crash ? add_saturated(h->crashes, 1) : 0;
		return d;
	}
	d.is_crash = true;
	h->crashes = was_stable ? 1 : add_saturated(h->crashes, 1);
	d.why.crashes = h->crashes;
	d.delay_ms = paced(s, h, delay_after(s, h->crashes, was_stable), now, jitter);
	if (is_too_often(s, h, add_saturated(now, d.delay_ms), &d))
		return d;
	remember_restart(h, add_saturated(now, d.delay_ms));
	ASSERT(h->crashes > 0 && h->recent_len > 0, "'%s' is restarted, and its crash is not counted",
		s->name);
	explain_delay(s, was_stable, &d);
	return d;
}

void restart_ready(struct restart_history *h, int64_t now)
{
	/* 0 means "not ready"; a clock that starts at 0 loses a millisecond by that. */
	h->ready_since = now ? now : 1;
	ASSERT(h->ready_since, "it has become ready at no time (%lld)", (long long)now);
}

void restart_forget(struct restart_history *h)
{
	*h = (struct restart_history){ 0 };
}
