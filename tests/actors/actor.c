/*
 * The badly behaved service: one flag a sin, done in the order in which they stand.  At the end it waits for ever, unless told to exit.
 *
 *	--ignore TERM          ignore a signal
 *	--die-after MS         exit with 1 after so long, whatever else happens
 *	--crash                die by SIGSEGV, now
 *	--exit CODE            exit, now
 *	--stop-self            SIGSTOP itself
 *	--grandchild           a child that sleeps for ever
 *	--setsid-grandchild    a grandchild in a session of its own, whose parent is gone
 *	--bare-grandchild      as that, without any environment
 *	--fork-away            the main process exits with 0, a child continues with the rest
 *	--stopped-grandchild   as --grandchild, but stopped
 *	--spew N               N lines on stdout
 *	--say WORDS            a line on stdout
 *	--say-on "TERM bye"    a line on stdout each time the signal comes
 *	--exit-on "TERM 3"     exit with that code when the signal comes
 *	--listen PORT          listen on 127.0.0.1; 0 takes $PORT
 *	--listen-after MS      from here on, --listen waits first
 *	--leak MB              take memory and touch it
 *	--spin                 use a processor for ever
 *	--close-output         close stdout and stderr
 *	--print-env --print-fds --print-limits --print-ids --print-signals --print-folder
 *	                       one line a fact on stdout
 *	--mark                 its own process id on stdout: "pid 4102"
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static int listen_after_ms;
static const char *words_on[65];

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
	exit(99);
}

static long number_of(const char *text)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	if (!*text || *end) {
		errno = EINVAL;
		give_up(text);
	}
	return value;
}

static int signal_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {
		{ "HUP", SIGHUP },
		{ "INT", SIGINT },
		{ "QUIT", SIGQUIT },
		{ "TERM", SIGTERM },
		{ "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 },
		{ "CONT", SIGCONT },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].number;
	return (int)number_of(name);
}

static _Noreturn void wait_for_ever(void)
{
	for (;;)
		(void)poll(NULL, 0, -1);
}

static void on_alarm(int number)
{
	(void)number;
	_exit(1);
}

static void do_die_after(const char *value)
{
	long ms = number_of(value);
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	signal(SIGALRM, on_alarm);
	if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
		give_up("timer");
}

static void do_ignore(const char *value)
{
	signal(signal_of(value), SIG_IGN);
}

static void do_crash(const char *value)
{
	struct rlimit none = { 0, 0 };

	(void)value;
	(void)setrlimit(RLIMIT_CORE, &none);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void do_exit(const char *value)
{
	exit((int)number_of(value));
}

static void do_stop_self(const char *value)
{
	(void)value;
	raise(SIGSTOP);
}

static pid_t fork_or_die(void)
{
	pid_t pid = -1;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		give_up("fork");
	return pid;
}

static void do_grandchild(const char *value)
{
	(void)value;
	if (fork_or_die() == 0)
		wait_for_ever();
}

static void do_stopped_grandchild(const char *value)
{
	pid_t pid = fork_or_die();

	(void)value;
	if (pid == 0)
		wait_for_ever();
	kill(pid, SIGSTOP);
}

/* Forks twice; the one in between is gone when this returns, so the grandchild is an orphan by then. */
static void orphan(bool is_bare, char *self)
{
	char *const argv[] = { self, NULL };
	char *const nothing[] = { NULL };
	int ends[2];
	char byte = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("pipe");
	if (fork_or_die() == 0) {
		setsid();
		if (fork_or_die() == 0) {
			if (is_bare)
				execve("/proc/self/exe", argv, nothing);
			close(ends[1]);
			wait_for_ever();
		}
		_exit(0);
	}
	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	close(ends[0]);
}

static void do_setsid_grandchild(const char *value)
{
	(void)value;
	orphan(false, NULL);
}

static void do_bare_grandchild(const char *value)
{
	static char self[] = "actor";

	(void)value;
	orphan(true, self);
}

static void do_fork_away(const char *value)
{
	(void)value;
	if (fork_or_die() > 0)
		_exit(0);
}

static void do_spew(const char *value)
{
	long lines = number_of(value);

	for (long i = 1; i <= lines; i++)
		printf("line %ld of %ld\n", i, lines);
}

static void do_say(const char *value)
{
	puts(value);
}

static void on_signal(int number)
{
	const char *words = words_on[number];

	(void)!write(STDOUT_FILENO, words, strlen(words));
	(void)!write(STDOUT_FILENO, "\n", 1);
}

/* "TERM bye": the signal, a space, the words. */
/* "TERM words": the signal, and what stands behind it. */
static const char *split_signal(const char *value, int *number)
{
	char name[16];
	size_t len = strcspn(value, " ");

	if (len >= sizeof(name) || !value[len]) {
		errno = EINVAL;
		give_up(value);
	}
	memcpy(name, value, len);
	name[len] = '\0';
	*number = signal_of(name);
	return value + len + 1;
}

static void do_say_on(const char *value)
{
	int number = 0;
	const char *words = split_signal(value, &number);

	words_on[number] = words;
	signal(number, on_signal);
}

static int code_on[65];

static void exit_on_signal(int number)
{
	_exit(code_on[number]);
}

static void do_exit_on(const char *value)
{
	int number = 0;
	const char *code = split_signal(value, &number);

	code_on[number] = (int)number_of(code);
	signal(number, exit_on_signal);
}

static void do_listen(const char *value)
{
	const char *port = getenv("PORT");
	long number = number_of(value);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static int fd = -1; /* open for ever */
	int on = 1;

	if (!number && port)
		number = number_of(port);
	(void)poll(NULL, 0, listen_after_ms);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_port = htons((unsigned short)number);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
		give_up("listen");
}

static void do_listen_after(const char *value)
{
	listen_after_ms = (int)number_of(value);
}

static void do_leak(const char *value)
{
	size_t size = (size_t)number_of(value) << 20;
	volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		give_up("leak");
	/* Kept: that is the sin. */
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
}

static void do_spin(const char *value)
{
	(void)value;
	for (volatile unsigned long turns = 0;; turns++)
		continue;
}

static void do_close_output(const char *value)
{
	(void)value;
	fflush(NULL);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
}

static void do_print_env(const char *value)
{
	(void)value;
	for (char **entry = environ; *entry; entry++)
		printf("env %s\n", *entry);
}

static void do_print_fds(const char *value)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry = NULL;
	char path[300];
	char target[256];

	(void)value;
	/* cppcheck-suppress readdirCalled */
	while (dir && (entry = readdir(dir))) {
		ssize_t len = 0;

		if (entry->d_name[0] == '.' || number_of(entry->d_name) == dirfd(dir))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		printf("fd %s %s\n", entry->d_name, target);
	}
	if (dir)
		closedir(dir);
}

static void do_print_limits(const char *value)
{
	static const struct {
		const char *name;
		int resource;
	} rows[] = {
		{ "nofile", RLIMIT_NOFILE },
		{ "core", RLIMIT_CORE },
		{ "nproc", RLIMIT_NPROC },
	};
	struct rlimit limit;

	(void)value;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (getrlimit(rows[i].resource, &limit) == 0)
			printf("limit %s %llu %llu\n", rows[i].name, (unsigned long long)limit.rlim_cur,
				(unsigned long long)limit.rlim_max);
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
}

static void do_print_ids(const char *value)
{
	gid_t groups[256];
	int count = getgroups(256, groups);
	int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	(void)value;
	printf("uid %u %u\ngid %u %u\n", (unsigned)getuid(), (unsigned)geteuid(), (unsigned)getgid(),
		(unsigned)getegid());
	for (int i = 0; i < count; i++)
		printf("group %u\n", (unsigned)groups[i]);
	printf("session %d\nprocess-group %d\n", (int)getsid(0), (int)getpgrp());
	printf("terminal %s\n", terminal < 0 ? "none" : "one");
	if (terminal >= 0)
		close(terminal);
}

static void do_print_signals(const char *value)
{
	struct sigaction action;
	sigset_t mask;

	(void)value;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < 65; number++) {
		if (sigismember(&mask, number) == 1)
			printf("blocked %d\n", number);
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf("ignored %d\n", number);
	}
	puts("signals done");
}

static void do_print_folder(const char *value)
{
	char folder[4096];
	mode_t mask = umask(0);

	(void)value;
	umask(mask);
	printf("folder %s\numask %03o\n", getcwd(folder, sizeof(folder)) ? folder : "?", (unsigned)mask);
}

static void do_mark(const char *value)
{
	(void)value;
	printf("pid %d\n", (int)getpid());
}

static const struct {
	const char *name;
	bool has_value;
	void (*act)(const char *value);
} sins[] = {
	{ "--ignore", true, do_ignore },
	{ "--die-after", true, do_die_after },
	{ "--crash", false, do_crash },
	{ "--exit", true, do_exit },
	{ "--stop-self", false, do_stop_self },
	{ "--grandchild", false, do_grandchild },
	{ "--setsid-grandchild", false, do_setsid_grandchild },
	{ "--bare-grandchild", false, do_bare_grandchild },
	{ "--stopped-grandchild", false, do_stopped_grandchild },
	{ "--fork-away", false, do_fork_away },
	{ "--spew", true, do_spew },
	{ "--say", true, do_say },
	{ "--say-on", true, do_say_on },
	{ "--exit-on", true, do_exit_on },
	{ "--listen", true, do_listen },
	{ "--listen-after", true, do_listen_after },
	{ "--leak", true, do_leak },
	{ "--spin", false, do_spin },
	{ "--close-output", false, do_close_output },
	{ "--print-env", false, do_print_env },
	{ "--print-fds", false, do_print_fds },
	{ "--print-limits", false, do_print_limits },
	{ "--print-ids", false, do_print_ids },
	{ "--print-signals", false, do_print_signals },
	{ "--print-folder", false, do_print_folder },
	{ "--mark", false, do_mark },
};

/* Gives how many words it took. */
static int commit(char **words)
{
	for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
		if (strcmp(sins[i].name, words[0]) != 0)
			continue;
		if (sins[i].has_value && !words[1])
			break;
		sins[i].act(words[1]);
		fflush(stdout);
		return sins[i].has_value ? 2 : 1;
	}
	fprintf(stderr, "actor: what is '%s'?\n", words[0]);
	exit(98);
}

int main(int argc, char **argv)
{
	(void)argc;
	for (argv++; argc > 0 && *argv;)
		argv += commit(argv);
	wait_for_ever();
}
