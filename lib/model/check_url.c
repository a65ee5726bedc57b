#include "model/check_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"

static const char SCHEME[] = "http://";

/* The host within the URL; gives what follows it, or NULL. */
static const char *cut_host(const char *url, struct check_url *out)
{
	bool has_brackets = *url == '[';
	size_t len = has_brackets ? strcspn(++url, "]/?#") : strcspn(url, ":/?#");

	if (!len || len > CHECK_URL_HOST_MAX || (has_brackets && url[len] != ']'))
		return NULL;
	memcpy(out->host, url, len);
	out->host[len] = '\0';
	out->is_ipv6 = has_brackets;
	return url + len + has_brackets;
}

/* The port, if one follows; gives what follows that, or NULL. */
static const char *cut_port(const char *at, struct check_url *out)
{
	char digits[8] = "";
	size_t len = 0;
	int64_t port = 80;

	out->port = 80;
	if (*at != ':')
		return at;
	len = strcspn(++at, "/?#");
	if (len >= sizeof(digits))
		return NULL;
	memcpy(digits, at, len);
	if (!str_to_int(digits, &port) || port < 1 || port > 65535)
		return NULL;
	out->port = (int)port;
	return at + len;
}

static bool judge_host(struct check_url *out)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	out->is_localhost = !strcasecmp(out->host, "localhost");
	out->is_loopback = out->is_localhost;
	if (out->is_localhost)
		return !out->is_ipv6;
	if (inet_pton(out->is_ipv6 ? AF_INET6 : AF_INET, out->host, bytes) != 1)
		return false;
	out->is_loopback = out->is_ipv6 ? str_eq(out->host, "::1") : bytes[0] == 127;
	return true;
}

int check_url_parse(const char *url, struct check_url *out, struct err *e)
{
	const char *at = url;

	memset(out, 0, sizeof(*out));
	if (!strncasecmp(url, "https://", strlen("https://")))
		return err_set(e,
			"health checks speak plain http://, straight to the instance; for https use a command such as "
			"\"curl -fsk %.80s\"",
			url);
	if (strncasecmp(url, SCHEME, strlen(SCHEME)) != 0)
		return err_set(e, "it begins with http://");
	/* What could break the lines of a request has no place in an address either. */
	for (; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 127 || strchr("\"<>\\", *at))
			return err_set(e, "it is not an address: http://host:port/path");
	at = cut_host(url + strlen(SCHEME), out);
	if (!at || (*at && !strchr(":/?#", *at)))
		return err_set(e, "it is not an address: http://host:port/path");
	at = cut_port(at, out);
	if (!at)
		return err_set(e, "its port is not between 1 and 65535");
	if (!judge_host(out))
		return err_set(e,
			"'%s' is no IP address and not localhost; names are not looked up: use the address, or a command "
			"such as \"curl -fs %.80s\"",
			out->host, url);
	out->path = at;
	out->path_len = strcspn(at, "#");
	return 0;
}
