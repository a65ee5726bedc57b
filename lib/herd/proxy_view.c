/*
 * Which ports a proxy may pass requests to, as far as this brain can know: those of the last wish that took effect, and of every later one that may
 * have.  A wish that was refused before anybody was told of it has named nobody, once it is not tried any more.
 */
#include "base/mem.h"
#include "herd/herd_private.h"

/* By each wish from `first` to `last`, as far as those were carried out. */
struct proxy_name {
	int port;
	uint64_t first, last;
};

static struct proxy_name *find(const struct app *a, int port)
{
	size_t k = 0;
	struct proxy_name *n = NULL;

	VEC_EACH (&a->named, k, n) {
		if (n->port == port)
			return n;
	}
	return NULL;
}

static void name(struct app *a, int port)
{
	struct proxy_name *n = find(a, port);

	if (!n) {
		n = mem_zalloc(1, sizeof(*n));
		n->port = port;
		n->first = a->upstream_serial;
		vec_push(&a->named, n);
	}
	n->last = a->upstream_serial;
}

void proxy_view_wished(struct app *a, const struct upstream_server *servers, size_t count)
{
	size_t k = 0;
	struct proxy_name *n = NULL;
	bool is_any_up = false;

	for (size_t at = 0; at < count; at++) {
		is_any_up |= !servers[at].is_down;
		if (!servers[at].is_down)
			name(a, servers[at].port);
	}
	if (is_any_up)
		a->naming_serial = a->upstream_serial;
	/* Where nobody serves the proxy keeps what it has. */
	VEC_EACH (&a->named, k, n) {
		if (!is_any_up)
			n->last = a->upstream_serial;
	}
}

void proxy_view_outcome(struct app *a, uint64_t serial, enum upstream_outcome outcome)
{
	bool is_true = outcome == UPSTREAM_IN_EFFECT && serial == a->naming_serial;

	a->is_named_known |= is_true;
	for (size_t k = a->named.len; k-- > 0;) {
		const struct proxy_name *n = a->named.items[k];
		bool is_past = is_true && n->last < serial;
		/* Overtaken before it was tried; or refused, and not what was wished for last, which is tried once more. */
		bool was_refused =
			outcome == UPSTREAM_TAKEN_BACK && n->last <= serial && n->last < a->upstream_serial;
		bool was_never = n->first > a->upstream_maybe && (n->last < serial || was_refused);

		if (is_past || was_never)
			mem_free(vec_remove(&a->named, k));
	}
	if (outcome != UPSTREAM_TAKEN_BACK)
		a->upstream_maybe = serial;
}

bool proxy_view_may_name(const struct app *a, int port)
{
	/* What it had from an earlier brain ends with the first wish that takes effect. */
	return !a->is_named_known || find(a, port);
}

void proxy_view_forget(struct app *a)
{
	vec_release_with(&a->named, mem_free);
	a->named = (struct vec)VEC_INIT;
	a->is_named_known = false;
	a->naming_serial = 0;
}
