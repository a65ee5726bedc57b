/*
 * What the keeper holds in front of apps that share a port.
 */
#include "sim.h"

void gate_wish(void *context, const struct gate_effect *effect)
{
	struct sim *s = context;

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: gate %lld chooses %zu and keeps %zu places", (long long)effect->gate,
		effect->chosen_count, effect->place_count);
}
