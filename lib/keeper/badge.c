#include "keeper/badge.h"

#include <stdio.h>
#include <string.h>

#include "os/procfs.h"

char *badge_write(char out[BADGE_MAX], const char *token, struct keep_ticket ticket, const char *name)
{
	int len = snprintf(out, BADGE_MAX, "%s=%s.%lld.%llu.", KEEP_MARK, token, (long long)ticket.slot,
		(unsigned long long)ticket.generation);

	(void)snprintf(out + len, BADGE_MAX - (size_t)len, "%0*d.%s", BADGE_PID_DIGITS, 0, name);
	return out + len;
}

void badge_sign(char *digits, pid_t pid)
{
	for (int i = BADGE_PID_DIGITS; i-- > 0; pid /= 10)
		digits[i] = (char)('0' + pid % 10);
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

/* <token>.<slot>.<generation>.<pid>.<name> */
bool badge_of(struct badge *b, pid_t pid, const char *token)
{
	char text[BADGE_MAX];
	const char *at = text;
	size_t len = strlen(token);
	uint64_t slot = 0;
	uint64_t main_pid = 0;

	if (!procfs_environ(pid, KEEP_MARK, text, sizeof(text)) || strncmp(text, token, len) != 0 ||
		text[len] != '.')
		return false;
	at += len + 1;
	if (!read_part(&at, &slot) || !read_part(&at, &b->ticket.generation) || !read_part(&at, &main_pid))
		return false;
	if (slot > UINT32_MAX || main_pid < 2 || main_pid > INT32_MAX || !*at || strlen(at) > KEEP_NAME_MAX)
		return false;
	b->ticket.slot = (int64_t)slot;
	b->pid = (pid_t)main_pid;
	memcpy(b->name, at, strlen(at) + 1);
	return true;
}
