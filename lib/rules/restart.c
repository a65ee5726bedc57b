#include "rules/restart.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const policy_words[] = {
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
	[RESTART_NEVER] = "never",
};

static __attribute__((format(printf, 2, 3))) void explain_decision(
	struct restart_decision *d, const char *format, ...)
{
	size_t len = strlen(d->why);
	va_list args;

	va_start(args, format);
	vsnprintf(d->why + len, sizeof(d->why) - len, format, args);
	va_end(args);
}

static void explain_end(struct restart_decision *d, struct end end)
{
	const char *signal = end.kind == END_SIGNALED ? sigabbrev_np(end.code) : NULL;

	switch (end.kind) {
	case END_EXITED:
		explain_decision(d, "exit code %d", end.code);
		break;
	case END_SIGNALED:
		if (signal)
			explain_decision(d, "killed by SIG%s", signal);
		else
			explain_decision(d, "killed by signal %d", end.code);
		break;
	case END_NEVER_READY:
		explain_decision(d, "a failed start");
		break;
	case END_UNHEALTHY:
		explain_decision(d, "a failed check (unhealthy_threshold)");
		break;
	case END_UNSEEN:
		explain_decision(d, "ended while no daemon was there to see how");
		break;
	case END_SPAWN_FAILED:
		explain_decision(d, "not started");
		break;
	case END_OVER_LIMIT:
		break;
	}
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

/* True when this end needs no restart, and then the decision is complete. */
static bool stays_down(const struct spec *s, struct end end, struct restart_decision *d)
{
	const char *policy = policy_words[s->restart];
	bool is_good = end.kind == END_EXITED && !end.code;

	if (is_stop_code(s, end)) {
		d->verdict = RESTART_FINISHED;
		explain_decision(d, "; not restarted (stop_exit_codes)");
		return true;
	}
	if (is_good && s->restart != RESTART_ALWAYS) {
		d->verdict = RESTART_FINISHED;
		explain_decision(d, "; not restarted (restart = \"%s\")", policy);
		return true;
	}
	if (s->restart == RESTART_NEVER) {
		d->verdict = RESTART_STOPPED;
		d->is_crash = true;
		explain_decision(d, "; not restarted (restart = \"%s\")", policy);
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

	for (int64_t k = 1; k < crashes && delay && delay < most; k++)
		delay = delay > most / 2 ? most : delay * 2;
	return delay < most ? delay : most;
}

static int64_t jitter_of(int64_t delay, int64_t room, double jitter)
{
	/* Written so that NaN counts as none. */
	double part = jitter > 0 ? (jitter < 1 ? jitter : 1) : 0;
	int64_t extra = (int64_t)((double)delay / 10 * part);

	return extra < room ? extra : room;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* How many of the remembered restarts lie within the window that ends `at`. */
static int64_t restarts_near(const struct restart_history *h, int64_t at)
{
	int64_t count = 0;

	for (size_t i = 0; i < h->recent_len; i++)
		count += h->recent[i] > at - CRASH_LIMIT_WINDOW_MS;
	return count;
}

static void remember_restart(struct restart_history *h, int64_t at)
{
	h->recent[h->recent_at] = at;
	h->recent_at = (h->recent_at + 1) % RESTART_HISTORY_MAX;
	if (h->recent_len < RESTART_HISTORY_MAX)
		h->recent_len++;
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
	explain_decision(d, "%safter %lld restarts in five minutes: crash_restart_limit is reached",
		d->is_crash ? ", " : "", (long long)limit);
	return true;
}

/* True when it is one crash too many, for either of the two limits. */
static bool is_too_often(
	const struct spec *s, const struct restart_history *h, int64_t start_at, struct restart_decision *d)
{
	if (s->max_restarts > 0 && h->crashes >= s->max_restarts) {
		decide_to_give_up(d);
		explain_decision(d, ", crash %lld in a row: max_restarts = %lld is reached",
			(long long)h->crashes, (long long)s->max_restarts);
		return true;
	}
	return passes_restart_limit(s, h, start_at, d);
}

static void explain_delay(
	const struct spec *s, const struct restart_history *h, bool was_stable, struct restart_decision *d)
{
	if (was_stable && !d->delay_ms) {
		explain_decision(d, " after restart_window_secs of being ready, starts again at once");
		return;
	}
	explain_decision(d, ", crash %lld", (long long)h->crashes);
	if (s->max_restarts > 0)
		explain_decision(d, " of %lld", (long long)s->max_restarts);
	if (!d->delay_ms)
		explain_decision(d, ", starts again at once (%s = 0)",
			s->restart_delay_ms > 0 ? "restart_delay_max_ms" : "restart_delay_ms");
	else if (d->delay_ms > s->restart_delay_max_ms || s->restart_delay_ms <= 0)
		explain_decision(
			d, ", starts again after %lld ms (it restarts too fast)", (long long)d->delay_ms);
	else if (d->delay_ms >= s->restart_delay_max_ms)
		explain_decision(
			d, ", starts again after %lld ms (restart_delay_max_ms)", (long long)d->delay_ms);
	else
		explain_decision(d, ", %s %lld ms",
			h->crashes > 1 ? "delay doubled to" : "starts again after", (long long)d->delay_ms);
}

/* Without a delay a program that ends at once would keep the machine busy with starting it. */
static int64_t pace(const struct restart_history *h, int64_t now)
{
	size_t at = (h->recent_at + RESTART_HISTORY_MAX - RESTART_FAST_MAX) % RESTART_HISTORY_MAX;

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
	explain_decision(
		d, "%s", is_left ? "; not restarted (restart = \"never\")" : ", starts again at once");
}

/* A program that passes its limit again and again must not run hot, and what is restarted for good must show. */
static void decide_limited(const struct spec *s, struct restart_history *h, bool was_stable, int64_t now,
	double jitter, struct restart_decision *d)
{
	int64_t at = 0;

	h->limits = was_stable ? 1 : add_saturated(h->limits, 1);
	d->delay_ms = paced(s, h, delay_after(s, h->limits, was_stable), now, jitter);
	at = add_saturated(now, d->delay_ms);
	if (passes_restart_limit(s, h, at, d))
		return;
	remember_restart(h, at);
	if (d->delay_ms)
		explain_decision(d, "restart %lld for a limit, starts again after %lld ms",
			(long long)h->limits, (long long)d->delay_ms);
	else
		explain_decision(d, "starts again at once");
}

struct restart_decision restart_after(
	const struct spec *s, struct restart_history *h, struct end end, int64_t now, double jitter)
{
	struct restart_decision d = { .verdict = RESTART_AFTER };
	bool was_stable = h->ready_since && now - h->ready_since >= s->restart_window_ms;

	h->ready_since = 0;
	explain_end(&d, end);
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
	d.delay_ms = paced(s, h, delay_after(s, h->crashes, was_stable), now, jitter);
	if (is_too_often(s, h, add_saturated(now, d.delay_ms), &d))
		return d;
	remember_restart(h, add_saturated(now, d.delay_ms));
	explain_delay(s, h, was_stable, &d);
	return d;
}

void restart_ready(struct restart_history *h, int64_t now)
{
	/* 0 means "not ready"; a clock that starts at 0 loses a millisecond by that. */
	h->ready_since = now ? now : 1;
}

void restart_forget(struct restart_history *h)
{
	*h = (struct restart_history){ 0 };
}
