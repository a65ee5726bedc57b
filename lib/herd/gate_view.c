#include "herd/gate_view.h"

#include "base/assert.h"
#include "base/mem.h"

void gate_view_release(struct gate_view *v)
{
	mem_free(v->chosen);
	mem_free(v->places);
	*v = (struct gate_view){ .port = 0 };
}

void gate_view_make(struct gate_view *v, size_t most)
{
	*v = (struct gate_view){
		.chosen = mem_zalloc(most, sizeof(*v->chosen)),
		.places = mem_zalloc(most, sizeof(*v->places)),
	};
}

bool gate_view_is_same(const struct gate_view *a, const struct gate_view *b)
{
	if (a->is_unknown || b->is_unknown || a->port != b->port || a->chosen_count != b->chosen_count ||
		a->place_count != b->place_count)
		return false;
	for (size_t k = 0; k < a->chosen_count; k++)
		if (a->chosen[k].generation != b->chosen[k].generation ||
			a->chosen[k].slot != b->chosen[k].slot)
			return false;
	for (size_t k = 0; k < a->place_count; k++)
		if (a->places[k] != b->places[k])
			return false;
	return true;
}

bool gate_view_is_empty(const struct gate_view *v)
{
	return !v->is_unknown && !v->chosen_count && !v->place_count;
}

struct gate_effect gate_view_effect(const struct gate_view *v, int64_t gate)
{
	ASSERT(gate > 0, "%zu are chosen at no gate", v->chosen_count);
	return (struct gate_effect){
		.gate = gate,
		.port = v->port,
		.chosen = v->chosen,
		.chosen_count = v->chosen_count,
		.places = v->places,
		.place_count = v->place_count,
	};
}
