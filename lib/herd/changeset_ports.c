/*
 * The ports of the whole herd at once.  rules/ports judges ranges; an app with an automatic block may have its ports in several pieces, because a
 * block that cannot grow where it is gets further ports elsewhere for the new instances only.
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/changeset.h"
#include "herd/deploy.h"
#include "model/refusal.h"

/* One range of one draft: instances from `first` on. */
struct piece {
	struct change *draft;
	int first, count;
	bool grows;   /* its end is new; else all of it is there already, or all of it is new */
	bool is_held; /* one port that the app has beside what it is to have: nobody else grows into it */
	bool is_back; /* of what the app may go back to */
};

enum { LOTS_FIRST = 16 };

struct lots {
	const struct herd *herd;
	struct port_claim *claims;
	struct piece *pieces;
	size_t len, cap;
};

static struct port_claim *add_piece(struct lots *l, struct change *d, int first, int count)
{
	ASSERT(l->len <= l->cap && first >= 0 && count >= 0, "'%s': a piece of %d ports from %d on",
		d->spec->name, count, first);
	if (l->len == l->cap) {
		l->cap *= 2;
		l->claims = mem_resize(l->claims, l->cap, sizeof(*l->claims));
		l->pieces = mem_resize(l->pieces, l->cap, sizeof(*l->pieces));
	}
	l->pieces[l->len] = (struct piece){ .draft = d, .first = first, .count = count };
	l->claims[l->len] = (struct port_claim){
		.app = d->spec->name,
		.step = (int)d->spec->port_step,
		.instances = count,
	};
	return &l->claims[l->len++];
}

static int env_port(const struct spec *s)
{
	const char *text = spec_env(s, "PORT");
	int64_t port = 0;

	return text && str_to_int(text, &port) && port > 0 && port <= PORTS_LAST ? (int)port : 0;
}

/* How many ports of a block it has already, as long as it is still laid out in the same steps. */
static int remembered(const struct change *d)
{
	const struct app *a = d->app;

	if (!a || a->is_deleting || a->target->port_source != PORT_BLOCK ||
		a->spec->port_step != d->spec->port_step)
		return 0;
	return a->target->ports_len;
}

static void add_block(struct lots *l, struct change *d)
{
	int step = d->spec->port_step > 1 ? (int)d->spec->port_step : 1;
	int have = remembered(d);
	const int *ports = NULL;
	int first = 0;

	ASSERT(have >= 0, "'%s' has a block of %d ports", d->spec->name, have);
	if (!d->app || !have) {
		add_piece(l, d, 0, d->count);
		return;
	}
	ports = d->app->target->ports;
	while (first < have) {
		int count = 1;

		while (first + count < have && ports[first + count] == ports[first] + count * step)
			count++;
		add_piece(l, d, first, count)->remembered = ports[first];
		first += count;
	}
	if (d->count <= have)
		return;
	if (d->cannot_grow) {
		/* A single instance gets no block, so a pair is asked for, and the second is given back. */
		add_piece(l, d, have, d->count - have)->instances = d->count - have > 1 ? d->count - have : 2;
	} else {
		l->pieces[l->len - 1].grows = true;
		l->pieces[l->len - 1].count += d->count - have;
		l->claims[l->len - 1].instances += d->count - have;
	}
}

/* What is being rolled out may go back to more instances than it will have. */
static int most(const struct change *d)
{
	const struct rollout *r = d->app && !d->is_changed ? d->app->rollout : NULL;

	return r && r->back_count > d->count ? r->back_count : d->count;
}

static void add_draft(struct lots *l, struct change *d)
{
	int from_env = env_port(d->spec);
	bool is_shared = d->spec->port_mode == PORT_SHARED;
	struct port_claim *claim = NULL;

	if (!d->spec->port && !from_env) {
		add_block(l, d);
		return;
	}
	claim = add_piece(l, d, 0, most(d));
	/* A port that is shared is owned, wherever it is written. */
	claim->written = d->spec->port || !spec_has_gate(d->spec) ? (int)d->spec->port : from_env;
	claim->from_env = from_env;
	if (is_shared && claim->instances > 1)
		claim->instances = 1;
}

/* Is the port one of those that the draft is to have? */
static bool is_among(const struct lots *l, const struct change *d, int64_t port)
{
	for (size_t at = 0; at < l->len; at++) {
		const struct port_claim *c = &l->claims[at];
		int first = c->written ? c->written : c->from_env ? c->from_env : c->remembered;
		int step = c->step > 1 ? c->step : 1;

		if (l->pieces[at].draft == d && first && port >= first && (port - first) % step == 0 &&
			(port - first) / step < c->instances)
			return true;
	}
	return false;
}

static void hold(struct lots *l, struct change *d, int port)
{
	if (!port || is_among(l, d, port))
		return;
	add_piece(l, d, 0, 1)->remembered = port;
	l->pieces[l->len - 1].count = 0;
	l->pieces[l->len - 1].is_held = true;
	ASSERT(l->pieces[l->len - 1].draft == d, "port %d is held for another", port);
}

/* What a spare has, and what an app that is rolled out may go back to. */
static void add_held(struct lots *l, struct change *d)
{
	const struct app *a = d->app;
	size_t i = 0;
	const struct instance *spare = NULL;

	if (!a || a->is_deleting)
		return;
	VEC_EACH (&a->instances, i, spare) {
		if (instance_is_spare(spare) && revision_owns_ports(spare->revision))
			hold(l, d, spare->port);
	}
	if ((a->current == a->target && !d->is_changed) || a->current->port_source != PORT_BLOCK)
		return;
	for (int k = 0; k < a->current->ports_len; k++)
		hold(l, d, a->current->ports[k]);
}

/* --- what an app may go back to, and has more instances by now --- */

/* No instance alone gets a block: of a pair the second is given back. */
static void add_back_block(struct lots *l, struct change *d, int have, int count)
{
	struct port_claim *claim = add_piece(l, d, have, count);

	claim->step = (int)d->app->current->spec->port_step;
	claim->instances = count > 1 ? count : 2;
	l->pieces[l->len - 1].is_back = true;
	ASSERT(count > 0, "'%s' lacks %d ports to go back to", d->spec->name, count);
}

/* What the app is to have anyway is not in its way. */
static void add_back(struct lots *l, struct change *d)
{
	const struct revision *r = d->app ? d->app->current : NULL;
	int have = 0;
	int need = 0;

	/* One that is shared is enough for any number. */
	if (!change_lacks_back(d, &have, &need) || (have && r->spec->port_mode == PORT_SHARED))
		return;
	if (!have || r->port_source == PORT_BLOCK) {
		add_back_block(l, d, have, need - have);
		return;
	}
	for (int n = have; n < need; n++) {
		int64_t port = revision_next_port(r, n);
		struct port_claim *claim = NULL;

		if (is_among(l, d, port))
			continue;
		claim = add_piece(l, d, n, 1);
		claim->instances = 1;
		*(r->port_source == PORT_WRITTEN ? &claim->written : &claim->from_env) =
			port <= PORTS_LAST ? (int)port : PORTS_LAST + 1;
		l->pieces[l->len - 1].is_back = true;
	}
}

static bool has_port(const struct revision *r, int count, int port)
{
	for (int k = 0; k < r->ports_len && k < count; k++)
		if (r->ports[k] == port)
			return true;
	return false;
}

/* What a deleted app's processes still hold, or one that is rolled out may go back to, is no place for a new block. */
static bool is_taken(void *context, int port)
{
	const struct herd *h = context;

	for (size_t i = 0; i < h->apps.len; i++) {
		const struct app *a = h->apps.items[i];
		int back =
			a->rollout && a->rollout->back_count > a->count ? a->rollout->back_count : a->count;

		if ((a->is_deleting && has_port(a->target, a->target->ports_len, port)) ||
			(!a->is_deleting && has_port(a->current, back, port)))
			return true;
	}
	return h->options.is_port_taken && h->options.is_port_taken(h->options.context, port);
}

static int complain(const struct lots *l, const struct port_trouble *trouble, struct err *e)
{
	const char *name = l->claims[trouble->claim].app;
	const char *other = l->claims[trouble->other].app;

	ASSERT(trouble->claim < l->len && trouble->other < l->len, "claims %zu and %zu of %zu meet",
		trouble->claim, trouble->other, l->len);
	switch (trouble->kind) {
	case PORT_OVERLAP:
		return refusal_set(e,
			REFUSAL_OF(PORT_OVERLAP, .app = name, .other = other, .port = trouble->port),
			"'%s' and '%s' both want port %d", other, name, trouble->port);
	case PORT_BEYOND:
		return refusal_set(e,
			REFUSAL_OF(PORT_BEYOND, .app = name, .port = trouble->port, .limit = PORTS_LAST),
			"the ports of '%s' end at %d, beyond %d", name, trouble->port, PORTS_LAST);
	case PORT_NO_BLOCK:
		return refusal_set(e,
			REFUSAL_OF(NO_PORTS, .app = name, .count = l->claims[trouble->claim].instances),
			"no %d free ports in a row are left for '%s'", l->claims[trouble->claim].instances,
			name);
	case PORT_OVERLAP_PASSED:
		break;
	}
	return 0;
}

static int step_of(const struct port_claim *claim)
{
	return claim->step > 1 ? claim->step : 1;
}

/* Has `claim` a port of what `block` had before? */
static bool is_in_the_way(const struct port_claim *claim, const struct port_claim *block)
{
	ASSERT(block->remembered > 0, "a block of '%s' begins nowhere", block->app);
	for (int k = 0; k < claim->instances; k++)
		for (int n = 0; n < block->instances; n++)
			if (ports_of(claim, k) == block->remembered + n * step_of(block))
				return true;
	return false;
}

enum outcome { LAID, AGAIN, REFUSED };

/*
 * A block that had to move: if a new end is the cause, its own or a neighbour's, once more without that; else somebody wrote a port
 * that it has.
 */
static enum outcome judge_block(const struct lots *l, size_t at, struct err *e)
{
	const struct port_claim *block = &l->claims[at];
	const char *other = "another app";

	ASSERT(at < l->len && block->remembered, "claim %zu of %zu was to stay where it is", at, l->len);
	for (size_t i = 0; i < l->len; i++) {
		if (i != at && !is_in_the_way(&l->claims[i], block))
			continue;
		if (l->pieces[i].grows) {
			l->pieces[i].draft->cannot_grow = true;
			return AGAIN;
		}
		if (i != at)
			other = l->claims[i].app;
	}
	/* A written port goes before: the one that holds it leaves it in time. */
	if (l->pieces[at].is_held)
		return LAID;
	refusal_set(e, REFUSAL_OF(PORT_OVERLAP, .app = block->app, .other = other, .port = block->remembered),
		"'%s' wants a port that '%s' has (from %d on); give one of them another", other, block->app,
		block->remembered);
	return REFUSED;
}

static enum outcome judge_blocks(const struct lots *l, struct err *e)
{
	enum outcome outcome = LAID;

	for (size_t i = 0; i < l->len && outcome == LAID; i++)
		if (l->claims[i].remembered && l->claims[i].first != l->claims[i].remembered)
			outcome = judge_block(l, i, e);
	return outcome;
}

static enum outcome lay(struct lots *l, struct err *e)
{
	struct vec troubles = VEC_INIT;
	const struct port_trouble *trouble = NULL;
	enum outcome outcome = LAID;
	size_t i = 0;

	ports_assign(l->claims, l->len, is_taken, (void *)l->herd, &troubles);
	outcome = judge_blocks(l, e);
	VEC_EACH (&troubles, i, trouble) {
		if (outcome == LAID && complain(l, trouble, e) < 0)
			outcome = REFUSED;
	}
	vec_release_with(&troubles, mem_free);
	return outcome;
}

static void give_piece(const struct piece *piece, const struct port_claim *claim)
{
	struct change *d = piece->draft;
	const struct spec *s = piece->is_back ? d->app->current->spec : d->spec;
	struct port_row *row = piece->is_back ? &d->back : &d->ports;
	int end = piece->first + piece->count;

	ASSERT(piece->first >= 0 && piece->count >= 0, "'%s' gets ports %d to %d", s->name, piece->first,
		end);
	port_row_reach(row, end);
	for (int k = 0; k < piece->count; k++)
		row->ports[piece->first + k] = ports_of(claim, s->port_mode == PORT_SHARED ? 0 : k);
	row->source = claim->source;
}

static void give(const struct lots *l, const struct vec *drafts)
{
	size_t i = 0;
	struct change *d = NULL;

	VEC_EACH (drafts, i, d) {
		if (!d->is_removed)
			change_begin_back(d);
	}
	for (i = 0; i < l->len; i++)
		if (!l->pieces[i].is_held)
			give_piece(&l->pieces[i], &l->claims[i]);
}

static int check_shared(const struct vec *drafts, struct err *e)
{
	const struct change *d = NULL;
	size_t i = 0;

	VEC_EACH (drafts, i, d) {
		if (!d->is_removed && spec_has_gate(d->spec) && !d->spec->port && !env_port(d->spec))
			return err_set(e,
				"'%s' has port_mode = \"shared\" and no port; add 'port = %d' to it, or PORT to its env",
				d->spec->name, PORTS_FIRST);
	}
	return 0;
}

int changeset_assign_ports(const struct herd *h, struct vec *drafts, struct err *e)
{
	struct lots l = {
		.herd = h,
		.claims = mem_zalloc(LOTS_FIRST, sizeof(*l.claims)),
		.pieces = mem_zalloc(LOTS_FIRST, sizeof(*l.pieces)),
		.cap = LOTS_FIRST,
	};
	enum outcome outcome = check_shared(drafts, e) < 0 ? REFUSED : AGAIN;

	while (outcome == AGAIN) {
		size_t i = 0;
		struct change *d = NULL;

		l.len = 0;
		VEC_EACH (drafts, i, d) {
			if (!d->is_removed)
				add_draft(&l, d);
		}
		VEC_EACH (drafts, i, d) {
			if (!d->is_removed)
				add_back(&l, d);
		}
		VEC_EACH (drafts, i, d) {
			if (!d->is_removed)
				add_held(&l, d);
		}
		outcome = lay(&l, e);
	}
	if (outcome == LAID)
		give(&l, drafts);
	mem_free(l.claims);
	mem_free(l.pieces);
	return outcome == LAID ? 0 : -1;
}
