#include "os/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#define SCORE_FILE "/proc/self/oom_score_adj"

int oom_score(void)
{
	char text[16];
	int fd = open(SCORE_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	bool is_below = len > 0 && text[0] == '-';
	int score = 0;

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return OOM_KEEP;
	for (ssize_t i = is_below; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		score = score * 10 + (text[i] - '0');
	return is_below ? -score : score;
}

int oom_set_score(int64_t score)
{
	char text[8];
	size_t at = sizeof(text);
	uint64_t rest = (uint64_t)(score < 0 ? -score : score);
	int fd = -1;
	ssize_t wrote = -1;
	int number = 0;

	if (score < -1000 || score > 1000) {
		errno = EINVAL;
		return -1;
	}
	fd = open(SCORE_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do
		text[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (score < 0)
		text[--at] = '-';
	wrote = write(fd, text + at, sizeof(text) - at);
	number = errno;
	close(fd);
	errno = number;
	return wrote < 0 ? -1 : 0;
}

int oom_protect(void)
{
	int before = oom_score();

	if (before == OOM_KEEP || before <= OOM_DAEMON || oom_set_score(OOM_DAEMON) < 0)
		return OOM_KEEP;
	return before;
}
