/*
 * What is on its way from a pipe to a log, and a kill before and after every single system call of that: a child does the work, is
 * stopped at its k-th call and killed there, and another child continues.  Whatever k is, the log holds every line once.
 */
#include "logs/logfile.h"
#include "loop/watchers.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "logs/logfile_cache.h"
#include "logs/streams.h"
#include "logs/write_journal.h"
#include "os/file.h"
#include "unit.h"

enum {
	LINES = 24,
	CHUNK = 100, /* read at once: no whole number of lines */
	STOPS_MAX = 5000,
};

struct place {
	char folder[64];
	char log[96];
	char journal[96];
	char fifo[96];
	int pipe;
	struct logfile_shape shape;
};

static const struct log_source source = {
	.mark = { .app = 1, .instance = 2, .kind = MARK_OUT, .run = 3 },
	.name = "api:2",
};

static void place_init(struct place *p, struct logfile_shape shape)
{
	*p = (struct place){ .folder = "/tmp/oxherd-logfile-XXXXXX", .pipe = -1, .shape = shape };
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->log, sizeof(p->log), "%s/api.log", p->folder);
	snprintf(p->journal, sizeof(p->journal), "%s/inflight", p->folder);
	snprintf(p->fifo, sizeof(p->fifo), "%s/fifo", p->folder);
	assert_int_equal(mkfifo(p->fifo, 0600), 0);
	p->pipe = open(p->fifo, O_RDWR | O_NONBLOCK);
	assert_true(p->pipe >= 0);
}

static void place_release(struct place *p)
{
	DIR *folder = opendir(p->folder);
	const struct dirent *entry = NULL;
	char path[400];

	close(p->pipe);
	/* cppcheck-suppress readdirCalled */
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "%s/%s", p->folder, entry->d_name);
		(void)unlink(path);
	}
	closedir(folder);
	assert_int_equal(rmdir(p->folder), 0);
}

static void say(const struct place *p, const char *text)
{
	assert_int_equal(write(p->pipe, text, strlen(text)), strlen(text));
}

static void say_lines(const struct place *p, struct buf *said)
{
	for (int i = 0; i < LINES; i++)
		buf_addf(said, "line %02d %.*s\n", i, i, "..............................");
	say(p, said->ptr);
}

/* What the daemon does, without the rest of the brain.  Gives how many bytes were dropped. */
static uint64_t take_all(const struct place *p, const struct stream_calls *calls, void *context)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct err e = ERR_INIT;
	struct logfile_cache *cache = logfile_cache_new(loop, p->journal, calls, context, &e);
	struct write_journal_goal goal = {
		.path = p->log, .format = p->shape.format ? p->shape.format : "", .source = source.mark
	};
	struct logfile *l = NULL;
	uint64_t dropped = 0;

	if (!cache)
		abort();
	l = logfile_cache_take(cache, p->log, NULL);
	logfile_set(l, &p->shape);
	write_journal_aim(
		logfile_cache_journal(cache), write_journal_key(logfile_cache_journal(cache)), &goal);
	while (write_journal_read(logfile_cache_journal(cache), p->pipe, CHUNK) > 0) {
		dropped += logfile_take(l, &source);
		logfile_tell(l);
	}
	logfile_cache_put_back(cache, l);
	logfile_cache_free(cache);
	ev_loop_destroy(loop);
	err_release(&e);
	return dropped;
}

/* --- kills ------------------------------------------------------------------------------------------------------- */

/* A child takes all, and is killed when it has stopped `stops` times; false: it ended before. */
static bool take_and_be_killed(const struct place *p, int stops)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)take_all(p, NULL, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < stops; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
			return false;
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

/* The log and the older ones, oldest first. */
static void read_all(const struct place *p, struct buf *out)
{
	char path[128];

	for (int i = 99; i >= 0; i--) {
		snprintf(path, sizeof(path), i ? "%s.%d" : "%s", p->log, i);
		if (file_exists(path))
			assert_int_equal(file_read(path, 1 << 20, out, NULL), 0);
	}
}

static void walk(struct logfile_shape shape, const char *before_each_line)
{
	bool is_killed = true;
	int stops = 1;

	for (; is_killed && stops < STOPS_MAX; stops++) {
		struct place p;
		struct buf said = BUF_INIT;
		struct buf wanted = BUF_INIT;
		struct buf got = BUF_INIT;

		place_init(&p, shape);
		say_lines(&p, &said);
		is_killed = take_and_be_killed(&p, stops);
		/* The next one may be killed on its way too. */
		(void)take_and_be_killed(&p, stops % 41);
		(void)take_all(&p, NULL, NULL);
		for (char *line = said.ptr; *line; line = strchr(line, '\n') + 1)
			buf_addf(&wanted, "%s%.*s", before_each_line, (int)strcspn(line, "\n") + 1, line);
		read_all(&p, &got);
		if (strcmp(wanted.ptr, got.ptr) != 0)
			fail_msg("killed at stop %d, the log is:\n%s", stops, got.ptr);
		buf_release(&said);
		buf_release(&wanted);
		buf_release(&got);
		place_release(&p);
	}
	assert_true(stops > 50 && stops < STOPS_MAX);
}

static void a_kill_anywhere_changes_no_line(void **state)
{
	(void)state;
	walk((struct logfile_shape){ .format = NULL }, "");
}

static void nor_of_a_log_with_times(void **state)
{
	(void)state;
	walk((struct logfile_shape){ .format = "[T]" }, "T: ");
}

static void nor_of_one_that_is_rotated(void **state)
{
	(void)state;
	walk((struct logfile_shape){ .policy = { .max_size_bytes = 150, .max_files = 90 } }, "");
}

/* --- marks ---------------------------------------------------------------------------------------------------------- */

static size_t marks_of(const char *log, struct mark *marks, size_t max)
{
	struct buf path = BUF_INIT;
	struct buf bytes = BUF_INIT;
	size_t count = 0;

	marks_path(&path, log);
	if (file_exists(path.ptr))
		assert_int_equal(file_read(path.ptr, 1 << 20, &bytes, NULL), 0);
	for (size_t at = 0; at + MARK_SIZE <= bytes.len && count < max; at += MARK_SIZE)
		assert_true(mark_read(&marks[count++], bytes.ptr + at));
	buf_release(&bytes);
	buf_release(&path);
	return count;
}

static void marks_turn_with_their_log(void **state)
{
	struct place p;
	struct buf said = BUF_INIT;
	struct mark marks[100];
	char older[128];

	(void)state;
	place_init(&p, (struct logfile_shape){ .policy = { .max_size_bytes = 150, .max_files = 2 } });
	say_lines(&p, &said);
	assert_int_equal(take_all(&p, NULL, NULL), 0);
	for (int i = 0; i < 4; i++) {
		size_t count = 0;

		snprintf(older, sizeof(older), i ? "%s.%d" : "%s", p.log, i);
		count = marks_of(older, marks, 100);
		assert_int_equal(count, i < 3 ? 1 : 0);
		if (!count)
			continue;
		assert_int_equal(marks[0].offset, 0);
		assert_int_equal(marks[0].app, 1);
		assert_int_equal(marks[0].instance, 2);
		assert_int_equal(marks[0].run, 3);
		assert_int_equal(marks[0].kind, MARK_OUT);
	}
	buf_release(&said);
	place_release(&p);
}

static void a_killed_rotation_keeps_marks_and_log_together(void **state)
{
	struct place p;
	struct mark marks[10] = { { .offset = 0 } };
	struct buf from = BUF_INIT;
	struct buf to = BUF_INIT;
	char older[128];

	(void)state;
	place_init(&p, (struct logfile_shape){ .format = NULL });
	say(&p, "one\n");
	assert_int_equal(take_all(&p, NULL, NULL), 0);
	/* As a kill between the two renames leaves it. */
	snprintf(older, sizeof(older), "%s.1", p.log);
	marks_path(&from, p.log);
	marks_path(&to, older);
	assert_int_equal(rename(from.ptr, to.ptr), 0);
	say(&p, "two\n");
	assert_int_equal(take_all(&p, NULL, NULL), 0);
	assert_true(marks_of(p.log, marks, 10) >= 1);
	assert_int_equal(marks[0].offset, 0);
	assert_false(file_exists(to.ptr));
	buf_release(&from);
	buf_release(&to);
	place_release(&p);
}

static void marks_of_another_log_are_dropped(void **state)
{
	struct place p;
	struct mark marks[10] = { { .offset = 0 } };

	(void)state;
	place_init(&p, (struct logfile_shape){ .format = NULL });
	say(&p, "a log of some length\n");
	assert_int_equal(take_all(&p, NULL, NULL), 0);
	assert_int_equal(unlink(p.log), 0);
	say(&p, "one\n");
	assert_int_equal(take_all(&p, NULL, NULL), 0);
	assert_int_equal(marks_of(p.log, marks, 10), 1);
	assert_int_equal(marks[0].offset, 0);
	place_release(&p);
}

/* --- what others hear -------------------------------------------------------------------------------------------------- */

struct heard {
	int written, begun, trouble;
	char words[512];
};

static void on_written(void *context, const char *path)
{
	struct heard *h = context;

	assert_non_null(strstr(path, "/api.log"));
	h->written++;
}

static void on_begun(void *context, const char *path)
{
	struct heard *h = context;

	assert_non_null(strstr(path, "/api.log"));
	h->begun++;
}

static void on_trouble(void *context, const char *name, const char *words)
{
	struct heard *h = context;

	assert_string_equal(name, "api:2");
	h->trouble++;
	snprintf(h->words, sizeof(h->words), "%s", words);
}

static const struct stream_calls calls = {
	.written = on_written,
	.begun = on_begun,
	.trouble = on_trouble,
};

static void followers_hear_of_lines_and_of_turns(void **state)
{
	struct place p;
	struct buf said = BUF_INIT;
	struct heard heard = { 0 };

	(void)state;
	place_init(&p, (struct logfile_shape){ .policy = { .max_size_bytes = 300, .max_files = 2 } });
	say_lines(&p, &said);
	assert_int_equal(take_all(&p, &calls, &heard), 0);
	assert_true(heard.begun >= 1 && heard.begun < heard.written);
	assert_int_equal(heard.trouble, 0);
	buf_release(&said);
	place_release(&p);
}

static void trouble_is_told_once(void **state)
{
	struct place p;
	struct buf said = BUF_INIT;
	struct heard heard = { 0 };

	(void)state;
	place_init(&p, (struct logfile_shape){ .format = NULL });
	assert_int_equal(mkdir(p.log, 0700), 0);
	say_lines(&p, &said);
	assert_int_equal(take_all(&p, &calls, &heard), said.len);
	assert_int_equal(heard.trouble, 1);
	assert_non_null(strstr(heard.words, "Is a directory"));
	assert_int_equal(rmdir(p.log), 0);
	buf_release(&said);
	place_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a kill before or after any system call loses no line and doubles none",
			a_kill_anywhere_changes_no_line),
		PROMISE("a kill anywhere gives each line one time", nor_of_a_log_with_times),
		PROMISE("a kill anywhere in a rotation loses no line and doubles none",
			nor_of_one_that_is_rotated),
		PROMISE("marks turn with their log, and go with it", marks_turn_with_their_log),
		PROMISE("a rotation that was cut off keeps a log and its marks together",
			a_killed_rotation_keeps_marks_and_log_together),
		PROMISE("a log that was deleted leaves no marks to the next",
			marks_of_another_log_are_dropped),
		PROMISE("those who follow hear of lines and of rotations",
			followers_hear_of_lines_and_of_turns),
		PROMISE("what cannot be written is reported once, and counted", trouble_is_told_once),
	};

	return cmocka_run_group_tests_name("logfile", tests, NULL, NULL);
}
