/*
 * The users that apps run as, and their rights over files (os/rights.h), so that a directory server is not asked for each log of each instance.
 */
#ifndef OX_LOGS_APP_USERS_H
#define OX_LOGS_APP_USERS_H

#include "base/map.h"

struct rights;

enum { APP_USERS_MS = 1000 }; /* what was looked up holds so long: users and their groups change */

struct app_users {
	struct map known; /* "user:group" -> struct app_user * */
};

void app_users_release(struct app_users *a);
/* As rights_find(); borrowed until the next call. */
const struct rights *app_users_rights(struct app_users *a, const char *user, const char *group);

#endif
