#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { EXIT_INTERRUPTED = 130 };

#define WATCH "; 'oxctl status --watch' shows it"

static const struct {
	const char *method;
	const char *words;
} methods[] = {
	{ "deploy", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "continue", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "await", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "reload", "the reload continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "rollback", "the rollback continues" WATCH },
	{ "abort", "it continues to go back" WATCH },
	{ "start", "the start continues" WATCH ", 'oxctl stop' ends it" },
	{ "apply", "the start continues" WATCH ", 'oxctl stop' ends it" },
	{ "restart", "the restart continues" WATCH },
	{ "stop", "the stop continues" WATCH },
	{ "delete", "the deletion continues" WATCH },
	{ "scale", "the scaling continues" WATCH },
	{ "daemon.shutdown", "the daemon continues to stop" },
};

/* Set before the signal can come, and read by its handler alone. */
static const char *volatile words;

static void write_to_terminal(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static _Noreturn void on_interrupt(int number)
{
	(void)number;
	write_to_terminal("\noxctl: interrupted; ");
	write_to_terminal(words);
	write_to_terminal("\n");
	_exit(EXIT_INTERRUPTED);
}

void interrupt_begin(const char *method)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	struct sigaction before;

	words = NULL;
	/* In the background of a script the signal is not for us. */
	if (sigaction(SIGINT, NULL, &before) < 0 || before.sa_handler == SIG_IGN)
		return;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eq(methods[i].method, method))
			words = methods[i].words;
	if (words)
		(void)sigaction(SIGINT, &action, NULL);
}

void interrupt_end(void)
{
	if (words)
		(void)signal(SIGINT, SIG_DFL);
	words = NULL;
}
