#include "herd/revision.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

struct revision *revision_new(struct spec *spec, int number)
{
	struct revision *r = mem_zalloc(1, sizeof(*r));

	ASSERT(spec, "revision %d has no definition", number);
	r->refs = 1;
	r->number = number;
	r->spec = spec;
	return r;
}

struct revision *revision_ref(struct revision *r)
{
	ASSERT(r->refs > 0, "revision %d is gone, and is used", r->number);
	r->refs++;
	return r;
}

void revision_drop(struct revision *r)
{
	if (!r)
		return;
	ASSERT(r->refs > 0, "revision %d is dropped twice", r->number);
	if (--r->refs)
		return;
	spec_free(r->spec);
	build_free(r->build);
	mem_free(r->ports);
	mem_free(r);
}

void revision_set(struct revision **to, struct revision *r)
{
	struct revision *old = *to;

	*to = r ? revision_ref(r) : NULL;
	revision_drop(old);
	ASSERT(!r || r->refs > 0, "revision %d is used, and gone", r->number);
}

int revision_port(const struct revision *r, int number)
{
	ASSERT(number >= 0, "the port of instance %d is asked for", number);
	return number < r->ports_len ? r->ports[number] : 0;
}

bool revision_owns_ports(const struct revision *r)
{
	return r->port_source == PORT_WRITTEN || r->port_source == PORT_BLOCK;
}

void revision_pin(struct revision *r)
{
	r->is_pinned = true;
}

const struct build *revision_own(const struct revision *r)
{
	return r->is_pinned && r->build && r->build->folder ? r->build : NULL;
}

void revision_take_build(struct revision *r, struct build *b)
{
	ASSERT(!b || r->build != b, "revision %d gets the build that it has", r->number);
	build_free(r->build);
	r->build = b;
}
