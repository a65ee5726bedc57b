/*
 * The address of a health check, http://HOST:PORT/PATH, in its parts.  HOST is an IP address or localhost: a name would have to be looked up,
 * which may hang, and belongs to a check by command.
 */
#ifndef OX_MODEL_CHECK_URL_H
#define OX_MODEL_CHECK_URL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum { CHECK_URL_HOST_MAX = 45 }; /* bytes of the longest address */

struct check_url {
	char host[CHECK_URL_HOST_MAX + 1]; /* without brackets */
	bool is_ipv6;
	bool is_localhost; /* by that name: 127.0.0.1 or ::1 */
	bool is_loopback;  /* the instance's own port is put in */
	int port;          /* 80 if none was written */
	const char *path;  /* within the URL, from its '/' or '?' on; may be empty */
	size_t path_len;   /* without a #fragment */
};

/* `url` is borrowed.  -1 with words. */
int check_url_parse(const char *url, struct check_url *out, struct err *e);

#endif
