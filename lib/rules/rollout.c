#include "rules/rollout.h"

#include "base/assert.h"
#include "base/str.h"

struct slot_tally {
	int real;    /* real slots that somebody wants */
	int wanted;  /* of those, the ones that have not done their job and ended */
	int serving; /* slots that take requests, spares and surplus too */
	int spares;  /* by the target, that somebody wants */
	int unproven_spares;
	int over;
	int stuck;               /* real, wanted, and cannot be stopped */
	int replaced, in_flight; /* real, wanted, by the target; of those, not proven */
};

static const struct rollout_decision wait_on = { .verb = ROLLOUT_DO_WAIT, .slot = ROLLOUT_NO_SLOT, .at = -1 };

/* ROLLOUT_DO_FAIL may be about one, or about none. */
static bool verb_fits_slot(enum rollout_verb verb, size_t slot)
{
	bool is_about_slot =
		verb == ROLLOUT_DO_DROP_SPARE || verb == ROLLOUT_DO_REPLACE || verb == ROLLOUT_DO_PROVE;

	return verb == ROLLOUT_DO_FAIL || is_about_slot == (slot != ROLLOUT_NO_SLOT);
}

static struct rollout_decision decide_verb(enum rollout_verb verb, size_t slot)
{
	ASSERT(verb_fits_slot(verb, slot), "a rollout decides %d about slot %zu", (int)verb, slot);
	return (struct rollout_decision){ .verb = verb, .slot = slot, .at = -1 };
}

static bool is_forward(const struct rollout_picture *p)
{
	return p->phase == ROLLOUT_PROOF || p->phase == ROLLOUT_REPLACE;
}

/* It starts as soon as another slot gives up the port: nobody waits for it meanwhile. */
static bool is_hindered(const struct rollout_slot *s)
{
	return s->is_target && s->is_held && !s->serves;
}

/* Not begun yet: a spare that is there is one of a rollout that was overtaken. */
static bool is_too_early(const struct rollout_picture *p)
{
	return p->phase == ROLLOUT_WAITING || p->phase == ROLLOUT_PRE;
}

static struct slot_tally count(const struct rollout_picture *p)
{
	struct slot_tally t = { .wanted = 0 };

	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];
		/* What cannot be stopped is nobody's slot any more when the others go back. */
		bool is_new =
			s->is_target && s->is_wanted && !s->is_retired && (is_forward(p) || !s->is_stuck);
		bool is_done = s->serves && s->has_ended;

		t.serving += s->serves && !is_done;
		t.real += s->seat == SEAT_REAL && s->is_wanted;
		t.wanted += s->seat == SEAT_REAL && s->is_wanted && !is_done && !is_hindered(s);
		t.over += s->seat == SEAT_REAL && s->is_wanted && s->has_ended;
		t.stuck += s->seat == SEAT_REAL && s->is_wanted && s->is_stuck;
		t.spares += s->seat == SEAT_SPARE && is_new;
		t.unproven_spares += s->seat == SEAT_SPARE && is_new && !s->is_proven;
		t.replaced += s->seat == SEAT_REAL && is_new;
		t.in_flight += s->seat == SEAT_REAL && is_new && !s->is_proven && !is_hindered(s);
	}
	ASSERT(t.in_flight <= t.replaced && t.replaced <= t.real && t.wanted <= t.real,
		"%d are in flight, %d replaced, %d wanted, of %d", t.in_flight, t.replaced, t.wanted, t.real);
	ASSERT(t.unproven_spares <= t.spares, "%d of %d spares are not proven", t.unproven_spares, t.spares);
	return t;
}

static int at_once(const struct rollout_picture *p)
{
	return p->rules.at_once > 0 ? p->rules.at_once : 1;
}

/* So many have to serve, whatever is done. */
static int least_serving(const struct rollout_picture *p, const struct slot_tally *t)
{
	return p->rules.surge > 0 ? t->wanted : t->wanted - at_once(p);
}

/* A surplus instance costs nothing while it makes up for one that is missing. */
static bool can_spare(
	const struct rollout_picture *p, const struct slot_tally *t, const struct rollout_slot *s)
{
	return !s->serves || s->has_ended ||
		t->serving - 1 >= (s->seat == SEAT_REAL ? least_serving(p, t) : t->wanted);
}

/* --- one after the other: the first that has something to say decides --- */

static bool find_failure(const struct rollout_picture *p, struct rollout_decision *d)
{
	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];
		bool has_failed = s->is_target && !s->is_proven && s->has_failed && !s->is_retired;

		if (!is_forward(p) || (!has_failed && !(s->is_stuck && s->is_target)))
			continue;
		ASSERT(s->is_target, "slot %zu fails, and does not run by the target", k);
		*d = decide_verb(ROLLOUT_DO_FAIL, k);
		return true;
	}
	return false;
}

static bool is_due(int64_t at, int64_t now, struct rollout_decision *wait)
{
	ASSERT(wait->verb == ROLLOUT_DO_WAIT, "a rollout waits, and has decided %d", (int)wait->verb);
	if (at <= now)
		return true;
	if (wait->at < 0 || at < wait->at)
		wait->at = at;
	return false;
}

/* Going back, what is wanted is capacity: nobody is on trial. */
static int64_t trial_of(const struct rollout_picture *p, const struct rollout_slot *s)
{
	int64_t pace = s->seat == SEAT_REAL ? p->rules.pace_ms : 0;

	if (!is_forward(p))
		return 0;
	return pace > p->rules.min_healthy_ms ? pace : p->rules.min_healthy_ms;
}

static bool find_proven(const struct rollout_picture *p, struct rollout_decision *wait)
{
	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];
		int64_t trial = trial_of(p, s);

		if (!s->is_target || s->is_proven || !s->is_well || !s->is_wanted || s->is_retired)
			continue;
		if (!is_due(s->well_since + trial, p->now, wait))
			continue;
		*wait = decide_verb(ROLLOUT_DO_PROVE, k);
		return true;
	}
	return false;
}

/* Nobody wants it any more, or it is of a revision that was overtaken, or (going back) it failed or ended. */
static bool is_useless(const struct rollout_picture *p, const struct rollout_slot *s)
{
	if (s->seat != SEAT_SPARE || s->is_retired)
		return false;
	return !s->is_wanted || ((is_too_early(p) || p->phase == ROLLOUT_PROOF) && !s->is_target) ||
		p->phase == ROLLOUT_PAUSED || (!p->rules.surge && !s->serves && !is_too_early(p)) ||
		(p->phase == ROLLOUT_BACK && !s->serves && (s->has_failed || s->has_ended || !s->is_target));
}

static bool find_useless(
	const struct rollout_picture *p, const struct slot_tally *t, struct rollout_decision *d)
{
	for (size_t k = 0; k < p->len; k++) {
		if (!is_useless(p, &p->slots[k]) || !can_spare(p, t, &p->slots[k]))
			continue;
		ASSERT(p->slots[k].seat == SEAT_SPARE, "slot %zu is dropped, and is no spare", k);
		*d = decide_verb(ROLLOUT_DO_DROP_SPARE, k);
		return true;
	}
	return false;
}

/* One that is not to stay has the port that another waits for: it goes as soon as it can be spared, also where nothing else is decided. */
static bool find_obstacle(
	const struct rollout_picture *p, const struct slot_tally *t, struct rollout_decision *d)
{
	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];
		const struct rollout_slot *holder = NULL;

		if (s->seat != SEAT_REAL || !s->is_wanted || !is_hindered(s))
			continue;
		ASSERT(s->holder < p->len, "slot %zu waits for slot %zu of %zu", k, s->holder, p->len);
		holder = &p->slots[s->holder];
		if (holder->seat == SEAT_REAL || holder->is_retired || !can_spare(p, t, holder))
			continue;
		*d = decide_verb(ROLLOUT_DO_DROP_SPARE, s->holder);
		return true;
	}
	return false;
}

static struct rollout_decision prove(
	const struct rollout_picture *p, const struct slot_tally *t, const struct rollout_decision *wait)
{
	ASSERT(p->phase == ROLLOUT_PROOF, "slots are tested in phase %s", rollout_phase_word(p->phase));
	/* Where nothing will ever serve by itself there is nothing to protect; who is down for a moment comes back. */
	if (!p->rules.surge || t->over == t->real)
		return decide_verb(ROLLOUT_DO_OPEN, ROLLOUT_NO_SLOT);
	if (t->spares < p->rules.surge)
		return decide_verb(ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
	if (!t->unproven_spares)
		return decide_verb(ROLLOUT_DO_OPEN, ROLLOUT_NO_SLOT);
	return *wait;
}

/* Nobody misses it while it is replaced. */
static bool is_free(const struct rollout_slot *s)
{
	return s->has_ended || (!s->serves && !s->is_up);
}

/* One waits for the port of another, and that perhaps for the port of a third: who has to go first. */
static size_t first_of_chain(const struct rollout_picture *p, size_t k)
{
	for (size_t n = 0; n < p->len && k != ROLLOUT_NO_SLOT && p->slots[k].is_held; n++) {
		ASSERT(p->slots[k].holder < p->len, "slot %zu of %zu waits for slot %zu", k, p->len,
			p->slots[k].holder);
		if (p->slots[p->slots[k].holder].seat != SEAT_REAL)
			return k;
		k = p->slots[k].holder;
	}
	return k;
}

/*
 * A slot that is not by the target yet: one whose change costs nothing before one that serves, and one whose new port another slot has only where
 * there is no other.  ROLLOUT_NO_SLOT: there is none.
 */
static size_t next_old(const struct rollout_picture *p)
{
	size_t found = ROLLOUT_NO_SLOT;
	size_t held = ROLLOUT_NO_SLOT;

	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];

		if (s->seat != SEAT_REAL || s->is_target)
			continue;
		if (s->is_held) {
			held = held == ROLLOUT_NO_SLOT ? k : held;
			continue;
		}
		if (is_free(s))
			return k;
		if (found == ROLLOUT_NO_SLOT || (p->slots[found].serves && !s->serves))
			found = k;
	}
	return found == ROLLOUT_NO_SLOT ? first_of_chain(p, held) : found;
}

/* One that is not to stay, a spare or one too many, has the port that `s` is to have: it goes first. */
static bool is_slot_in_the_way(const struct rollout_picture *p, const struct rollout_slot *s)
{
	ASSERT(!s->is_held || s->holder < p->len, "a slot waits for slot %zu of %zu", s->holder, p->len);
	return s->is_held && p->slots[s->holder].seat != SEAT_REAL;
}

static struct rollout_decision tidy_up(
	const struct rollout_picture *p, const struct slot_tally *t, const struct rollout_decision *wait)
{
	bool is_any_left = false;
	bool is_any_held = false;

	ASSERT(wait->verb == ROLLOUT_DO_WAIT, "a rollout ends, and has decided %d", (int)wait->verb);
	if (t->in_flight)
		return *wait;
	for (size_t k = 0; k < p->len; k++) {
		const struct rollout_slot *s = &p->slots[k];

		if (s->seat == SEAT_REAL)
			continue;
		if (!s->is_retired && can_spare(p, t, s))
			return decide_verb(ROLLOUT_DO_DROP_SPARE, k);
		is_any_left = true;
		is_any_held |= !s->is_retired;
	}
	/* It makes up for one that nobody can stop: that may last, so waiting clients get their answer now. */
	if (is_any_held && t->stuck && p->phase == ROLLOUT_BACK && !p->is_stall_reported)
		return decide_verb(ROLLOUT_DO_FAIL, ROLLOUT_NO_SLOT);
	return is_any_left ? *wait : decide_verb(ROLLOUT_DO_END, ROLLOUT_NO_SLOT);
}

/* Then one that serves can be missed. */
static struct rollout_decision add_spare(
	const struct rollout_picture *p, const struct slot_tally *t, struct rollout_decision *wait)
{
	ASSERT(wait->verb == ROLLOUT_DO_WAIT, "a spare is added, and %d is decided", (int)wait->verb);
	if (t->spares < p->rules.surge && is_due(p->spare_at, p->now, wait))
		return decide_verb(ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
	return *wait;
}

static struct rollout_decision decide_replace(
	const struct rollout_picture *p, const struct slot_tally *t, struct rollout_decision *wait)
{
	size_t next = next_old(p);
	int canary = p->phase == ROLLOUT_REPLACE ? p->rules.canary : 0;

	if (next == ROLLOUT_NO_SLOT)
		return tidy_up(p, t, wait);
	ASSERT(p->slots[next].seat == SEAT_REAL && !p->slots[next].is_target, "slot %zu is replaced twice",
		next);
	if (canary && t->replaced >= canary)
		return t->in_flight ? *wait : decide_verb(ROLLOUT_DO_PAUSE, ROLLOUT_NO_SLOT);
	if (is_slot_in_the_way(p, &p->slots[next])) {
		size_t holder = p->slots[next].holder;

		return can_spare(p, t, &p->slots[holder]) ? decide_verb(ROLLOUT_DO_DROP_SPARE, holder)
							  : add_spare(p, t, wait);
	}
	/* With a canary also what is down anyway waits its turn. */
	if (is_free(&p->slots[next]) && !canary)
		return decide_verb(ROLLOUT_DO_REPLACE, next);
	if (t->in_flight >= at_once(p))
		return *wait;
	if (can_spare(p, t, &p->slots[next]))
		return decide_verb(ROLLOUT_DO_REPLACE, next);
	return add_spare(p, t, wait);
}

struct rollout_decision rollout_decide(const struct rollout_picture *p)
{
	struct rollout_decision d = wait_on;
	struct slot_tally t = count(p);

	ASSERT(p->phase != ROLLOUT_POST, "a rollout decides while its last command runs");
	ASSERT(p->slots || !p->len, "a rollout of %zu slots has none", p->len);
	if (is_too_early(p)) {
		(void)find_useless(p, &t, &d);
		return d;
	}
	if (find_failure(p, &d) || find_proven(p, &d) || find_useless(p, &t, &d) || find_obstacle(p, &t, &d))
		return d;
	if ((is_forward(p) || (p->phase == ROLLOUT_BACK && !p->is_stall_reported)) &&
		is_due(p->progress_at + p->rules.stall_ms, p->now, &d))
		return decide_verb(ROLLOUT_DO_FAIL, ROLLOUT_NO_SLOT);
	if (p->phase == ROLLOUT_PROOF)
		return prove(p, &t, &d);
	ASSERT(d.verb == ROLLOUT_DO_WAIT, "a rollout waits, and has decided %d", (int)d.verb);
	return p->phase == ROLLOUT_PAUSED ? d : decide_replace(p, &t, &d);
}

int rollout_surge(const struct rollout_subject *s)
{
	if (s->is_port_written)
		return 1;
	return !s->is_job && (s->instances > 1 || s->listens);
}

int64_t rollout_pace(int instances, int at_once, int64_t fail_timeout_ms)
{
	int size = at_once > 0 ? at_once : 1;
	int groups = (instances + size - 1) / size;

	ASSERT(instances >= 0, "%d instances are replaced", instances);
	/* Proxies count whole seconds. */
	return groups < 2 || fail_timeout_ms <= 0 ? 0 : (fail_timeout_ms + 1000) / (groups - 1);
}

/* --- words --- */

static const char *const phase_words[] = {
#define X(name, word, doc) [ROLLOUT_##name] = (word),
#include "rules/rollout_phases.def"
#undef X
};

static const char *const phase_abouts[] = {
#define X(name, word, doc) [ROLLOUT_##name] = (doc),
#include "rules/rollout_phases.def"
#undef X
};

static const char *const step_words[] = {
#define X(name, word, doc) [ROLLOUT_STEP_##name] = (word),
#include "rules/rollout_steps.def"
#undef X
};

const char *rollout_phase_word(enum rollout_phase phase)
{
	ASSERT((unsigned int)phase < ROLLOUT_PHASE_COUNT, "there is no phase %d of a rollout", (int)phase);
	return phase_words[phase];
}

const char *rollout_phase_about(enum rollout_phase phase)
{
	return phase_abouts[phase];
}

const char *rollout_step_word(enum rollout_step step)
{
	ASSERT((unsigned int)step < ROLLOUT_STEP_COUNT, "there is no step %d of a rollout", (int)step);
	return step_words[step];
}

bool rollout_phase_parse(const char *word, enum rollout_phase *phase)
{
	int at = 0;

	if (!str_find(phase_words, ROLLOUT_PHASE_COUNT, word, &at))
		return false;
	*phase = (enum rollout_phase)at;
	return true;
}

bool rollout_step_parse(const char *word, enum rollout_step *step)
{
	int at = 0;

	if (!str_find(step_words, ROLLOUT_STEP_COUNT, word, &at))
		return false;
	*step = (enum rollout_step)at;
	return true;
}
