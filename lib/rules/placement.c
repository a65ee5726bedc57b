#include "rules/placement.h"

#include "base/assert.h"
#include "base/mem.h"

static struct placement *placement_new(const struct spec *s, int cpus)
{
	struct placement *p = mem_zalloc(1, sizeof(*p));
	bool is_shared = s->port_mode == PORT_SHARED;

	p->spec = s;
	p->instances = count_resolve(s->instances, cpus);
	p->claim = (struct port_claim){
		.app = s->name,
		/* One that is shared is known to be listened on, so it is owned wherever it is written. */
		.written = s->port || !spec_has_gate(s) ? (int)s->port : spec_env_port(s),
		.from_env = spec_env_port(s),
		.step = (int)s->port_step,
		.instances = is_shared && p->instances > 1 ? 1 : p->instances,
	};
	ASSERT(p->instances >= 0 && p->instances <= APP_INSTANCES_MAX, "'%s' comes to %d instances", s->name,
		p->instances);
	return p;
}

static struct place claim_place(const struct placement *p)
{
	const char *key = p->claim.from_env ? "env" : "instances";

	return oxfile_place(p->spec, p->spec->port ? "port" : key);
}

static void print_range(struct buf *out, const struct placement *p)
{
	int last = p->claim.first + (p->claim.instances - 1) * p->claim.step;

	ASSERT(p->claim.first > 0, "'%s' has no port, and its range is complained of", p->spec->name);
	buf_addf(out, "'%s' ", p->spec->name);
	if (p->claim.instances > 1)
		buf_addf(out, "(%d to %d)", p->claim.first, last);
	else
		buf_addf(out, "(%d)", p->claim.first);
}

static void complain_overlap(const struct placement *p, const struct placement *other,
	const struct port_trouble *trouble, struct diags *d)
{
	struct buf words = BUF_INIT;

	ASSERT(p != other, "'%s' meets itself", p->spec->name);
	print_range(&words, p);
	buf_adds(&words, " and ");
	print_range(&words, other);
	if (trouble->kind == PORT_OVERLAP)
		diags_error(d, claim_place(p), "%s both want port %d", words.ptr, trouble->port);
	else
		diags_warn(d, claim_place(p), "%s are both given port %d in their environment", words.ptr,
			trouble->port);
	buf_release(&words);
}

static void complain_port(const struct vec *placements, const struct port_trouble *trouble, struct diags *d)
{
	const struct placement *p = NULL;

	ASSERT(trouble->claim < placements->len && trouble->other <= trouble->claim,
		"claims %zu and %zu of %zu meet", trouble->claim, trouble->other, placements->len);
	p = placements->items[trouble->claim];
	switch (trouble->kind) {
	case PORT_OVERLAP:
	case PORT_OVERLAP_PASSED:
		complain_overlap(p, placements->items[trouble->other], trouble, d);
		break;
	case PORT_BEYOND:
		diags_error(d, claim_place(p), "the ports of '%s' end at %d, beyond %d", p->spec->name,
			trouble->port, PORTS_LAST);
		break;
	case PORT_NO_BLOCK:
		diags_error(d, claim_place(p), "no %d free ports in a row are left for '%s'", p->instances,
			p->spec->name);
		break;
	}
}

static void assign(struct vec *placements, struct diags *d)
{
	struct port_claim *claims = mem_zalloc(placements->len, sizeof(*claims));
	struct vec troubles = VEC_INIT;
	struct placement *p = NULL;
	const struct port_trouble *trouble = NULL;
	size_t i = 0;

	VEC_EACH (placements, i, p) {
		claims[i] = p->claim;
	}
	ports_assign(claims, placements->len, NULL, NULL, &troubles);
	VEC_EACH (placements, i, p) {
		p->claim = claims[i];
		p->ports = mem_zalloc((size_t)p->instances, sizeof(*p->ports));
		for (int k = 0; k < p->instances; k++)
			p->ports[k] = ports_of(&p->claim, p->spec->port_mode == PORT_SHARED ? 0 : k);
	}
	VEC_EACH (&troubles, i, trouble) {
		complain_port(placements, trouble, d);
	}
	vec_release_with(&troubles, mem_free);
	mem_free(claims);
}

int placement_make(const struct oxfile *o, int cpus, struct vec *placements, struct diags *d)
{
	size_t errors_before = d->errors;
	size_t i = 0;
	const struct spec *s = NULL;

	oxfile_about(o, d);
	VEC_EACH (&o->specs, i, s) {
		if (!s->disabled)
			vec_push(placements, placement_new(s, cpus));
	}
	assign(placements, d);
	return d->errors == errors_before ? 0 : -1;
}

void placement_free(void *placement)
{
	struct placement *p = placement;

	if (p)
		mem_free(p->ports);
	mem_free(p);
}
