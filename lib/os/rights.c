#include "os/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "os/user.h"

/* The library's own functions would change every thread; and on old 32-bit machines these have two names. */
#ifdef SYS_setfsuid32
#define SET_FS_UID SYS_setfsuid32
#define SET_FS_GID SYS_setfsgid32
#define SET_GROUPS SYS_setgroups32
#else
#define SET_FS_UID SYS_setfsuid
#define SET_FS_GID SYS_setfsgid
#define SET_GROUPS SYS_setgroups
#endif

/* What this process has by itself; it never changes. */
static struct {
	bool is_known;
	gid_t *groups;
	size_t count;
} own;

struct rights *rights_new(const char *name, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	struct rights *r = mem_zalloc(1, sizeof(*r));

	r->uid = uid;
	r->gid = gid;
	r->group_count = count;
	r->groups = count ? mem_dup(groups, count * sizeof(*groups)) : NULL;
	r->name = mem_strdup(name);
	return r;
}

struct rights *rights_find(const char *user, const char *group)
{
	struct user *found = NULL;
	struct rights *r = NULL;

	if (!user)
		return NULL;
	found = mem_zalloc(1, sizeof(*found));
	if (user_find(found, user, group, NULL) < 0)
		r = rights_new(user, RIGHTS_NOBODY, (gid_t)-1, NULL, 0);
	else if (found->uid != geteuid() && found->uid != 0)
		r = rights_new(user, found->uid, found->gid, found->groups, found->group_count);
	user_release(found);
	mem_free(found);
	return r;
}

struct rights *rights_clone(const struct rights *r)
{
	return r ? rights_new(r->name, r->uid, r->gid, r->groups, r->group_count) : NULL;
}

void rights_free(struct rights *r)
{
	if (!r)
		return;
	mem_free(r->groups);
	mem_free(r->name);
	mem_free(r);
}

bool rights_equal(const struct rights *a, const struct rights *b)
{
	if (!a || !b)
		return a == b;
	return a->uid == b->uid && a->gid == b->gid && a->group_count == b->group_count &&
		(!a->group_count || !memcmp(a->groups, b->groups, a->group_count * sizeof(*a->groups)));
}

static bool know_own(void)
{
	int count = own.is_known ? 0 : getgroups(0, NULL);

	if (own.is_known)
		return true;
	if (count < 0)
		return false;
	own.groups = mem_zalloc((size_t)count + 1, sizeof(*own.groups));
	count = getgroups(count, own.groups);
	own.count = count < 0 ? 0 : (size_t)count;
	own.is_known = count >= 0;
	return own.is_known;
}

/* Neither of the two says whether it worked; asked for what cannot be, both say what is. */
static bool take_ids(uid_t uid, gid_t gid)
{
	(void)syscall(SET_FS_GID, gid);
	(void)syscall(SET_FS_UID, uid);
	return (gid_t)syscall(SET_FS_GID, -1) == gid && (uid_t)syscall(SET_FS_UID, -1) == uid;
}

/*
 * The user first: with that root's powers over files are back, and groups need none of those.  A process whose user has changed is one that
 * leaves no core and that its own user may not trace; it has not changed for good.
 */
static void restore_ids(void)
{
	if (take_ids(geteuid(), getegid()) && syscall(SET_GROUPS, own.count, own.groups) == 0)
		return;
	log_error("cannot get back the daemon's own rights");
	abort();
}

static _Thread_local int was_dumpable;

int rights_take(const struct rights *r)
{
	if (!r)
		return 0;
	if (r->uid == RIGHTS_NOBODY || r->uid == 0 || geteuid() != 0 || !know_own()) {
		errno = EPERM;
		return -1;
	}
	was_dumpable = prctl(PR_GET_DUMPABLE);
	if (syscall(SET_GROUPS, r->group_count, r->groups) < 0)
		return -1;
	if (take_ids(r->uid, r->gid))
		return 0;
	rights_return(r);
	errno = EPERM;
	return -1;
}

void rights_return(const struct rights *r)
{
	int number = errno;

	if (r) {
		restore_ids();
		if (was_dumpable == 1)
			(void)prctl(PR_SET_DUMPABLE, 1);
	}
	errno = number;
}
