#include "control/meant.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "model/selector.h"
#include "model/spec.h"

/* Marks what `s` depends on; true if something was not marked yet. */
static bool mark_needs(const struct vec *specs, const struct spec *s, bool *meant)
{
	const struct spec *other = NULL;
	bool is_new = false;
	size_t i = 0;

	VEC_EACH (specs, i, other) {
		bool was_meant = meant[i];

		for (size_t k = 0; k < s->depends_on.len && !meant[i]; k++)
			meant[i] = str_eq(s->depends_on.items[k], other->name);
		is_new |= meant[i] && !was_meant;
	}
	return is_new;
}

bool *who_is_meant(const struct vec *specs, const char *const *only, size_t count)
{
	bool *meant = mem_zalloc(specs->len, sizeof(*meant));
	const struct spec *s = NULL;
	bool is_new = count > 0;
	size_t i = 0;

	for (i = 0; i < count; i++)
		(void)selector_mark(only[i], specs, meant);
	for (i = 0; i < specs->len && !count; i++)
		meant[i] = true;
	while (is_new) {
		is_new = false;
		VEC_EACH (specs, i, s)
			is_new |= meant[i] && mark_needs(specs, s, meant);
	}
	return meant;
}
