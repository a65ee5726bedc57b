/*
 * Between the parts of notify: not for anybody else.
 */
#ifndef OX_SPAWN_NOTIFY_PRIVATE_H
#define OX_SPAWN_NOTIFY_PRIVATE_H

#include <stdint.h>

#include "base/map.h"
#include "loop/watchers.h"
#include "spawn/notify.h"

/* Our ends, and how each is called at the keeper. */
enum notify_end { END_SOCKET, END_PIPE, END_CHANNEL, END_COUNT };
/* The child's ends, and the mark, are held as well. */
enum held_kind { HELD_CHILD_PIPE = END_COUNT, HELD_CHILD_CHANNEL, HELD_UNREADY, HELD_COUNT };

enum { HELD_NAME_MAX = 64 };

struct channel {
	struct peer *of;
	ev_io io;
	ev_timer rest; /* runs after a turn that was used up: then it is not listened to */
	int fd;        /* -1: none */
};

/* One process, and its ways to us. */
struct peer {
	struct notify *all;
	struct ticket ticket;
	pid_t pid; /* 0: not known yet; then nobody is heard */
	uid_t uid;
	char *group; /* its cgroup; NULL: none */
	struct channel channels[END_COUNT];
	char address[128];                  /* NOTIFY_SOCKET; "" */
	char child_names[2][HELD_NAME_MAX]; /* HELD_CHILD_PIPE, HELD_CHILD_CHANNEL */
	bool was_held[HELD_COUNT];          /* the keeper has it */
	bool is_fd_only;                    /* ready = "notify-fd": what is on the pipe is all that it says */
	bool has_written;                   /* something came on the pipe, and no newline yet */
	struct channel_line line;
	int64_t stranger_at; /* 0: none was reported */
};

struct notify {
	struct ev_loop *loop;
	struct keeper_client *keeper;
	char *folder, *users_folder;
	const struct notify_calls *calls;
	void *context;
	struct map peers; /* by ticket */
};

/* notify_hear.c */
void channel_start(struct channel *channel);
void channel_close(struct channel *channel);
/* notify.c */
void peer_let_go(struct peer *s, int held);
/* notify_place.c: a folder of ours that others may pass through, made if need be; false where that cannot be. */
bool notify_make_passage(const char *folder);
/* To the user of that app, and nobody else.  -1 with words. */
int notify_give(const char *path, const struct spec *spec, struct err *e);
/* notify_sender.c: the cgroup of an instance, as the kernel names it, to be freed; NULL: it has none of its own. */
char *sender_group(struct ticket ticket, pid_t pid);
/* Is that process, or was it, of the instance? */
bool sender_belongs(const struct peer *s, pid_t pid, uid_t uid);

#endif
