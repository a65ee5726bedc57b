#include "os/holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

void holder_read(int fd, struct holder *h)
{
	char text[HOLDER_TEXT_MAX];
	char word[8] = "";
	ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	int at = 0;

	memset(h, 0, sizeof(*h));
	if (got <= 0)
		return;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	h->pid = strtol(text, NULL, 10);
	if (sscanf(text, "%*d %16[0-9a-f] %7[a-z] %n", h->token, word, &at) < 2 ||
		strlen(h->token) != HOLDER_TOKEN_LEN) {
		h->token[0] = '\0';
		return;
	}
	h->has_ended = !strcmp(word, "ended");
	memcpy(h->run, text + at, strlen(text + at) + 1);
}

void holder_read_in(const char *folder, struct holder *h)
{
	char *path = folder ? path_join(folder, "oxherd.lock") : NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;

	holder_read(fd, h);
	fd_close(&fd);
	mem_free(path);
}

/* Its number may be 1: in a container it is the first process. */
bool holder_lives(const struct holder *h)
{
	struct proc p;

	return h->pid > 0 && procfs_read((pid_t)h->pid, &p) && p.state != 'Z';
}

/* What it calls itself; its program may have another name after an upgrade. */
static bool is_keeper(pid_t pid)
{
	struct buf command = BUF_INIT;
	bool is_one = false;

	if (procfs_command(pid, &command, HOLDER_TEXT_MAX)) {
		command.ptr[strcspn(command.ptr, " ")] = '\0';
		is_one = !strcmp(path_base(command.ptr), "oxherd");
	}
	buf_release(&command);
	return is_one;
}

int holder_open(const struct holder *h)
{
	int fd = h->pid > 0 ? pidfd_open_any((pid_t)h->pid) : -1;

	if (fd >= 0 && (!holder_lives(h) || !is_keeper((pid_t)h->pid)))
		fd_close(&fd);
	return fd;
}
