#include "herd/budget.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

void budget_release(struct budget *b)
{
	mem_free(b->slots);
	*b = (struct budget)BUDGET_INIT(b->most);
}

static size_t most_of(const struct budget *b)
{
	ASSERT(b->held <= b->len && b->len <= b->cap, "%zu of %zu hold, in room for %zu", b->held, b->len,
		b->cap);
	return b->most ? b->most : 1;
}

static size_t budget_position(const struct budget *b, uint32_t slot)
{
	size_t position = 0;

	while (position < b->len && b->slots[position] != slot)
		position++;
	return position;
}

bool budget_ask(struct budget *b, uint32_t slot)
{
	size_t position = budget_position(b, slot);

	ASSERT(slot && b->held <= b->len, "slot %u asks, and %zu of %zu hold", slot, b->held, b->len);
	if (position < b->len)
		return position < b->held;
	if (b->len == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 8;
		b->slots = mem_resize(b->slots, b->cap, sizeof(*b->slots));
	}
	b->slots[b->len++] = slot;
	if (b->held == most_of(b))
		return false;
	/* Somebody waits only while all are held, so the newest is the next of the holders. */
	b->held++;
	ASSERT(b->held <= b->len && b->slots[b->held - 1] == slot,
		"slot %u holds, and another stands in its place", slot);
	return true;
}

uint32_t budget_give(struct budget *b, uint32_t slot)
{
	size_t position = budget_position(b, slot);
	bool held = position < b->held;

	ASSERT(slot, "nobody gives back");
	if (position == b->len)
		return 0;
	ASSERT(b->held <= b->len, "%zu of %zu hold", b->held, b->len);
	memmove(&b->slots[position], &b->slots[position + 1], (b->len - position - 1) * sizeof(*b->slots));
	b->len--;
	if (!held)
		return 0;
	/* The holders moved up by one, so the first that waits stands behind them. */
	if (b->len >= b->held)
		return b->slots[b->held - 1];
	b->held--;
	ASSERT(b->held <= b->len, "%zu of %zu hold", b->held, b->len);
	return 0;
}
