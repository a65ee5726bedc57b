/*
 * The brain's side of what services say: what is heard goes to the herd, and what they should hear to them.
 */
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"
#include "engine/recovery.h"
#include "os/clock.h"
#include "os/fd.h"

static void on_said(void *context, struct ticket ticket, const struct notice *what)
{
	struct brain *b = context;

	herd_notified(b->herd, ticket, what, clock_ms());
	brain_end(b);
}

static void on_mute(void *context, struct ticket ticket, bool has_written)
{
	struct brain *b = context;

	herd_mute(b->herd, ticket, has_written, clock_ms());
	brain_end(b);
}

static void on_stranger(void *context, struct ticket ticket, const struct reason *what)
{
	struct brain *b = context;

	herd_note(b->herd, ticket, what, clock_ms());
	brain_end(b);
}

static const struct notify_calls notify_calls = {
	.said = on_said,
	.mute = on_mute,
	.stranger = on_stranger,
};

void brain_open_notify(struct brain *b)
{
	char *folder = path_join(b->options.dirs->run, "notify");
	struct buf users = BUF_INIT;

	/* Beside the run folder, which others cannot enter. */
	buf_addf(&users, "%s-notify", b->options.dirs->run);
	b->notify = notify_new(b->options.loop, b->keeper,
		&(struct notify_options){ .folder = folder, .users_folder = users.ptr }, &notify_calls, b);
	buf_release(&users);
	mem_free(folder);
}

void brain_take_held(struct brain *b, const char *name, const int *fds, size_t fd_count)
{
	for (size_t i = 0; i < fd_count; i++) {
		int fd = fds[i];

		if (!b->recovery)
			notify_take(b->notify, name, &fd);
		else
			recovery_take_pipe(b, name, &fd);
		fd_close(&fd);
	}
}
