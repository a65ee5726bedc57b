#include "herd/facts_later.h"

#include "base/assert.h"
#include "base/mem.h"
#include "herd/herd_private.h"
#include "wire/notice.h"

struct late_fact {
	struct herd_fact fact;
	struct reason *why; /* what fact.why is; owned */
};

static void late_fact_free(void *item)
{
	struct late_fact *late = item;

	reason_free(late->why);
	mem_free(late);
}

static void hear_late(struct herd *h, const struct herd_fact *fact, int64_t now)
{
	switch (fact->kind) {
	case FACT_SPAWN_FAILED:
		herd_spawn_failed(h, fact->ticket, fact->why, now);
		break;
	case FACT_PORT_FREE:
		herd_port_free(h, fact->ticket, now);
		break;
	case FACT_PORT_TAKEN:
		herd_port_taken(h, fact->ticket, fact->why->pid, fact->why->command, now);
		break;
	case FACT_NOTE:
		herd_note(h, fact->ticket, fact->why, now);
		break;
	case FACT_SAID_READY:
		herd_notified(h, fact->ticket, &(struct notice){ .is_ready = true }, now);
		break;
	}
}

void herd_fact_later(struct herd *h, const struct herd_fact *fact)
{
	struct late_fact *late = mem_zalloc(1, sizeof(*late));

	late->fact = *fact;
	late->why = reason_copy(fact->why);
	late->fact.why = late->why;
	vec_push(&h->late_facts, late);
	ASSERT(!fact->why || late->why, "a late fact has lost its reason");
}

void herd_facts_hear(struct herd *h, int64_t now)
{
	for (size_t k = 0; k < h->late_facts.len; k++) {
		struct late_fact *late = h->late_facts.items[k];

		hear_late(h, &late->fact, now);
		late_fact_free(late);
	}
	h->late_facts.len = 0;
}

void late_facts_release(struct herd *h)
{
	vec_release_with(&h->late_facts, late_fact_free);
}
