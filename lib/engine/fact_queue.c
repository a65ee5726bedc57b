#include "engine/fact_queue.h"

#include "base/mem.h"
#include "herd/herd.h"
#include "model/reason.h"
#include "os/clock.h"
#include "wire/notice.h"

static void fact_free(void *item)
{
	struct fact *fact = item;

	reason_free(fact->why);
	mem_free(fact);
}

static void tell(struct herd *h, const struct fact *fact)
{
	int64_t now = clock_ms();

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

void fact_queue_tell(struct fact_queue *q, struct herd *h)
{
	for (size_t i = 0; i < q->facts.len; i++) {
		struct fact *fact = q->facts.items[i];

		tell(h, fact);
		fact_free(fact);
	}
	q->facts.len = 0;
}

void fact_queue_add(struct fact_queue *q, struct fact fact)
{
	vec_push(&q->facts, mem_dup(&fact, sizeof(fact)));
}

void fact_queue_release(struct fact_queue *q)
{
	vec_release_with(&q->facts, fact_free);
}
