#include "sense/homewatch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/dirs.h"
#include "os/fd.h"

struct homewatch {
	struct ev_loop *loop;
	ev_io reader;
	ev_timer pause;
	int fd;
	void (*doubt)(void *context);
	void *context;
};

/* Of the files in the folder those without which nobody finds the daemon; others come and go. */
static bool is_ours(const struct inotify_event *event)
{
	static const char *const names[] = { "oxherd.sock", "oxherd.lock", "pipes", "notify", "upstreams" };

	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && event->len; i++)
		if (!strcmp(event->name, names[i]))
			return true;
	return false;
}

static void on_home_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct homewatch *h = w->data;
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t len = read(h->fd, bytes, sizeof(bytes));

	loop_mind(events);
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);

		if (is_ours(event) && !ev_is_active(&h->pause)) {
			ev_now_update(loop);
			ev_timer_set(&h->pause, HOMEWATCH_PAUSE_MS / 1000., 0);
			ev_timer_start(loop, &h->pause);
		}
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int events)
{
	struct homewatch *h = w->data;

	(void)loop;
	(void)events;
	h->doubt(h->context);
}

struct homewatch *homewatch_new(
	struct ev_loop *loop, const struct dirs *dirs, void (*doubt)(void *context), void *context)
{
	struct homewatch *h = NULL;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 ||
		inotify_add_watch(fd, dirs->run,
			IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0 ||
		inotify_add_watch(fd, dirs->state, IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) <
			0) {
		log_warn_sys(errno, "nobody notices when '%s' is deleted", dirs->run);
		fd_close(&fd);
		return NULL;
	}
	h = mem_zalloc(1, sizeof(*h));
	*h = (struct homewatch){ .loop = loop, .fd = fd, .doubt = doubt, .context = context };
	ev_io_init(&h->reader, on_home_readable, fd, EV_READ);
	ev_timer_init(&h->pause, on_pause, 0, 0);
	h->reader.data = h->pause.data = h;
	loop_watch(loop, &h->reader);
	return h;
}

void homewatch_free(struct homewatch *h)
{
	if (!h)
		return;
	ev_io_stop(h->loop, &h->reader);
	ev_timer_stop(h->loop, &h->pause);
	fd_close(&h->fd);
	mem_free(h);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool homewatch_is_whole(const struct dirs *dirs)
{
	char *pipes = path_join(dirs->run, "pipes");
	char *lock = path_join(dirs->run, "oxherd.lock");
	struct stat st;
	bool is_whole = is_folder(pipes) && lstat(lock, &st) == 0 && is_folder(dirs->state);

	mem_free(pipes);
	mem_free(lock);
	return is_whole;
}
