/*
 * Users and groups, from names to numbers.  This may ask a directory server and take its time: the brain does it, never the keeper.
 */
#ifndef OX_OS_USER_H
#define OX_OS_USER_H

#include <stddef.h>
#include <sys/types.h>

struct err;

enum { USER_GROUPS_MAX = 1024 };

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* the supplementary ones, gid among them */
	size_t group_count;
	char *home; /* NULL when only a number is known */
	char *shell;
	char *name;
};

/*
 * `name` is a user's name or number; `group` is one too, or NULL for the user's own.  -1 with words: "there is no user 'api'".  A number that nobody
 * has is a user without other groups, and needs `group`.  Without a name it is the user that we are, and the entry has no names.
 */
int user_find(struct user *u, const char *name, const char *group, struct err *e);
void user_release(struct user *u);
/* By name or number. */
int user_find_group(const char *name, gid_t *gid, struct err *e);

#endif
