#include "keeper/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "keeper/lost_keeper.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/holder.h"
#include "os/procfs.h"

enum { TRY_MS = 50 };

/* What a lock file says: "PID TOKEN kept|ended RUN\nKEY SINCE BOOT\n". */
struct lock_text {
	struct holder by;
	bool has_secret;
	struct env_mark_secret secret;
};

/* A time of another start of the machine means nothing: whatever carries a mark from then is gone. */
static uint64_t since_of(uint64_t since, const char *boot)
{
	struct buf now = BUF_INIT;
	bool is_this_one = procfs_boot_id(&now) && !strcmp(now.ptr, boot);

	buf_release(&now);
	return is_this_one ? since : 0;
}

static void read_secret(const char *line, struct lock_text *h)
{
	char key[2 * SIPHASH_KEY + 1] = "";
	char boot[64] = "";
	char since[24] = "";

	if (sscanf(line, "%32[0-9a-f] %23[0-9] %63[0-9a-f-]", key, since, boot) != 3 ||
		strlen(key) != sizeof(key) - 1)
		return;
	for (size_t i = 0; i < SIPHASH_KEY; i++) {
		const char digits[] = { key[2 * i], key[2 * i + 1], '\0' };

		h->secret.key[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	h->secret.since = since_of(strtoull(since, NULL, 10), boot);
	h->has_secret = true;
}

static void read_lock(int fd, struct lock_text *h)
{
	char text[HOLDER_TEXT_MAX];
	ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	const char *second = NULL;

	memset(h, 0, sizeof(*h));
	holder_read(fd, &h->by);
	text[got > 0 ? got : 0] = '\0';
	second = strchr(text, '\n');
	if (second)
		read_secret(second + 1, h);
}

static int make_token(char token[LOCK_TOKEN_LEN + 1], struct err *e)
{
	unsigned char random[LOCK_TOKEN_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, errno, "cannot get random bytes");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(token + 2 * i, 3, "%02x", (unsigned int)random[i]);
	return 0;
}

/* `is_late`: there may be processes whose marks are not sealed. */
static int make_secret(struct env_mark_secret *s, bool is_late, struct err *e)
{
	if (getrandom(s->key, sizeof(s->key), 0) != (ssize_t)sizeof(s->key))
		return err_sys(e, errno, "cannot get random bytes");
	s->since = is_late ? clock_ticks() : 0;
	return 0;
}

static int would_block(struct err *e)
{
	if (e)
		e->number = EWOULDBLOCK;
	return -1;
}

static void on_wake(int number)
{
	(void)number;
}

/* Sleeps in flock for a moment; a timer wakes it. */
static int flock_for(int fd, int64_t ms)
{
	struct sigaction action = { .sa_handler = on_wake };
	struct itimerval timer = { .it_value.tv_usec = ms * 1000, .it_interval.tv_usec = ms * 1000 };
	struct itimerval none = { .it_value.tv_sec = 0 };
	int rc = -1;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	rc = flock(fd, LOCK_EX);
	setitimer(ITIMER_REAL, &none, NULL);
	return rc;
}

bool lock_wait(int fd, int64_t ms)
{
	int64_t deadline = clock_ms() + ms;

	while (flock_for(fd, TRY_MS) < 0)
		if (errno != EINTR || clock_ms() >= deadline)
			return false;
	return true;
}

/* Its holder is gone, and children that it forked in its last moment have not reached their exec yet: they will in an instant. */
static int wait_for_children(int fd, const char *path, struct lock_text *h, struct err *e)
{
	int64_t deadline = clock_ms() + LOCK_WAIT_MS;

	while (flock_for(fd, TRY_MS) < 0) {
		read_lock(fd, h);
		if (holder_lives(&h->by))
			return would_block(e);
		if (clock_ms() < deadline)
			continue;
		err_set(e,
			"the last oxherd (pid %ld) is gone, but a process that it was about to start still holds "
			"'%s'; end that, or try again later",
			h->by.pid, path);
		return would_block(e);
	}
	return 0;
}

static int open_lock(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	fd_close(&fd);
	return err_set(e, "'%s' is no file of ours; move it away", path);
}

/* A descriptor that holds the lock, and who had it before; -1. */
static int take_one_lock(const char *folder, const char *what, struct lock_text *h, struct err *e)
{
	char *path = path_join(folder, "oxherd.lock");
	int fd = open_lock(path, e);
	int rc = fd < 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB);

	read_lock(fd, h);
	if (fd >= 0 && rc < 0 && errno != EWOULDBLOCK)
		err_sys(e, errno, "cannot lock '%s'", path);
	else if (fd >= 0 && rc < 0 && !holder_lives(&h->by))
		rc = wait_for_children(fd, path, h, e);
	else if (fd >= 0 && rc < 0)
		rc = would_block(e);
	if (rc < 0 && e && e->number == EWOULDBLOCK && holder_lives(&h->by)) {
		err_set(e, "another oxherd (pid %ld) %s '%s'; 'oxctl daemon stop' ends it", h->by.pid, what,
			folder);
		(void)would_block(e);
	}
	if (rc < 0)
		fd_close(&fd);
	else
		read_lock(fd, h);
	mem_free(path);
	return fd;
}

static int take_state(struct lock *l, const char *state, struct lock_text *h, struct err *e)
{
	struct err why = ERR_INIT;
	int rc = 0;

	l->state_fd = take_one_lock(state, "uses", h, &why);
	if (l->state_fd < 0 && why.number == EWOULDBLOCK) {
		rc = err_set(e, "%s%s%s", why.text.ptr, *h->by.run ? "; its run folder is " : "", h->by.run);
		(void)would_block(e);
	} else if (l->state_fd < 0 && (why.number == EROFS || why.number == ENOSPC)) {
		log_warn("%s; the daemon runs without a lock there", why.text.ptr);
	} else if (l->state_fd < 0) {
		rc = err_set(e, "%s", why.text.ptr);
	}
	err_release(&why);
	return rc;
}

static int choose_token(
	struct lock *l, const struct lock_text *run, const struct lock_text *state, struct err *e)
{
	const struct lock_text *last = run->by.token[0] ? run : state;
	bool is_elsewhere = state->by.token[0] && !state->by.has_ended && *state->by.run &&
		strcmp(state->by.run, l->run) != 0;

	ASSERT(l->run_fd >= 0, "a token is chosen without a lock");
	/* Its log pipes are there, and its services write to them. */
	if (is_elsewhere && access(state->by.run, F_OK) == 0 && strcmp(state->by.token, run->by.token) != 0) {
		err_set(e,
			"the last oxherd did not end well, and its run folder was '%s': start it with the same "
			"XDG_RUNTIME_DIR or OXHERD_HOME, or remove '%s' if nothing of it runs any more",
			state->by.run, state->by.run);
		return would_block(e);
	}
	l->was_left = last->by.token[0] && !last->by.has_ended;
	memcpy(l->token, last->by.token, sizeof(l->token));
	l->secret = last->secret;
	if (!(last->by.token[0] && last->has_secret) && make_secret(&l->secret, l->was_left, e) < 0)
		return -1;
	return l->token[0] ? 0 : make_token(l->token, e);
}

/* Both locks are new.  It is so at the first start, or somebody has deleted both folders under a keeper that lives. */
static int check_lost(struct lock *l, const char *run, struct err *e)
{
	struct lost_keeper found;

	if (!lost_keeper_find(l->run_fd, &found))
		return 0;
	/* It takes them as soon as it is awake. */
	lock_release(l);
	lost_keeper_wake(&found);
	err_set(e,
		"another oxherd (pid %ld) serves '%s', and makes that folder again; 'oxctl daemon stop' ends it",
		(long)found.pid, run);
	return would_block(e);
}

int lock_take(struct lock *l, const char *run, const char *state, struct err *e)
{
	struct lock_text *of_run = mem_zalloc(1, sizeof(*of_run));
	struct lock_text *of_state = mem_zalloc(1, sizeof(*of_state));
	int rc = -1;

	l->run = mem_strdup(run);
	l->run_fd = take_one_lock(run, "serves", of_run, e);
	if (l->run_fd >= 0)
		rc = take_state(l, state, of_state, e);
	if (rc == 0 && !of_run->by.token[0] && !of_state->by.token[0])
		rc = check_lost(l, run, e);
	if (rc == 0)
		rc = choose_token(l, of_run, of_state, e);
	if (rc == 0)
		rc = lock_sign(l, e);
	if (rc < 0)
		lock_release(l);
	mem_free(of_run);
	mem_free(of_state);
	return rc;
}

/* Never shorter than what a reader wants at any moment: written over, then cut. */
static int sign(const struct lock *l, int fd, const char *word, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	ASSERT(l->token[0] && l->run, "a lock file is signed without a token");
	buf_addf(&text, "%ld %s %s %s\n", (long)getpid(), l->token, word, l->run);
	for (size_t i = 0; i < SIPHASH_KEY; i++)
		buf_addf(&text, "%02x", (unsigned int)l->secret.key[i]);
	buf_addf(&text, " %llu ", (unsigned long long)l->secret.since);
	if (!procfs_boot_id(&text))
		buf_adds(&text, "-");
	buf_addc(&text, '\n');
	if (pwrite(fd, text.ptr, text.len, 0) != (ssize_t)text.len || ftruncate(fd, (off_t)text.len) < 0)
		rc = err_sys(e, errno, "cannot write the lock file");
	buf_release(&text);
	return rc;
}

int lock_sign(const struct lock *l, struct err *e)
{
	struct err why = ERR_INIT;

	if (l->state_fd >= 0 && sign(l, l->state_fd, "kept", &why) < 0)
		log_warn("%s of the state folder", why.text.ptr);
	err_release(&why);
	return sign(l, l->run_fd, "kept", e);
}

int lock_find_secret(struct lock *l, struct err *e)
{
	struct lock_text *h = mem_zalloc(1, sizeof(*h));
	int rc = 0;

	read_lock(l->run_fd, h);
	if (!h->has_secret)
		read_lock(l->state_fd, h);
	l->secret = h->secret;
	if (!h->has_secret)
		rc = make_secret(&l->secret, true, e);
	if (rc == 0 && !h->has_secret)
		rc = lock_sign(l, e);
	mem_free(h);
	return rc;
}

void lock_sign_off(const struct lock *l)
{
	(void)sign(l, l->run_fd, "ended", NULL);
	if (l->state_fd >= 0)
		(void)sign(l, l->state_fd, "ended", NULL);
}

void lock_release(struct lock *l)
{
	fd_close(&l->run_fd);
	fd_close(&l->state_fd);
	mem_free(l->run);
	l->run = NULL;
}
