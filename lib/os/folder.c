#include "os/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "os/fd.h"
#include "os/rights.h"

/* Of Linux 5.8; older headers do not have it. */
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

enum {
	LINKS_MAX = 40, /* as many as the kernel follows */
	LINK_MAX_BYTES = 4096,
	REST_MAX = 64 * 1024, /* of a path whose links lead to longer and longer ones */
};

/* On the way: `f` is where we are. */
struct path_walk {
	struct folder *f;
	struct buf rest; /* of the path, without slashes at its beginning */
	unsigned int flags;
	int links;
	bool is_open;    /* see struct folder: of where we are */
	bool is_private; /* nobody but root and the daemon's user may write there */
};

/* --- words ------------------------------------------------------------------------------------------------------------- */

/* What it is about is for the caller to say. */
static int complain_folder(int number, const char *why, struct err *e)
{
	(void)err_set(e, "%s", why);
	if (e)
		e->number = number;
	errno = number;
	return -1;
}

static int complain_of_system(const struct folder *f, int number, struct err *e)
{
	const struct rights *user = f->kind == FOLDER_USERS ? f->rights : NULL;
	struct buf why = BUF_INIT;

	if (user && user->uid == RIGHTS_NOBODY)
		buf_addf(&why, "there is no user '%s', with whose rights it would be opened", user->name);
	else if (user)
		buf_addf(&why, "%s (with the rights of user '%s')", strerror(number), user->name);
	else
		buf_adds(&why, strerror(number));
	(void)complain_folder(number, why.ptr, e);
	buf_release(&why);
	return -1;
}

static int complain_of_link(const struct folder *f, const char *name, struct err *e)
{
	struct buf why = BUF_INIT;

	buf_addf(&why, "'%s' is a symbolic link in a folder that ", name);
	if (f->kind == FOLDER_USERS)
		buf_addf(&why, "user '%s' can change; ", f->rights->name);
	else
		buf_adds(&why, "others can change; ");
	buf_adds(&why, "name the file that it leads to, or use a folder that only root can change");
	(void)complain_folder(ELOOP, why.ptr, e);
	buf_release(&why);
	return -1;
}

static int complain_of_owner(const char *name, uid_t owner, struct err *e)
{
	struct buf why = BUF_INIT;

	buf_addf(&why, "'%s' belongs to uid %lu; remove it, or use another folder", name,
		(unsigned long)owner);
	(void)complain_folder(EPERM, why.ptr, e);
	buf_release(&why);
	return -1;
}

/* --- who could change it ------------------------------------------------------------------------------------------------ */

static bool is_trusted_uid(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool folder_others_may_write(const struct stat *st)
{
	/* Root's group is root; and where users have groups of their own, their folders are often open to those. */
	bool is_own_group = st->st_gid == 0 ||
		(st->st_uid == geteuid() && st->st_gid == getegid() && st->st_gid == (gid_t)geteuid());

	return st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && !is_own_group);
}

/* The kernel is asked where a group or a list of rights decides. */
static bool user_may_write(const struct rights *r, int fd)
{
	long rc = 0;

	/* What cannot be asked may be so. */
	if (rights_take(r) < 0)
		return true;
	rc = syscall(SYS_faccessat2, fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH);
	rights_return(r);
	return rc == 0 || (errno != EACCES && errno != EROFS);
}

static bool user_may_change(const struct rights *r, int fd, const struct stat *st)
{
	bool is_sticky = st->st_mode & S_ISVTX;

	if (st->st_uid == r->uid)
		return true;
	if (st->st_mode & S_IWOTH)
		return !is_sticky;
	return st->st_mode & S_IWGRP && !is_sticky && user_may_write(r, fd);
}

/* The folder that we have just come to. */
static void judge_step(struct path_walk *w, const struct stat *st)
{
	struct folder *f = w->f;
	bool may_write = folder_others_may_write(st);
	bool is_sticky = st->st_mode & S_ISVTX && is_trusted_uid(st->st_uid);

	f->owner = st->st_uid;
	w->is_open = may_write && is_sticky;
	w->is_private = is_trusted_uid(st->st_uid) && !may_write;
	if (f->kind == FOLDER_USERS)
		return;
	if (f->rights && user_may_change(f->rights, f->fd, st))
		f->kind = FOLDER_USERS;
	else if (!is_trusted_uid(st->st_uid))
		f->kind = f->rights ? FOLDER_USERS : FOLDER_SHARED;
	else if (may_write && !is_sticky)
		f->kind = FOLDER_SHARED;
}

/* What stands in an open folder is as safe as its owner. */
static int judge_entry(const struct path_walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct folder *f = w->f;

	if (!w->is_open || is_trusted_uid(st->st_uid))
		return 0;
	if (!f->rights || st->st_uid != f->rights->uid)
		return complain_of_owner(name, st->st_uid, e);
	f->kind = FOLDER_USERS;
	return 0;
}

/* --- the way ------------------------------------------------------------------------------------------------------------- */

static const struct rights *rights_of(const struct folder *f)
{
	return f->kind == FOLDER_USERS ? f->rights : NULL;
}

static int move_to(struct path_walk *w, int fd, struct err *e)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int number = errno;

		fd_close(&fd);
		return complain_of_system(w->f, number, e);
	}
	fd_close(&w->f->fd);
	w->f->fd = fd;
	judge_step(w, &st);
	return 0;
}

static int enter_root(struct path_walk *w, struct err *e)
{
	return move_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), e);
}

/* The next name, to be freed; `is_last` with a slash behind it too, which says no more. */
static char *next_name(struct path_walk *w, bool *is_last)
{
	size_t len = strcspn(w->rest.ptr, "/");
	char *name = mem_strndup(w->rest.ptr, len);

	len += strspn(w->rest.ptr + len, "/");
	buf_eat(&w->rest, len);
	*is_last = !w->rest.len;
	return name;
}

static bool may_follow(const struct path_walk *w, const struct stat *st)
{
	const struct folder *f = w->f;

	if (f->kind == FOLDER_OWN)
		return !w->is_open || is_trusted_uid(st->st_uid);
	return is_trusted_uid(st->st_uid) || (f->kind == FOLDER_USERS && st->st_uid == f->rights->uid);
}

static int follow_link(struct path_walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct folder *f = w->f;
	char text[LINK_MAX_BYTES + 1];
	ssize_t len = 0;
	struct buf rest = BUF_INIT;

	if (!may_follow(w, st))
		return complain_of_link(f, name, e);
	if (++w->links > LINKS_MAX || w->rest.len > REST_MAX)
		return complain_of_system(f, ELOOP, e);
	if (rights_take(rights_of(f)) < 0)
		return complain_of_system(f, errno, e);
	len = readlinkat(f->fd, name, text, sizeof(text) - 1);
	rights_return(rights_of(f));
	if (len <= 0)
		return complain_of_system(f, len < 0 ? errno : ENOENT, e);
	text[len] = '\0';
	buf_adds(&rest, text + strspn(text, "/"));
	if (rest.len && w->rest.len)
		buf_addc(&rest, '/');
	buf_add(&rest, w->rest.ptr, w->rest.len);
	buf_release(&w->rest);
	w->rest = rest;
	return text[0] == '/' ? enter_root(w, e) : 0;
}

static int make(const struct path_walk *w, const char *name)
{
	int rc = rights_take(rights_of(w->f));

	if (rc < 0)
		return rc;
	rc = mkdirat(w->f->fd, name, 0755);
	rights_return(rights_of(w->f));
	return rc < 0 && errno != EEXIST ? -1 : 0;
}

static int enter_step(struct path_walk *w, const char *name, struct err *e)
{
	struct folder *f = w->f;
	struct stat st;
	int fd = -1;
	int number = 0;

	if (folder_stat(f, name, &st) < 0) {
		if (errno != ENOENT || !(w->flags & FOLDER_MAKE) || make(w, name) < 0 ||
			folder_stat(f, name, &st) < 0)
			return complain_of_system(f, errno, e);
	}
	if (judge_entry(w, name, &st, e) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return follow_link(w, name, &st, e);
	if (rights_take(rights_of(f)) < 0)
		return complain_of_system(f, errno, e);
	fd = openat(f->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	number = errno;
	rights_return(rights_of(f));
	errno = number;
	/* It may have become another one since: that one is looked at. */
	if (fd >= 0 && fstat(fd, &st) == 0 && judge_entry(w, name, &st, e) < 0) {
		fd_close(&fd);
		return -1;
	}
	return move_to(w, fd, e);
}

static bool is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* 1: it was a link, and the walk continues; 0: the walk ends here; -1 with words. */
static int end_at(struct path_walk *w, const char *name, struct err *e)
{
	struct folder *f = w->f;
	struct stat st;
	bool follows = w->flags & FOLDER_FOLLOW ||
		(w->flags & FOLDER_FOLLOW_OWN && f->kind != FOLDER_USERS && w->is_private);

	if (!follows || folder_stat(f, name, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	if (judge_entry(w, name, &st, e) < 0)
		return -1;
	/* Its text is for people only. */
	if (f->kind == FOLDER_OWN && is_proc(f->fd)) {
		f->is_magic = true;
		return 0;
	}
	return follow_link(w, name, &st, e) < 0 ? -1 : 1;
}

static int walk_path(struct path_walk *w, struct err *e)
{
	int rc = enter_root(w, e);

	while (rc == 0) {
		bool is_last = false;
		char *name = next_name(w, &is_last);

		if (is_last && (!*name || !strcmp(name, ".") || !strcmp(name, ".."))) {
			rc = complain_of_system(w->f, EISDIR, e);
		} else if (is_last) {
			rc = end_at(w, name, e);
			w->f->name = rc == 0 ? mem_strdup(name) : NULL;
			mem_free(name);
			if (rc != 1)
				return rc;
			rc = 0;
			continue;
		} else {
			rc = enter_step(w, name, e);
		}
		mem_free(name);
	}
	return rc;
}

int folder_open(
	struct folder *f, const char *path, const struct rights *rights, unsigned int flags, struct err *e)
{
	struct path_walk w = { .f = f, .rest = BUF_INIT, .flags = flags };
	int rc = 0;

	*f = (struct folder){ .fd = -1, .rights = rights, .path = mem_strdup(path) };
	buf_adds(&w.rest, path + strspn(path, "/"));
	rc = *path == '/' ? walk_path(&w, e) : complain_of_system(f, ENOENT, e);
	f->is_open = w.is_open;
	/* What is made in it is made beside what others make. */
	if (rc == 0 && f->is_open && f->kind != FOLDER_USERS)
		f->kind = rights ? FOLDER_USERS : FOLDER_SHARED;
	buf_release(&w.rest);
	if (rc < 0)
		folder_close(f);
	return rc;
}

void folder_close(struct folder *f)
{
	int number = errno;

	fd_close(&f->fd);
	mem_free(f->path);
	mem_free(f->name);
	*f = (struct folder)FOLDER_INIT;
	errno = number;
}

void folder_keep(struct folder *f)
{
	f->kind = FOLDER_SHARED;
}

/* --- what is in it --------------------------------------------------------------------------------------------------------- */

/* Opened already: nobody can put another one in its place. */
static int check_opened(const struct folder *f, const char *name, int fd, struct err *e)
{
	struct stat st;
	bool is_users = f->kind == FOLDER_USERS && f->rights && f->rights->uid != RIGHTS_NOBODY;

	if (f->kind == FOLDER_OWN)
		return 0;
	if (fstat(fd, &st) < 0)
		return complain_of_system(f, errno, e);
	if (!is_trusted_uid(st.st_uid) && !(is_users && st.st_uid == f->rights->uid) &&
		!(f->kind == FOLDER_SHARED && !f->is_open && S_ISREG(st.st_mode) && st.st_uid == f->owner))
		return complain_of_owner(name, st.st_uid, e);
	/* With the user's own rights it is the user's own business. */
	if (f->kind == FOLDER_SHARED && S_ISREG(st.st_mode) && st.st_nlink > 1)
		return complain_folder(EMLINK,
			"the file has a second name (a hard link), in a folder that others can change; remove it, "
			"or use another folder",
			e);
	return 0;
}

int folder_open_file(const struct folder *f, const char *name, int flags, mode_t mode, struct err *e)
{
	int hidden = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (f->is_magic ? 0 : O_NOFOLLOW);
	int fd = -1;
	int number = 0;

	if (rights_take(rights_of(f)) < 0)
		return complain_of_system(f, errno, e);
	fd = openat(f->fd, name, flags | hidden, mode);
	number = errno;
	rights_return(rights_of(f));
	if (fd < 0 && number == ELOOP)
		return complain_of_link(f, name, e);
	if (fd < 0)
		return complain_of_system(f, number, e);
	if (check_opened(f, name, fd, e) < 0)
		fd_close(&fd);
	return fd;
}

int folder_stat(const struct folder *f, const char *name, struct stat *st)
{
	int rc = rights_take(rights_of(f));

	if (rc < 0)
		return rc;
	rc = fstatat(f->fd, name, st, AT_SYMLINK_NOFOLLOW);
	rights_return(rights_of(f));
	return rc;
}

bool folder_has(const struct folder *f, const char *name)
{
	struct stat st;

	return folder_stat(f, name, &st) == 0;
}

int folder_rename(const struct folder *f, const char *from, const char *to)
{
	int rc = rights_take(rights_of(f));

	if (rc < 0)
		return rc;
	rc = renameat(f->fd, from, f->fd, to);
	rights_return(rights_of(f));
	return rc;
}

int folder_unlink(const struct folder *f, const char *name)
{
	int rc = rights_take(rights_of(f));

	if (rc < 0)
		return rc;
	rc = unlinkat(f->fd, name, 0);
	rights_return(rights_of(f));
	return rc;
}
