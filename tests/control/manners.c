#include "manners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

void pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

void serve_well(int c)
{
	put(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

void serve_redirect(int c)
{
	put(c, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n\r\n");
}

void serve_error(int c)
{
	put(c, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
}

void serve_continue(int c)
{
	put(c, "HTTP/1.1 100 Continue\r\n\r\n");
	pause_ms(20);
	put(c, "HTTP/1.1 204 No Content\r\n\r\n");
}

void serve_in_pieces(int c)
{
	int on = 1;

	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (const char *at = "HTTP/1.1 200 OK\r\n\r\n"; *at; at++) {
		(void)!send(c, at, 1, MSG_NOSIGNAL);
		pause_ms(2);
	}
}

/* One byte every 50 ms, for ever. */
void serve_drip(int c)
{
	while (send(c, "H", 1, MSG_NOSIGNAL) == 1)
		pause_ms(50);
}

void serve_dripping_body(int c)
{
	put(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (send(c, "1\r\nx\r\n", 6, MSG_NOSIGNAL) == 6)
		pause_ms(20);
}

void serve_endless_headers(int c)
{
	put(c, "HTTP/1.1 100 Continue\r\nX: ");
	while (send(c, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32, MSG_NOSIGNAL) > 0)
		;
}

void serve_flood(int c)
{
	while (send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) > 0)
		;
}

void serve_nothing(int c)
{
	(void)c;
	pause();
}

void serve_end(int c)
{
	(void)c;
}

void serve_reset(int c)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	char byte = 0;

	(void)!recv(c, &byte, 1, 0);
	setsockopt(c, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(c);
}

void serve_ssh(int c)
{
	put(c, "SSH-2.0-OpenSSH_9.2p1\r\n");
}

/* What it got is what a server may expect. */
void serve_if_well_asked(int c)
{
	char text[1024] = "";
	size_t len = 0;

	while (!strstr(text, "\r\n\r\n")) {
		ssize_t got = recv(c, text + len, sizeof(text) - 1 - len, 0);

		if (got <= 0)
			return;
		len += (size_t)got;
	}
	if (!strncmp(text, "GET /health?a=b HTTP/1.1\r\nHost: localhost:", 42) &&
		strstr(text, "\r\nConnection: close\r\n"))
		serve_well(c);
	else
		put(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
}
