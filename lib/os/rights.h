/*
 * With whose rights files are touched.  A daemon that is root takes on a user's for a moment: user, group and groups as far as the file
 * system asks for them, of this thread alone.  Meanwhile the kernel keeps root's own powers over files from it.
 */
#ifndef OX_OS_RIGHTS_H
#define OX_OS_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct user;

#define RIGHTS_NOBODY ((uid_t)-1) /* of a user that cannot be looked up: nothing can be done with them */

struct rights {
	uid_t uid;
	gid_t gid;
	size_t group_count;
	gid_t *groups;
	char *name; /* of the user, for words */
};

/* Everywhere below NULL is the daemon's own rights.  `groups` is copied. */
struct rights *rights_new(const char *name, uid_t uid, gid_t gid, const gid_t *groups, size_t count);
/*
 * Those of a user and a group by name or number, as an app says them: NULL when that is the daemon's own user, or neither is said.  May ask a
 * directory server.  One that cannot be found has the rights of RIGHTS_NOBODY.
 */
struct rights *rights_find(const char *user, const char *group);
struct rights *rights_clone(const struct rights *r);
void rights_free(struct rights *r);
bool rights_equal(const struct rights *a, const struct rights *b);

/* From here to rights_return() this thread has them.  -1 with errno: it has what it had. */
int rights_take(const struct rights *r);
/* With the same.  errno stays.  What cannot get back its own rights ends here. */
void rights_return(const struct rights *r);

#endif
