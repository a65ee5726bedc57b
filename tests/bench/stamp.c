/*
 * The program that the figures are measured with: writes the time at which it began (monotonic, in ns) to the file that it is
 * given, in one write, and waits to be killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec now;
	char text[32];
	int fd = -1;
	int len = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(text, sizeof(text), "%lld\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0 && write(fd, text, (size_t)len) == len)
		close(fd);
	for (;;)
		pause();
}
