#include "export/check.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "export/export.h"

enum {
	PORT_MAX = 65535,
	SERVER_NAME_MAX = 253, /* of DNS */
};

/* Letters and digits of ASCII, or one of `more`; not the locale's letters. */
static bool is_host_word(const char *text, const char *more)
{
	size_t at = 0;

	for (; text[at]; at++) {
		char c = text[at];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_plain && !strchr(more, c))
			return false;
	}
	return at > 0;
}

/*
 * A `*` stands for whole labels, at the front or at the end.  nginx accepts some others, which then never
 * match anything.
 */
int check_server_name(const char *name, struct err *e)
{
	size_t len = strlen(name);
	const char *star = strchr(name, '*');
	bool is_front = star == name && str_starts(name, "*.") && len > 2;
	bool is_end = star && star > name + 1 && star == name + len - 1 && star[-1] == '.';

	if (!is_host_word(name, ".-_*"))
		return err_set(e, "server name '%s': use letters, digits, '.', '-', '_' and '*'", name);
	if (len > SERVER_NAME_MAX)
		return err_set(e, "server name '%.32s…' is longer than %d letters", name, SERVER_NAME_MAX);
	if (star && (!(is_front || is_end) || strchr(star + 1, '*')))
		return err_set(e, "server name '%s': '*' stands only at an end, as in '*.example.com'", name);
	if (strstr(name, "..") || !strcmp(name, "."))
		return err_set(e, "server name '%s' has an empty part", name);
	return 0;
}

int check_servers(const struct export_app *u, const char *what, struct err *e)
{
	if (!is_host_word(u->name, "_-."))
		return err_set(
			e, "'%s' cannot name %s: use letters, digits, '_', '-' and '.'", u->name, what);
	if (!u->servers_count)
		return err_set(
			e, "upstream '%s' has no server: its app has no ports; write 'port' for it", u->name);
	for (size_t i = 0; i < u->servers_count; i++)
		if (u->servers[i].at.port < 1 || u->servers[i].at.port > PORT_MAX)
			return err_set(e, "upstream '%s': port %d is outside 1..%d", u->name,
				u->servers[i].at.port, PORT_MAX);
	return 0;
}

int check_plain(const struct export_app *upstreams, size_t count, const char *what, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (check_servers(&upstreams[i], what, e) < 0)
			return -1;
		if (upstreams[i].options_count)
			return err_set(e,
				"upstream '%s': its options are nginx's words, and cannot stand in %s",
				upstreams[i].name, what);
		for (size_t k = 0; k < i; k++)
			if (str_eq(upstreams[i].name, upstreams[k].name))
				return err_set(e, "there are two upstreams '%s'; rename one with 'upstream'",
					upstreams[i].name);
	}
	return 0;
}

int check_one_server_name(const char *name, size_t count, struct err *e)
{
	if (count != 1)
		return err_set(e, "a server block is for one upstream, not for %zu; name one app", count);
	if (check_server_name(name, e) < 0)
		return -1;
	if (str_ends(name, "*"))
		return err_set(e, "server name '%s': only nginx takes a '*' at the end", name);
	return 0;
}
