/*
 * The endpoints that a proxy may pass requests to, as far as this brain can know: those of the last that took effect, and of every later one that may
 * have.  An effect that was refused before it reached the proxy has named nobody, once it is not tried any more.
 */
#include "herd/proxy_view.h"

#include "base/assert.h"
#include "base/mem.h"

/* By each effect from `first` to `last`, as far as those were carried out. */
struct proxy_name {
	struct endpoint at; /* its place counts: a proxy cannot tell two processes there apart */
	uint64_t first, last;
};

void proxy_view_release(struct proxy_view *v)
{
	mem_free(v->servers);
	vec_release_with(&v->names, mem_free);
	*v = (struct proxy_view){ .names = VEC_INIT };
}

static struct proxy_name *find(const struct proxy_view *v, const struct endpoint *at)
{
	size_t k = 0;
	struct proxy_name *n = NULL;

	VEC_EACH (&v->names, k, n) {
		if (endpoint_is_same_place(&n->at, at))
			return n;
	}
	return NULL;
}

static void name(struct proxy_view *v, const struct endpoint *at)
{
	struct proxy_name *n = find(v, at);

	if (!n) {
		n = mem_zalloc(1, sizeof(*n));
		n->at = *at;
		n->first = v->serial;
		vec_push(&v->names, n);
	}
	n->last = v->serial;
	ASSERT(n->first <= n->last, "a name is of effects %llu to %llu", (unsigned long long)n->first,
		(unsigned long long)n->last);
}

/* Where nobody serves the proxy keeps what it has. */
static void keep_names(struct proxy_view *v)
{
	size_t k = 0;
	struct proxy_name *n = NULL;

	VEC_EACH (&v->names, k, n) {
		n->last = v->serial;
	}
}

bool proxy_view_is_wished(const struct proxy_view *v, const struct spec *spec,
	const struct upstream_server *servers, size_t count)
{
	ASSERT(v->servers || !v->count, "%zu servers were wished for, and are nowhere", v->count);
	if (v->count != count || v->spec != spec)
		return false;
	for (size_t k = 0; k < count; k++)
		if (!endpoint_is_same_place(&v->servers[k].at, &servers[k].at) ||
			v->servers[k].is_down != servers[k].is_down)
			return false;
	return true;
}

uint64_t proxy_view_wish(
	struct proxy_view *v, const struct spec *spec, struct upstream_server *servers, size_t count)
{
	bool is_any_up = false;

	v->serial++;
	mem_free(v->servers);
	v->servers = servers;
	v->count = count;
	v->spec = spec;
	for (size_t k = 0; k < count; k++) {
		is_any_up |= !servers[k].is_down;
		if (!servers[k].is_down)
			name(v, &servers[k].at);
	}
	if (is_any_up)
		v->naming = v->serial;
	else
		keep_names(v);
	ASSERT(v->naming <= v->serial && v->in_effect <= v->serial,
		"effect %llu is the last, and %llu is in effect", (unsigned long long)v->serial,
		(unsigned long long)v->in_effect);
	return v->serial;
}

void proxy_view_answer(struct proxy_view *v, uint64_t serial, enum upstream_outcome outcome)
{
	bool is_true = outcome == UPSTREAM_IN_EFFECT && serial == v->naming;

	ASSERT(serial <= v->serial, "an answer to effect %llu of %llu", (unsigned long long)serial,
		(unsigned long long)v->serial);
	if (is_true)
		v->in_effect = serial;
	for (size_t k = v->names.len; k-- > 0;) {
		const struct proxy_name *n = v->names.items[k];
		bool is_past = is_true && n->last < serial;
		/* Overtaken before it was tried; or refused, and not what was wished for last, which is tried once more. */
		bool was_refused = outcome == UPSTREAM_TAKEN_BACK && n->last <= serial && n->last < v->serial;
		bool was_never = n->first > v->tried && (n->last < serial || was_refused);

		if (is_past || was_never)
			mem_free(vec_remove(&v->names, k));
	}
	if (outcome != UPSTREAM_TAKEN_BACK)
		v->tried = serial;
	v->answered = serial;
	ASSERT(v->in_effect <= v->serial && v->tried <= v->serial, "effect %llu is in effect, of %llu",
		(unsigned long long)v->in_effect, (unsigned long long)v->serial);
}

void proxy_view_let_go(struct proxy_view *v, uint64_t serial)
{
	ASSERT(serial <= v->serial, "effect %llu of %llu is let go", (unsigned long long)serial,
		(unsigned long long)v->serial);
	if (serial > v->released)
		v->released = serial;
	ASSERT(v->released >= serial, "effect %llu is let go, and is held", (unsigned long long)serial);
}

bool proxy_view_may_name(const struct proxy_view *v, const struct endpoint *at)
{
	/* What it had from an earlier brain ends with the first that takes effect. */
	return !v->in_effect || find(v, at);
}

bool proxy_view_is_out(const struct proxy_view *v, uint64_t serial, const struct endpoint *at)
{
	ASSERT(v->released <= v->serial && v->answered <= v->serial, "effect %llu is answered, of %llu",
		(unsigned long long)v->answered, (unsigned long long)v->serial);
	return serial <= v->released || (serial <= v->answered && !proxy_view_may_name(v, at));
}

bool proxy_view_forget(struct proxy_view *v)
{
	bool was_wished = v->spec != NULL;

	v->spec = NULL;
	vec_release_with(&v->names, mem_free);
	v->names = (struct vec)VEC_INIT;
	v->in_effect = 0;
	v->naming = 0;
	return was_wished;
}
