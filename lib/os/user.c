#include "os/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* A directory that answers with more than this is refused: the entry is not a user's. */
enum { ENTRY_MAX = 1024 * 1024 };

/* 0xffffffff means "leave it" to the kernel, and is nobody. */
static bool as_number(const char *name, int64_t *id)
{
	return str_to_int(name, id) && *id >= 0 && *id < INT64_C(0xffffffff);
}

/*
 * Both look-ups want a buffer of unknown size.  1: found, 0: nobody, -1: the directory failed, with errno.  `entry` points into `room`,
 * which the caller frees.
 */
static int look_up_user(const char *name, struct passwd *entry, char **room)
{
	struct passwd *found = NULL;
	int64_t id = 0;
	int rc = ERANGE;

	*room = NULL;
	for (size_t size = 1024; rc == ERANGE && size <= ENTRY_MAX; size *= 4) {
		*room = mem_resize(*room, size, 1);
		rc = getpwnam_r(name, entry, *room, size, &found);
		if (!found && rc != ERANGE && as_number(name, &id))
			rc = getpwuid_r((uid_t)id, entry, *room, size, &found);
	}
	errno = rc;
	if (found)
		return 1;
	return rc == 0 || rc == ENOENT || rc == ESRCH ? 0 : -1;
}

/* Nobody comes to be by waiting. */
static int fail_missing_entry(struct err *e)
{
	if (e)
		e->number = ENOENT;
	return -1;
}

int user_find_group(const char *name, gid_t *gid, struct err *e)
{
	struct group entry;
	struct group *found = NULL;
	char *room = NULL;
	int64_t id = 0;
	int rc = ERANGE;

	for (size_t size = 1024; rc == ERANGE && size <= ENTRY_MAX; size *= 4) {
		room = mem_resize(room, size, 1);
		rc = getgrnam_r(name, &entry, room, size, &found);
	}
	if (found)
		*gid = entry.gr_gid;
	mem_free(room);
	if (found)
		return 0;
	if (as_number(name, &id)) {
		*gid = (gid_t)id;
		return 0;
	}
	if (rc && rc != ENOENT && rc != ESRCH)
		return err_sys(e, rc, "cannot look up the group '%s'", name);
	(void)err_set(e, "there is no group '%s'", name);
	return fail_missing_entry(e);
}

static int fill_groups(struct user *u, struct err *e)
{
	int count = USER_GROUPS_MAX;

	if (getgrouplist(u->name, u->gid, u->groups, &count) < 0)
		return err_set(
			e, "the user '%s' is in %d groups, more than %d", u->name, count, USER_GROUPS_MAX);
	u->group_count = (size_t)count;
	return 0;
}

static int fill_user(struct user *u, const struct passwd *entry)
{
	u->uid = entry->pw_uid;
	u->gid = entry->pw_gid;
	u->name = mem_strdup(entry->pw_name);
	u->home = mem_strdup(entry->pw_dir);
	u->shell = mem_strdup(entry->pw_shell);
	return 0;
}

/* Ourselves: nothing that goes by the name of a user is to change. */
static int find_self(struct user *u, const char *group, struct err *e)
{
	char number[16];
	int rc = 0;

	(void)snprintf(number, sizeof(number), "%u", (unsigned int)geteuid());
	rc = user_find(u, number, group, e);
	if (rc < 0)
		return -1;
	mem_free(u->home);
	mem_free(u->shell);
	mem_free(u->name);
	u->home = u->shell = u->name = NULL;
	return 0;
}

int user_find(struct user *u, const char *name, const char *group, struct err *e)
{
	struct passwd entry;
	char *room = NULL;
	int64_t id = 0;
	int found = 0;
	int rc = -1;

	if (!name)
		return find_self(u, group, e);
	found = look_up_user(name, &entry, &room);
	memset(u, 0, sizeof(*u));
	if (found > 0)
		rc = fill_user(u, &entry);
	else if (found < 0)
		err_sys(e, errno, "cannot look up the user '%s'", name);
	else if (!as_number(name, &id))
		err_set(e, "there is no user '%s'", name), fail_missing_entry(e);
	else if (!group)
		err_set(e, "nobody has the user number %s, so say its group too", name);
	else
		rc = 0;
	if (rc == 0 && !u->name)
		u->uid = (uid_t)id;
	if (rc == 0 && group)
		rc = user_find_group(group, &u->gid, e);
	if (rc == 0 && u->name)
		rc = fill_groups(u, e);
	else if (rc == 0)
		u->groups[u->group_count++] = u->gid;
	mem_free(room);
	if (rc < 0)
		user_release(u);
	return rc;
}

void user_release(struct user *u)
{
	mem_free(u->home);
	mem_free(u->shell);
	mem_free(u->name);
	memset(u, 0, sizeof(*u));
}
