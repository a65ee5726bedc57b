#include "spawn/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "os/fd.h"
#include "spawn/keeper_client.h"
#include "spawn/notify_private.h"

/* "notice-socket:12.34": how our ends, the child's and the mark are called at the keeper. */
static const char *const held_words[HELD_COUNT] = {
	[END_SOCKET] = "notice-socket",
	[END_PIPE] = "notice-pipe",
	[END_CHANNEL] = "notice-channel",
	[HELD_CHILD_PIPE] = "notice-child-pipe",
	[HELD_CHILD_CHANNEL] = "notice-child-channel",
	[HELD_UNREADY] = "notice-unready",
};

static void held_end_name(char name[HELD_NAME_MAX], int held, struct ticket t)
{
	(void)snprintf(name, HELD_NAME_MAX, "%s:%u.%llu", held_words[held], t.slot,
		(unsigned long long)t.generation);
}

/* False for what is not ours. */
static bool held_parse(const char *name, int *held, struct ticket *t)
{
	const char *colon = strchr(name, ':');
	char *dot = NULL;

	for (*held = 0; colon && *held < HELD_COUNT; ++*held) {
		const char *word = held_words[*held];

		if (strlen(word) != (size_t)(colon - name) || strncmp(name, word, strlen(word)) != 0)
			continue;
		t->slot = (uint32_t)strtoul(colon + 1, &dot, 10);
		t->generation = *dot == '.' ? strtoull(dot + 1, NULL, 10) : 0;
		return t->slot && t->generation;
	}
	return false;
}

static void hold_end(struct peer *s, int held, int fd)
{
	char name[HELD_NAME_MAX];

	held_end_name(name, held, s->ticket);
	(void)keeper_client_tell_name(s->all->keeper, KEEPER_HOLD, name, fd);
	s->was_held[held] = true;
}

void peer_let_go(struct peer *s, int held)
{
	char name[HELD_NAME_MAX];

	if (!s->was_held[held])
		return;
	held_end_name(name, held, s->ticket);
	(void)keeper_client_tell_name(s->all->keeper, KEEPER_RELEASE, name, -1);
	s->was_held[held] = false;
}

/* --- peers -------------------------------------------------------------------------------------------------------- */

static struct peer *find_peer(const struct notify *all, struct ticket t)
{
	struct peer *s = map_get_n(&all->peers, (const char *)&t.generation, sizeof(t.generation));

	return s && s->ticket.slot == t.slot ? s : NULL;
}

static struct peer *find_or_add_peer(struct notify *all, struct ticket t)
{
	struct peer *s = find_peer(all, t);

	if (s)
		return s;
	s = mem_zalloc(1, sizeof(*s));
	s->all = all;
	s->ticket = t;
	for (int i = 0; i < END_COUNT; i++)
		s->channels[i] = (struct channel){ .of = s, .fd = -1 };
	map_put_n(&all->peers, (const char *)&t.generation, sizeof(t.generation), s);
	return s;
}

static void peer_free(void *item)
{
	struct peer *s = item;

	for (int i = 0; s && i < END_COUNT; i++)
		channel_close(&s->channels[i]);
	if (s)
		mem_free(s->group);
	mem_free(s);
}

static bool is_abstract(const char *address)
{
	return address[0] == '@';
}

static void forget_peer(struct notify *all, struct peer *s)
{
	for (int i = 0; i < HELD_COUNT; i++)
		peer_let_go(s, i);
	if (s->address[0] && !is_abstract(s->address))
		(void)unlink(s->address);
	map_remove_n(&all->peers, (const char *)&s->ticket.generation, sizeof(s->ticket.generation));
	peer_free(s);
}

struct notify *notify_new(struct ev_loop *loop, struct keeper_client *keeper,
	const struct notify_options *options, const struct notify_calls *calls, void *context)
{
	struct notify *all = mem_zalloc(1, sizeof(*all));

	*all = (struct notify){ .loop = loop, .keeper = keeper, .calls = calls, .context = context };
	all->folder = mem_strdup(options->folder);
	all->users_folder = mem_strdup(options->users_folder);
	return all;
}

void notify_free(struct notify *all)
{
	if (!all)
		return;
	map_release_with(&all->peers, peer_free);
	mem_free(all->folder);
	mem_free(all->users_folder);
	mem_free(all);
}

/* --- making ends ----------------------------------------------------------------------------------------------------- */

static bool names_file(struct peer *s, const char *folder)
{
	int len = snprintf(s->address, sizeof(s->address), "%s/%u.%llu", folder, s->ticket.slot,
		(unsigned long long)s->ticket.generation);

	return len < (int)sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/*
 * In our own folder, where only our user gets; for an app of another user in one that all may pass through.  Where a path would be too long or
 * leads through a folder that is closed to that user, by a name that has no file and that nobody can guess before it is there.
 */
static void choose_address(struct peer *s, const struct spec *spec)
{
	uint64_t secret = 0;

	if (names_file(s, spec->user ? s->all->users_folder : s->all->folder) &&
		(!spec->user || notify_make_passage(s->all->users_folder)))
		return;
	(void)!getrandom(&secret, sizeof(secret), 0);
	(void)snprintf(s->address, sizeof(s->address), "@oxherd-notify-%016llx", (unsigned long long)secret);
}

/* Born 0700 by the umask, so there is no moment in which others could send; then it is its user's. */
static int bind_socket(struct peer *s, int fd, const struct spec *spec, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(s->address);
	mode_t mask = 0;
	int rc = 0;

	memcpy(to.sun_path, s->address, len);
	if (is_abstract(s->address)) {
		to.sun_path[0] = '\0';
	} else {
		if (!spec->user && mkdir(s->all->folder, 0700) < 0 && errno != EEXIST)
			return err_sys(e, errno, "cannot make the folder '%s'", s->all->folder);
		(void)unlink(s->address);
	}
	mask = umask(077);
	rc = bind(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)umask(mask);
	if (rc < 0)
		return err_sys(e, errno, "cannot make the socket '%s'", s->address);
	return spec->user && !is_abstract(s->address) ? notify_give(s->address, spec, e) : 0;
}

static int open_notify_socket(struct peer *s, const struct spec *spec, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0) {
		err_sys(e, errno, "cannot make a socket to be notified on");
		fd_close(&fd);
		return -1;
	}
	choose_address(s, spec);
	if (bind_socket(s, fd, spec, e) < 0) {
		if (s->address[0] && !is_abstract(s->address))
			(void)unlink(s->address);
		s->address[0] = '\0';
		fd_close(&fd);
		return -1;
	}
	s->channels[END_SOCKET].fd = fd;
	hold_end(s, END_SOCKET, fd);
	return 0;
}

/* The child's end goes by way of the keeper, which forgets it when the child has it. */
static const char *give_end(struct peer *s, int held, int *fd)
{
	char *name = s->child_names[held - HELD_CHILD_PIPE];

	hold_end(s, held, *fd);
	fd_close(fd);
	held_end_name(name, held, s->ticket);
	return name;
}

static int open_notify_pipe(struct peer *s, struct launch_ends *ends, struct err *e)
{
	char path[32];
	int pipe[2] = { -1, -1 };
	int child = -1;

	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, errno, "cannot make a pipe to be notified on");
	/* Open both ways, so that nobody's death breaks it under its writer; and blocking, as a writer expects. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe[1]);
	child = open(path, O_RDWR | O_CLOEXEC);
	fd_close(&pipe[1]);
	if (child < 0) {
		err_sys(e, errno, "cannot make a pipe to be notified on");
		fd_close(&pipe[0]);
		return -1;
	}
	s->channels[END_PIPE].fd = pipe[0];
	hold_end(s, END_PIPE, pipe[0]);
	ends->notify_pipe = give_end(s, HELD_CHILD_PIPE, &child);
	return 0;
}

static int open_channel(struct peer *s, struct launch_ends *ends, struct err *e)
{
	int pair[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "cannot make a channel for Node");
	(void)fd_set_nonblocking(pair[0], true);
	s->channels[END_CHANNEL].fd = pair[0];
	hold_end(s, END_CHANNEL, pair[0]);
	ends->channel = give_end(s, HELD_CHILD_CHANNEL, &pair[1]);
	return 0;
}

int notify_open(
	struct notify *all, const struct spawn_effect *effect, struct launch_ends *ends, struct err *e)
{
	const struct spec *spec = effect->spec;
	enum ready_kind kind = spec_ready(spec);
	bool has_socket = kind == READY_NOTIFY || spec->watchdog_ms;
	bool has_pipe = kind == READY_NOTIFY || kind == READY_NOTIFY_FD;
	bool has_channel = kind == READY_IPC || spec->shutdown_with_message;
	struct peer *s = NULL;

	if (!has_socket && !has_pipe && !has_channel)
		return 0;
	s = find_or_add_peer(all, effect->ticket);
	s->is_fd_only = kind == READY_NOTIFY_FD;
	if ((has_socket && open_notify_socket(s, spec, e) < 0) ||
		(has_pipe && open_notify_pipe(s, ends, e) < 0) ||
		(has_channel && open_channel(s, ends, e) < 0)) {
		forget_peer(all, s);
		return -1;
	}
	if (has_socket)
		ends->notify_socket = s->address;
	if (has_pipe)
		hold_end(s, HELD_UNREADY, s->channels[END_PIPE].fd);
	else if (kind == READY_IPC)
		hold_end(s, HELD_UNREADY, s->channels[END_CHANNEL].fd);
	return 0;
}

void notify_sent(struct notify *all, struct ticket ticket)
{
	struct peer *s = find_peer(all, ticket);

	if (!s)
		return;
	peer_let_go(s, HELD_CHILD_PIPE);
	peer_let_go(s, HELD_CHILD_CHANNEL);
}

static void listen_now(struct peer *s, pid_t pid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	s->pid = pid;
	s->uid = stat(path, &st) == 0 ? st.st_uid : geteuid();
	mem_free(s->group);
	s->group = sender_group(s->ticket, pid);
	for (int i = 0; i < END_COUNT; i++)
		channel_start(&s->channels[i]);
}

void notify_listen(struct notify *all, struct ticket ticket, pid_t pid)
{
	struct peer *s = find_peer(all, ticket);

	if (s)
		listen_now(s, pid);
}

bool notify_shutdown(struct notify *all, struct ticket ticket)
{
	static const char word[] = CHANNEL_SHUTDOWN;
	const struct peer *s = find_peer(all, ticket);
	int fd = s ? s->channels[END_CHANNEL].fd : -1;

	return fd >= 0 &&
		send(fd, word, sizeof(word) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(word) - 1;
}

void notify_close(struct notify *all, struct ticket ticket)
{
	struct peer *s = find_peer(all, ticket);

	if (s)
		forget_peer(all, s);
}

/* --- after a brain's death ------------------------------------------------------------------------------------------- */

void notify_found(struct notify *all, const char *held)
{
	struct ticket ticket = { .slot = 0 };
	int kind = 0;

	if (held_parse(held, &kind, &ticket))
		find_or_add_peer(all, ticket)->was_held[kind] = true;
}

bool notify_adopt(struct notify *all, struct ticket ticket, const struct spec *spec, pid_t pid)
{
	bool has_socket = spec_ready(spec) == READY_NOTIFY || spec->watchdog_ms;
	struct peer *s = find_peer(all, ticket);
	bool is_fd_only = spec_ready(spec) == READY_NOTIFY_FD;
	bool is_known = s &&
		(s->was_held[END_SOCKET] || s->was_held[END_CHANNEL] ||
			(is_fd_only && s->was_held[END_PIPE]));
	bool has_said = is_known && !s->was_held[HELD_UNREADY];
	char name[HELD_NAME_MAX];

	if (!s && !has_socket)
		return false;
	s = find_or_add_peer(all, ticket);
	s->is_fd_only = is_fd_only;
	if (s->was_held[END_SOCKET])
		choose_address(s, spec);
	else if (has_socket)
		(void)open_notify_socket(s, spec, NULL);
	for (int i = 0; i < END_COUNT; i++) {
		if (!s->was_held[i] || s->channels[i].fd >= 0)
			continue;
		held_end_name(name, i, ticket);
		(void)keeper_client_tell_name(all->keeper, KEEPER_GET, name, -1);
	}
	notify_sent(all, ticket);
	listen_now(s, pid);
	return has_said;
}

void notify_sweep(struct notify *all)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&all->peers, entry) {
		struct peer *s = entry->value;

		if (!s->pid)
			forget_peer(all, s);
	}
}

void notify_take(struct notify *all, const char *held, int *fd)
{
	struct ticket ticket = { .slot = 0 };
	struct peer *s = NULL;
	int kind = 0;

	if (!held_parse(held, &kind, &ticket) || kind >= END_COUNT)
		return;
	s = find_peer(all, ticket);
	if (!s || s->channels[kind].fd >= 0)
		return;
	s->channels[kind].fd = *fd;
	*fd = -1;
	channel_start(&s->channels[kind]);
}
