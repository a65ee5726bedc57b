#include "screen.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, and no cursor. */
static const char take[] = "\033[?1049h\033[?25l\033[2J";
static const char give[] = "\033[?25h\033[?1049l";

/* Set before a handler can read them. */
static struct termios before;
static bool has_keys;
static volatile sig_atomic_t is_taken;
static volatile sig_atomic_t has_changed;

/* What these two call is allowed in a signal handler. */
static void take_terminal(void)
{
	struct termios raw = before;

	/* Signals stay: Ctrl-C ends, Ctrl-Z stops. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_taken = 1;
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	(void)!write(STDOUT_FILENO, take, sizeof(take) - 1);
}

static void give_terminal(void)
{
	if (!is_taken)
		return;
	is_taken = 0;
	(void)!write(STDOUT_FILENO, give, sizeof(give) - 1);
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void on_end(int number)
{
	give_terminal();
	/* It is blocked until this returns, and ends the program then. */
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void on_stop(int number)
{
	int error = errno;

	(void)number;
	give_terminal();
	(void)raise(SIGSTOP);
	take_terminal();
	has_changed = 1;
	errno = error;
}

static void on_resize(int number)
{
	(void)number;
	has_changed = 1;
}

static void set_handler(int number, void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler };
	struct sigaction old;

	/* All of them at once: a second one must not find the terminal half given back. */
	(void)sigfillset(&action.sa_mask);
	if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		(void)sigaction(number, &action, NULL);
}

void screen_begin(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		set_handler(ends[i], on_end);
	set_handler(SIGTSTP, on_stop);
	set_handler(SIGWINCH, on_resize);
	(void)atexit(screen_end);
	take_terminal();
}

void screen_end(void)
{
	give_terminal();
}

int screen_keys_fd(void)
{
	return has_keys ? STDIN_FILENO : -1;
}

bool screen_has_changed(void)
{
	bool changed = has_changed;

	has_changed = 0;
	return changed;
}
