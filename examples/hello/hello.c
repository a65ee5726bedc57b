/*
 * A small honest web server: it listens on 127.0.0.1:$PORT, says who it is, keeps connections open for the next request, and on SIGTERM
 * finishes what it has begun before it goes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 256,
	REQUEST_MAX = 8192, /* bytes of a request's head */
};

struct client {
	int fd;
	size_t len;
	char head[REQUEST_MAX];
};

static struct client clients[CLIENTS_MAX];
static int client_count;
static char body[256];
static volatile sig_atomic_t is_leaving;

static void on_term(int number)
{
	(void)number;
	is_leaving = 1;
}

static const char *environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

static int open_port(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char *end = NULL;
	long port = strtol(text, &end, 10);
	int on = 1;
	int fd = -1;

	if (!*text || *end || port < 1 || port > 65535) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	address.sin_port = htons((unsigned short)port);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* True if there was one. */
static bool take_client(int listener)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = -1;

	if (client_count < CLIENTS_MAX)
		fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	clients[client_count].fd = fd;
	clients[client_count++].len = 0;
	return true;
}

static void drop_client(int index)
{
	close(clients[index].fd);
	if (index != --client_count)
		clients[index] = clients[client_count];
}

/* Is there a line "Connection: WORD" in the head? */
static bool asks_connection(const char *head, const char *word)
{
	const char *line = strcasestr(head, "\r\nconnection:");

	line = line ? line + strlen("\r\nconnection:") : NULL;
	while (line && *line == ' ')
		line++;
	return line && !strncasecmp(line, word, strlen(word));
}

static bool will_stay(const char *head)
{
	const char *line_end = strstr(head, "\r\n");
	bool is_old = line_end - head >= 8 && !strncmp(line_end - 8, "HTTP/1.0", 8);

	if (is_leaving)
		return false;
	return is_old ? asks_connection(head, "keep-alive") : !asks_connection(head, "close");
}

/* False when the client is to go: it was said so, or it does not take what it asked for. */
static bool answer(const struct client *c, const char *head)
{
	bool is_head = !strncmp(head, "HEAD ", 5);
	bool is_known = is_head || !strncmp(head, "GET ", 4);
	bool stays = is_known && will_stay(head);
	char text[1024];
	int len = snprintf(text, sizeof(text),
		"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s",
		is_known ? "200 OK" : "405 Method Not Allowed", is_known ? strlen(body) : 0,
		stays ? "keep-alive" : "close", is_known && !is_head ? body : "");

	return send(c->fd, text, (size_t)len, MSG_NOSIGNAL) == len && stays;
}

/* Answers every request that has come whole; what follows stays for later.  False when the client is to go. */
static bool serve(struct client *c)
{
	ssize_t got = recv(c->fd, c->head + c->len, sizeof(c->head) - 1 - c->len, 0);
	char *end = NULL;

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	c->len += (size_t)got;
	c->head[c->len] = '\0';
	while ((end = strstr(c->head, "\r\n\r\n"))) {
		bool stays = false;

		end[2] = '\0';
		stays = answer(c, c->head);
		end += 4;
		c->len -= (size_t)(end - c->head);
		memmove(c->head, end, c->len + 1);
		if (!stays)
			return false;
	}
	return c->len < sizeof(c->head) - 1;
}

/* No new connection; those that are open get their answer, and idle ones are closed. */
static void leave(int *listener)
{
	while (*listener >= 0 && take_client(*listener))
		continue;
	if (*listener >= 0)
		close(*listener);
	*listener = -1;
	for (int i = client_count - 1; i >= 0; i--)
		if (!serve(&clients[i]) || !clients[i].len)
			drop_client(i);
}

static void turn(int *listener, const sigset_t *open_mask)
{
	struct pollfd polls[CLIENTS_MAX + 1];
	int count = client_count;
	bool takes = *listener >= 0 && count < CLIENTS_MAX;

	for (int i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
	polls[count] = (struct pollfd){ .fd = takes ? *listener : -1, .events = POLLIN };
	if (ppoll(polls, (nfds_t)count + 1, NULL, open_mask) > 0) {
		/* From the end: the one that takes a dropped one's place was looked at already. */
		for (int i = count - 1; i >= 0; i--)
			if (polls[i].revents && !serve(&clients[i]))
				drop_client(i);
		if (polls[count].revents)
			(void)take_client(*listener);
	}
	if (is_leaving)
		leave(listener);
}

int main(void)
{
	const char *port = environment("PORT", "");
	struct sigaction action = { .sa_handler = on_term };
	sigset_t term;
	sigset_t open_mask;
	int listener = open_port(port);

	if (listener < 0) {
		fprintf(stderr, "hello: cannot listen on port '%s': %s\n", port, strerror(errno));
		return 1;
	}
	/* Blocked except while we wait: a SIGTERM between the look and the wait is not missed. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &open_mask);
	sigaction(SIGTERM, &action, NULL);
	snprintf(body, sizeof(body), "hello from %s:%s on port %s (pid %d)\n",
		environment("OXHERD_APP", "nobody"), environment("OXHERD_INSTANCE", "0"), port,
		(int)getpid());
	fputs(body, stdout);
	fflush(stdout);
	while (listener >= 0 || client_count)
		turn(&listener, &open_mask);
	puts("goodbye");
	return 0;
}
