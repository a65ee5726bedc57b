/*
 * The folder that a path lies in, opened step by step from "/", so that nobody can put another one in its place between a look and a use;
 * and whose rights what is in it is touched with.  Which that are depends on who could change any part of the path:
 *
 *   nobody but root and the daemon's own user: the daemon's rights, and a link is followed, as one of those two made it;
 *   others, but not the user that the file is for: the daemon's rights, and nothing but plain files (FIFOs, …) of root, of the daemon's user or
 *   of the folder's owner, with no second name; a link is followed only on the way, and only if root or the daemon's user made it;
 *   the user that the file is for: that user's rights for all that follows, links on the way included; the last name is no link.
 *
 * In a folder with the sticky bit, as /tmp, what root or the daemon's user made is its own, as nobody else can move it.
 */
#ifndef OX_OS_FOLDER_H
#define OX_OS_FOLDER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct err;
struct rights;

enum folder_kind { FOLDER_OWN, FOLDER_SHARED, FOLDER_USERS };

enum {
	FOLDER_MAKE = 1,   /* folders that are missing are made, 0755 less the umask */
	FOLDER_FOLLOW = 2, /* the last name may be a link: where it may be followed on the way */
	FOLDER_FOLLOW_OWN =
		4, /* the same where nobody but root and the daemon's user could have put it there */
};

/* Of a folder: anybody but its owner and root, as far as its mode says.  A user's own group counts as the user. */
bool folder_others_may_write(const struct stat *st);

struct folder {
	int fd; /* -1: not open; may only be used for what is below it */
	enum folder_kind kind;
	const struct rights *rights; /* of the user that the file is for: borrowed; NULL */
	char *path;                  /* as it was asked for */
	char *name;                  /* the last name in it, without the links that were followed */
	uid_t owner;
	bool is_open;  /* others may make files in it, and not move ours */
	bool is_magic; /* the name is a link of /proc that leads to an open file */
};

#define FOLDER_INIT                                                                                          \
	{                                                                                                    \
		.fd = -1,                                                                                    \
	}

/*
 * For an absolute path, for a file of the user with these `rights`, NULL: of the daemon.  -1 with words that say why and leave the path to the
 * caller, and e->number is an errno.
 */
int folder_open(
	struct folder *f, const char *path, const struct rights *rights, unsigned int flags, struct err *e);
void folder_close(struct folder *f);
/* From here on with the daemon's rights, as in a folder that others may change. */
void folder_keep(struct folder *f);

/* All names below have no slash.  As open(2), never through a link and never waiting; -1 as folder_open(). */
int folder_open_file(const struct folder *f, const char *name, int flags, mode_t mode, struct err *e);
/* The link itself where it is one; -1 with errno.  So do the others: -1 with errno. */
int folder_stat(const struct folder *f, const char *name, struct stat *st);
bool folder_has(const struct folder *f, const char *name);
int folder_rename(const struct folder *f, const char *from, const char *to);
int folder_unlink(const struct folder *f, const char *name);

#endif
