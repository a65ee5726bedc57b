#include "export/nginx_check.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "export/check.h"
#include "export/export.h"

static bool is_nginx_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The name of a byte that ends a directive or a block wherever it stands; NULL if there is none. */
static const char *option_bad_byte(const char *text, size_t len)
{
	static const struct {
		char byte;
		const char *words;
	} rows[] = {
		{ '{', "holds '{'" },
		{ '}', "holds '}'" },
		{ '#', "holds '#'" },
		{ '\\', "holds a backslash" },
		{ '\n', "holds a line break" },
		{ '\r', "holds a line break" },
	};

	for (size_t at = 0; at < len; at++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (text[at] == rows[i].byte)
				return rows[i].words;
		if ((unsigned char)text[at] < ' ' && !is_nginx_blank(text[at]))
			return "holds a control character";
	}
	return NULL;
}

/*
 * What keeps it from being exactly one directive.  It is cut into words as nginx does it: a quote counts only
 * where a word begins.
 */
static const char *option_trouble(const char *text, size_t len)
{
	const char *trouble = len ? option_bad_byte(text, len) : "is empty";

	for (size_t at = 0; !trouble && at < len;) {
		const char *end = NULL;

		if (is_nginx_blank(text[at])) {
			at++;
		} else if (text[at] == '"' || text[at] == '\'') {
			end = memchr(text + at + 1, text[at], len - at - 1);
			if (!end)
				return "has an open quote";
			at = (size_t)(end - text) + 1;
			if (at < len && !is_nginx_blank(text[at]))
				return "continues right after a quote";
		} else {
			for (; at < len && !is_nginx_blank(text[at]); at++)
				if (text[at] == ';')
					return "holds more than one directive";
		}
	}
	return trouble;
}

const char *nginx_option(const char *option, size_t *len)
{
	while (is_nginx_blank(*option))
		option++;
	*len = strlen(option);
	while (*len && (is_nginx_blank(option[*len - 1]) || option[*len - 1] == ';'))
		--*len;
	return option;
}

static int check_options(const struct export_app *u, struct err *e)
{
	for (size_t i = 0; i < u->options_count; i++) {
		size_t len = 0;
		const char *option = nginx_option(u->options[i], &len);
		const char *trouble = option_trouble(option, len);

		if (trouble)
			return err_set(e,
				"upstream '%s': option '%s' %s; write one directive, such as 'least_conn'",
				u->name, u->options[i], trouble);
	}
	return 0;
}

static int check_upstream(const struct export_app *u, struct err *e)
{
	if (check_servers(u, "an nginx upstream", e) < 0)
		return -1;
	return check_options(u, e);
}

/* nginx takes `api` and `API` for one name. */
static int check_names_differ(const struct export_app *upstreams, size_t count, struct err *e)
{
	struct map names = MAP_INIT;
	struct buf key = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		const char *other = NULL;

		buf_clear(&key);
		for (const char *c = upstreams[i].name; *c; c++)
			buf_addc(&key, (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c));
		other = map_put(&names, key.ptr, (void *)upstreams[i].name);
		if (other)
			rc = err_set(e,
				"upstreams '%s' and '%s' are one name for nginx; rename one with 'upstream'",
				other, upstreams[i].name);
	}
	buf_release(&key);
	map_release(&names);
	return rc;
}

int nginx_check_upstreams(const struct export_app *upstreams, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (check_upstream(&upstreams[i], e) < 0)
			return -1;
	return check_names_differ(upstreams, count, e);
}
