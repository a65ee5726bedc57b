/*
 * oxherd-brain: wires the loop, the brain and the control socket together.  The keeper starts it, and starts it again.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/version.h"
#include "control/handle.h"
#include "control/pending_reply.h"
#include "control/rpc_server.h"
#include "engine/brain.h"
#include "journal/event_item.h"
#include "loop/loop.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/user.h"
#include "wire/keeper_msg.h"

enum { TURN_MS = 10000 /* of processor time in one turn of the loop: thousands of apps take a second */ };

struct front {
	struct ev_loop *loop;
	struct dirs dirs;
	struct handle handle;
	struct rpc_server *server;
	gid_t group;
	char *group_name, *group_rights;
	bool group_may[METHOD_COUNT];
};

/* The keeper's standard error goes to the daemon's log, or to the terminal that it runs in. */
static void write_log_line(void *context, enum log_level level, const char *line, size_t len)
{
	struct buf text = BUF_INIT;

	(void)context;
	clock_write(&text, clock_wall_ms());
	buf_addf(&text, " %s ", log_level_name(level));
	buf_add(&text, line, len);
	buf_addc(&text, '\n');
	(void)fd_write_all(STDERR_FILENO, text.ptr, text.len);
	buf_release(&text);
}

static uint64_t saves_due(void *context)
{
	const struct handle *h = context;

	return brain_saves_due(h->brain);
}

static uint64_t saves_ended(void *context)
{
	const struct handle *h = context;

	return brain_saves_ended(h->brain);
}

static const char *unsaved(void *context)
{
	const struct handle *h = context;

	return brain_unsaved(h->brain);
}

static void saved(void *context)
{
	struct front *front = context;

	if (front->server)
		rpc_server_saved(front->server);
}

static int open_control_socket(void *context, struct brain *b, struct err *e)
{
	struct front *front = context;
	char *path = path_join(front->dirs.run, "oxherd.sock");
	const struct rpc_server_options options = {
		.path = path,
		.group = front->group,
		.listener = -1,
		.router = {
			.handlers = handle_table,
			.context = &front->handle,
			.group_may = front->group_may,
			.group_name = front->group_name,
			.group_rights = front->group_rights,
			.repeat = pending_reply_repeat,
		},
		.last_seq = brain_last_seq(b),
		.due = saves_due,
		.ended = saves_ended,
		.unsaved = unsaved,
	};

	front->handle.loop = front->loop;
	front->handle.brain = b;
	front->server = rpc_server_new(front->loop, &options, e);
	mem_free(path);
	return front->server ? 0 : -1;
}

static void publish(void *context, const struct event_item *event)
{
	struct front *front = context;
	struct buf text = BUF_INIT;

	if (rpc_server_has_listeners(front->server))
		event_item_write(event, &text);
	rpc_server_publish(front->server, &text);
	handle_published(&front->handle, event);
	buf_release(&text);
}

static bool is_reachable(void *context)
{
	const struct front *front = context;

	return !front->server || rpc_server_is_reachable(front->server);
}

static void signalled(void *context, int number)
{
	struct front *front = context;

	handle_signalled(&front->handle, number);
}

/* A thousand instances have two pipes and two log files each; what a service may have open is not touched by this. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* "ops", which is "ops:control", or "ops:read,restart", as `oxherd --group` has it. */
static int read_group(struct front *front, struct err *e)
{
	const char *text = getenv("OXHERD_GROUP");
	const char *list = text ? strchr(text, ':') : NULL;
	int rc = 0;

	front->group = UNIXSOCK_NO_GROUP;
	if (!text || !*text)
		return 0;
	front->group_name = mem_strndup(text, list ? (size_t)(list - text) : strlen(text));
	front->group_rights = mem_strdup(list ? list + 1 : "control");
	rc = user_find_group(front->group_name, &front->group, e);
	if (rc == 0)
		rc = method_list(front->group_rights, front->group_may, e);
	return rc < 0 ? err_prefix(e, "the control group '%s'", text) : 0;
}

/* For oxctl, which starts the daemon again when somebody has killed it: as it was, it is to have this group. */
static void remember_group(const struct front *front)
{
	const char *text = front->group_name ? getenv("OXHERD_GROUP") : NULL;
	char *path = path_join(front->dirs.state, DIRS_GROUP);
	struct buf before = BUF_INIT;
	struct err e = ERR_INIT;

	if (!text)
		(void)unlink(path);
	else if ((file_read(path, DIRS_GROUP_MAX, &before, NULL) < 0 || strcmp(before.ptr, text) != 0) &&
		file_write(path, text, strlen(text), 0600, &e) < 0)
		log_warn("the control group is not remembered: %s", e.text.ptr);
	buf_release(&before);
	err_release(&e);
	mem_free(path);
}

static int run_brain(struct front *front, struct err *e)
{
	const struct brain_options options = {
		.loop = front->loop,
		.keeper = KEEPER_FD,
		.dirs = &front->dirs,
		.ready = open_control_socket,
		.publish = publish,
		.saved = saved,
		.is_reachable = is_reachable,
		.signalled = signalled,
		.context = front,
	};
	struct brain *b = NULL;

	if (read_group(front, e) < 0 || dirs_find(&front->dirs, e) < 0 || dirs_make(&front->dirs, e) < 0)
		return -1;
	remember_group(front);
	b = brain_new(&options, e);
	if (!b)
		return -1;
	loop_guard(front->loop, TURN_MS);
	loop_run(front->loop);
	if (brain_is_orphan(b) && front->server)
		rpc_server_leave_path(front->server);
	brain_save(b);
	rpc_server_free(front->server);
	front->server = NULL;
	handle_release(&front->handle);
	brain_free(b);
	return 0;
}

/* Can this build read the state that is there? */
static int check_state(struct dirs *dirs, struct err *e)
{
	int rc = dirs_find(dirs, e);

	if (rc == 0)
		rc = brain_check_state(dirs->state, e);
	if (rc == 0)
		printf("oxherd-brain %s keep %d\n", ox_version, KEEPER_VERSION);
	else
		fprintf(stderr, "%s\n", e->text.ptr);
	dirs_release(dirs);
	err_release(e);
	return rc < 0;
}

int main(int argc, char **argv)
{
	struct front front = { .loop = NULL };
	struct err e = ERR_INIT;
	int code = 0;

	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("oxherd-brain %s\n", ox_version);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--check"))
		return check_state(&front.dirs, &e);
	signal(SIGPIPE, SIG_IGN);
	/* write() fails when a log may not grow any more. */
	signal(SIGXFSZ, SIG_IGN);
	mem_return_large();
	log_to(write_log_line, NULL, LOG_INFO);
	/* The keeper starts the next brain, which begins with what is saved. */
	assert_to(assert_abort, NULL);
	raise_limits();
	front.loop = loop_new();
	if (!front.loop || run_brain(&front, &e) < 0) {
		log_error("the brain cannot start: %s", e.text.ptr);
		code = 1;
	}
	mem_free(front.group_name);
	mem_free(front.group_rights);
	dirs_release(&front.dirs);
	err_release(&e);
	loop_free(front.loop);
	return code;
}
