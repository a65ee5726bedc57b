#include "base/signal_name.h"

#include <signal.h>
#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "SIGABRT", SIGABRT },
	{ "SIGALRM", SIGALRM },
	{ "SIGBUS", SIGBUS },
	{ "SIGCHLD", SIGCHLD },
	{ "SIGCONT", SIGCONT },
	{ "SIGFPE", SIGFPE },
	{ "SIGHUP", SIGHUP },
	{ "SIGILL", SIGILL },
	{ "SIGINT", SIGINT },
	{ "SIGIO", SIGIO },
	{ "SIGKILL", SIGKILL },
	{ "SIGPIPE", SIGPIPE },
	{ "SIGPOLL", SIGPOLL },
	{ "SIGPROF", SIGPROF },
	{ "SIGPWR", SIGPWR },
	{ "SIGQUIT", SIGQUIT },
	{ "SIGSEGV", SIGSEGV },
#ifdef SIGSTKFLT
	{ "SIGSTKFLT", SIGSTKFLT },
#endif
	{ "SIGSTOP", SIGSTOP },
	{ "SIGSYS", SIGSYS },
	{ "SIGTERM", SIGTERM },
	{ "SIGTRAP", SIGTRAP },
	{ "SIGTSTP", SIGTSTP },
	{ "SIGTTIN", SIGTTIN },
	{ "SIGTTOU", SIGTTOU },
	{ "SIGURG", SIGURG },
	{ "SIGUSR1", SIGUSR1 },
	{ "SIGUSR2", SIGUSR2 },
	{ "SIGVTALRM", SIGVTALRM },
	{ "SIGWINCH", SIGWINCH },
	{ "SIGXCPU", SIGXCPU },
	{ "SIGXFSZ", SIGXFSZ },
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static int realtime_number(const char *name)
{
	bool is_min = str_starts(name, "SIGRTMIN");
	const char *rest = name + strlen("SIGRTMIN");
	int64_t away = 0;
	int64_t number = -1;

	if (!is_min && !str_starts(name, "SIGRTMAX"))
		return -1;
	if (*rest && (*rest != (is_min ? '+' : '-') || !str_to_int(rest + 1, &away) || away < 0 || away > 64))
		return -1;
	number = is_min ? SIGRTMIN + away : SIGRTMAX - away;
	return number >= SIGRTMIN && number <= SIGRTMAX ? (int)number : -1;
}

int signal_number(const char *name)
{
	for (int i = 0; i < SIGNALS; i++)
		if (!strcmp(signals[i].name, name))
			return signals[i].number;
	return realtime_number(name);
}

const char *signal_name(int number)
{
	for (int i = 0; i < SIGNALS; i++)
		if (signals[i].number == number)
			return signals[i].name;
	return NULL;
}

void signal_name_add(struct buf *out, int64_t signal)
{
	const char *name = signal_name((int)signal);

	if (name)
		buf_adds(out, name);
	else
		buf_addf(out, "%lld", (long long)signal);
}

int signal_name_parse(const char *text)
{
	int64_t number = 0;

	if (str_to_int(text, &number))
		return number > 0 && number < 1000 ? (int)number : 0;
	number = signal_number(text);
	return number > 0 ? (int)number : 0;
}
