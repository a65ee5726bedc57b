#include "logs/app_users.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/rights.h"

struct app_user {
	struct rights *rights;
	int64_t at;
};

static void app_user_free(void *item)
{
	struct app_user *user = item;

	rights_free(user->rights);
	mem_free(user);
}

void app_users_release(struct app_users *a)
{
	map_release_with(&a->known, app_user_free);
}

const struct rights *app_users_rights(struct app_users *a, const char *user, const char *group)
{
	struct buf key = BUF_INIT;
	struct app_user *known = NULL;
	int64_t now = clock_ms();

	buf_addf(&key, "%s:%s", user, group ? group : "");
	known = map_get(&a->known, key.ptr);
	if (!known) {
		known = mem_zalloc(1, sizeof(*known));
		known->at = now - APP_USERS_MS;
		map_put(&a->known, key.ptr, known);
	}
	if (now - known->at >= APP_USERS_MS) {
		rights_free(known->rights);
		*known = (struct app_user){ .rights = rights_find(user, group), .at = now };
	}
	buf_release(&key);
	return known->rights;
}
