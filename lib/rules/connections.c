#include "rules/connections.h"

#include "base/assert.h"

size_t connection_share(size_t max, enum connection_rank rank)
{
	static const size_t eighths[] = {
		[CONNECTION_MEMBER] = 2, [CONNECTION_USER] = 7, [CONNECTION_ROOT] = 8
	};

	ASSERT((unsigned int)rank <= CONNECTION_ROOT, "there is no rank %d of connections", (int)rank);
	return max * eighths[rank] / 8;
}

/* How many there may be in all when one of that rank is taken: the rest is kept for those above. */
static size_t limit_of(size_t max, enum connection_rank rank)
{
	static const size_t kept[] = {
		[CONNECTION_MEMBER] = 32, [CONNECTION_USER] = 8, [CONNECTION_ROOT] = 0
	};

	return max - max * kept[rank] / 256;
}

static bool is_older(const struct connection *all, size_t i, long than)
{
	ASSERT(than < (long)i, "connection %zu is compared with a later one, %ld", i, than);
	return than < 0 || all[i].used_at < all[than].used_at;
}

long connection_place(
	const struct connection *all, size_t count, size_t max, uint32_t uid, enum connection_rank rank)
{
	size_t own = 0;
	long own_idle = CONNECTION_REFUSE;
	long other_idle = CONNECTION_REFUSE;

	ASSERT(all || !count, "there are %zu connections and no list of them", count);
	for (size_t i = 0; i < count; i++) {
		own += all[i].uid == uid;
		if (!all[i].is_idle)
			continue;
		if (all[i].uid == uid && is_older(all, i, own_idle))
			own_idle = (long)i;
		else if (all[i].uid != uid && all[i].rank < rank && is_older(all, i, other_idle))
			other_idle = (long)i;
	}
	ASSERT(own_idle < (long)count && other_idle < (long)count, "connection %ld or %ld of %zu is idle",
		own_idle, other_idle, count);
	if (own < connection_share(max, rank) && count < limit_of(max, rank))
		return CONNECTION_ADMIT;
	if (own_idle >= 0)
		return own_idle;
	return own < connection_share(max, rank) ? other_idle : CONNECTION_REFUSE;
}
