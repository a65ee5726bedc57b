#include "keeper/env_mark.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "os/procfs.h"

/* Digits of the pid, ".+", digits of the user, ".", the seal, ".", the name. */
enum { SEAL_AT = ENV_MARK_PID_DIGITS + 2 + ENV_MARK_PID_DIGITS + 1 };

char *env_mark_write(
	char out[ENV_MARK_MAX], const char *token, struct keeper_ticket ticket, uid_t uid, const char *name)
{
	int len = snprintf(out, ENV_MARK_MAX, "%s=%s.%lld.%llu.", KEEPER_MARK, token, (long long)ticket.slot,
		(unsigned long long)ticket.generation);

	if (!ASSERT_OR(len > 0 && len < ENV_MARK_MAX, "%s: its mark begins with %d characters", name, len))
		len = 0;
	(void)snprintf(out + len, ENV_MARK_MAX - (size_t)len, "%0*d.+%0*u.%0*d.%s", ENV_MARK_PID_DIGITS, 0,
		ENV_MARK_PID_DIGITS, (unsigned int)uid, ENV_MARK_SEAL_DIGITS, 0, name);
	ASSERT(strnlen(out, ENV_MARK_MAX) < ENV_MARK_MAX - 1, "%s: its mark is cut off", name);
	return out + len;
}

/* Over the whole mark, zeros in the place of the seal. */
static uint64_t seal_of(const char *text, const struct env_mark_secret *secret)
{
	return siphash(secret->key, text, strlen(text));
}

void env_mark_seal(char mark[ENV_MARK_MAX], char *digits, pid_t pid, const struct env_mark_secret *secret)
{
	static const char hex[] = "0123456789abcdef";
	char *at = digits + SEAL_AT;
	uint64_t seal = 0;

	for (int i = ENV_MARK_PID_DIGITS; i-- > 0; pid /= 10)
		digits[i] = (char)('0' + pid % 10);
	seal = seal_of(mark + sizeof(KEEPER_MARK), secret);
	for (int i = ENV_MARK_SEAL_DIGITS; i-- > 0; seal /= 16)
		at[i] = hex[seal % 16];
}

/* Steps over the number and the dot after it. */
static bool read_part(const char **at, uint64_t *value)
{
	const char *start = *at;

	for (*value = 0; **at >= '0' && **at <= '9'; (*at)++)
		*value = *value * 10 + (uint64_t)(**at - '0');
	if (*at == start || **at != '.')
		return false;
	(*at)++;
	return true;
}

/* The same for the seal, which is overwritten with zeros. */
static bool read_seal(char **at, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < ENV_MARK_SEAL_DIGITS; i++, (*at)++) {
		char c = **at;
		bool is_digit = c >= '0' && c <= '9';

		if (!is_digit && (c < 'a' || c > 'f'))
			return false;
		*value = *value * 16 + (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
		**at = '0';
	}
	return *(*at)++ == '.';
}

/* "+<uid>.<seal>." if it is there.  The seals are compared as numbers, so how long it takes says nothing about where they differ. */
static bool read_sealed(struct env_mark *b, char *text, const char **at, const struct env_mark_secret *secret)
{
	uint64_t uid = 0;
	uint64_t seal = 0;
	char *end = NULL;

	b->is_sealed = **at == '+';
	if (!b->is_sealed)
		return true;
	++*at;
	if (!read_part(at, &uid) || uid >= UINT32_MAX)
		return false;
	end = text + (*at - text);
	if (!read_seal(&end, &seal) || (seal ^ seal_of(text, secret)) != 0)
		return false;
	*at = end;
	b->uid = (uid_t)uid;
	return true;
}

bool env_mark_read(
	struct env_mark *b, const char *text, const char *token, const struct env_mark_secret *secret)
{
	char copy[ENV_MARK_MAX];
	const char *at = copy;
	size_t len = strlen(token);
	uint64_t slot = 0;
	uint64_t main_pid = 0;

	if (strlen(text) >= sizeof(copy) || strncmp(text, token, len) != 0 || text[len] != '.')
		return false;
	memcpy(copy, text, strlen(text) + 1);
	at += len + 1;
	if (!read_part(&at, &slot) || !read_part(&at, &b->ticket.generation) || !read_part(&at, &main_pid) ||
		!read_sealed(b, copy, &at, secret))
		return false;
	if (slot > UINT32_MAX || main_pid < 2 || main_pid > INT32_MAX || !*at || strlen(at) > KEEPER_NAME_MAX)
		return false;
	b->ticket.slot = (int64_t)slot;
	b->pid = (pid_t)main_pid;
	memcpy(b->name, at, strlen(at) + 1);
	return true;
}

bool env_mark_of(struct env_mark *b, pid_t pid, const char *token, const struct env_mark_secret *secret)
{
	char text[ENV_MARK_MAX];

	return procfs_environ(pid, KEEPER_MARK, text, sizeof(text)) && env_mark_read(b, text, token, secret);
}
