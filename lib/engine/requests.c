#include "engine/requests.h"

#include "base/mem.h"

struct waiter {
	request_done done;
	void *context;
};

void requests_release(struct requests *r)
{
	map_release_with(&r->waiting, mem_free);
}

uint64_t requests_expect(struct requests *r, request_done done, void *context)
{
	struct waiter waiter = { .done = done, .context = context };
	uint64_t id = ++r->last_id;

	map_put_n(&r->waiting, (const char *)&id, sizeof(id), mem_dup(&waiter, sizeof(waiter)));
	return id;
}

void requests_forget(struct requests *r, uint64_t id)
{
	mem_free(map_remove_n(&r->waiting, (const char *)&id, sizeof(id)));
}

void requests_settle(struct requests *r, uint64_t id, const struct wait_results *results)
{
	struct waiter *waiter = map_remove_n(&r->waiting, (const char *)&id, sizeof(id));

	if (waiter)
		waiter->done(waiter->context, results);
	mem_free(waiter);
}
