#include "daemon_paths.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"
#include "os/dirs.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/holder.h"
#include "os/pidfd.h"

/* Where they are gone, their names tell. */
static bool is_same_path(const char *a, const char *b)
{
	return file_is_same(a, b) || strcmp(a, b) == 0;
}

/* A pidfd of the keeper that serves our run folder, by the lock there or, where that is gone, by the one of the state; -1. */
static int find_holder(struct holder *h, bool *was_left, char **elsewhere)
{
	struct dirs dirs = { .run = NULL };
	int fd = -1;

	memset(h, 0, sizeof(*h));
	if (dirs_find(&dirs, NULL) == 0) {
		holder_read_in(dirs.run, h);
		fd = holder_open(h);
		/* Without a run folder, as after another boot, nothing of it lives. */
		*was_left = fd < 0 && *h->token && !h->has_ended;
		if (fd < 0 && !*h->token) {
			holder_read_in(dirs.state, h);
			fd = holder_open(h);
			if (fd >= 0 && *h->run && !is_same_path(h->run, dirs.run)) {
				*elsewhere = mem_strdup(h->run);
				fd_close(&fd);
			}
		}
	}
	dirs_release(&dirs);
	return fd;
}

void daemon_paths_find(struct daemon_paths *w)
{
	struct holder *h = mem_zalloc(1, sizeof(*h));
	int fd = -1;

	*w = (struct daemon_paths){ .elsewhere = NULL };
	fd = find_holder(h, &w->was_left, &w->elsewhere);
	w->pid = fd < 0 ? 0 : h->pid;
	fd_close(&fd);
	mem_free(h);
}

void daemon_paths_release(struct daemon_paths *w)
{
	mem_free(w->elsewhere);
	w->elsewhere = NULL;
}

void daemon_paths_nudge(void)
{
	struct holder *h = mem_zalloc(1, sizeof(*h));
	char *elsewhere = NULL;
	bool was_left = false;
	int fd = find_holder(h, &was_left, &elsewhere);

	/* A mere member of its control group may not, and waits for others to do it. */
	if (fd >= 0)
		(void)pidfd_signal(fd, SIGUSR1);
	fd_close(&fd);
	mem_free(elsewhere);
	mem_free(h);
}
