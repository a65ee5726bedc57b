/*
 * The bare limit that starts are measured against: forks and execs a program COUNT times, as fast as one process can, and says when
 * the last of them has become the program.
 *
 *	bare COUNT PROGRAM [ARGUMENT...]    prints the milliseconds: "12.345"
 *
 * That a child became the program is seen as the keeper sees it: a pipe that closes on exec.  The children are killed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

static pid_t start(char **argv, int report)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		execve(argv[0], argv, environ);
		(void)!write(report, "", 1);
		_exit(127);
	}
	return pid;
}

/* The last writer's end is closed by its exec: then there is nothing to read, and nobody who could write. */
static void wait_for_all(int report)
{
	char byte = 0;
	ssize_t got = read(report, &byte, 1);

	if (got < 0)
		give_up("read");
	if (got > 0) {
		errno = ENOEXEC;
		give_up("a program could not be executed");
	}
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	pid_t *pids = NULL;
	int ends[2] = { -1, -1 };
	double begin = 0;
	double took = 0;

	if (count < 1 || count > 100000) {
		fputs("usage: bare COUNT PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	pids = calloc((size_t)count, sizeof(*pids));
	if (!pids || pipe2(ends, O_CLOEXEC) < 0)
		give_up("begin");
	begin = now_ms();
	for (long i = 0; i < count; i++)
		pids[i] = start(argv + 2, ends[1]);
	close(ends[1]);
	wait_for_all(ends[0]);
	took = now_ms() - begin;
	for (long i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	free(pids);
	printf("%.3f\n", took);
	return 0;
}
