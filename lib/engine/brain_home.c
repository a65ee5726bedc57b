/*
 * The brain's folders and its socket, should somebody delete them: a brain that begins makes all of it, so this one leaves its place to the next.
 */
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_lock(const char *folder)
{
	char *path = path_join(folder, "oxherd.lock");
	struct stat st;
	bool has = lstat(path, &st) == 0;

	mem_free(path);
	return has;
}

static bool is_whole(const struct brain *b)
{
	const struct dirs *d = b->options.dirs;
	char *pipes = path_join(d->run, "pipes");
	bool has_pipes = is_folder(pipes);

	mem_free(pipes);
	return has_pipes && has_lock(d->run) && is_folder(d->state) &&
		(!b->options.is_reachable || b->options.is_reachable(b->options.context));
}

void brain_check_home(void *context)
{
	struct brain *b = context;
	struct err e = ERR_INIT;

	if (b->daemon.is_leaving || b->recovery || is_whole(b))
		return;
	/* Where the next brain could not make them either, this one continues for its services. */
	if (dirs_make(b->options.dirs, &e) < 0) {
		log_warn("nobody can reach the daemon, and its services keep running: %s", e.text.ptr);
	} else {
		log_warn(
			"something of '%s' or '%s' was deleted; this brain ends, for the next one to make it again",
			b->options.dirs->run, b->options.dirs->state);
		saver_save_soon(b->saver);
		brain_leave(b);
	}
	err_release(&e);
}
