/*
 * The gate of a world in which what is to share a port listens there as soon as it runs.
 */
#include "fake_effects.h"

void fake_gate(void *context, const struct gate_effect *effect)
{
	struct fake *f = context;

	buf_addf(&f->log, "gate %lld %d:", (long long)effect->gate, effect->port);
	for (size_t k = 0; k < effect->chosen_count; k++) {
		buf_addc(&f->log, ' ');
		fake_name(f, effect->chosen[k]);
	}
	buf_adds(&f->log, " places");
	for (size_t k = 0; k < effect->place_count; k++)
		buf_addf(&f->log, " %d", effect->places[k]);
	buf_addc(&f->log, '\n');
}

void fake_add_gate(struct fake *f, const struct spawn_effect *effect)
{
	if (effect->gate)
		buf_addf(&f->log, " gate %lld place %d", (long long)effect->gate, effect->place);
	buf_addc(&f->log, '\n');
}

void fake_listen(struct fake *f, struct ticket t)
{
	const struct instance *i = herd_slot(f->h, t.slot);

	if (i && instance_endpoint(i).gate && !f->is_unseen)
		herd_listens(f->h, t, NULL, f->now);
}
