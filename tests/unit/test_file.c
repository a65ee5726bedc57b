#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "unit.h"

enum { MB = 1024 * 1024 };

/* Each test has a folder of its own; its paths are made by in_folder() and freed with it. */
static char *folder;
static char *last_path;

static const char *in_folder(const char *name)
{
	mem_free(last_path);
	last_path = path_join(folder, name);
	return last_path;
}

static int make_folder(void **state)
{
	const char *above = getenv("TMPDIR");

	(void)state;
	folder = path_join(above ? above : "/tmp", "oxherd-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	mem_free(folder);
	mem_free(last_path);
	folder = last_path = NULL;
	return 0;
}

static size_t entries;

static int count_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)st;
	(void)kind;
	entries += at->level == 1;
	return 0;
}

static size_t count_entries(void)
{
	entries = 0;
	nftw(folder, count_entry, 8, FTW_PHYS);
	return entries;
}

static void writes(const char *name, const char *text)
{
	assert_int_equal(file_write(in_folder(name), text, strlen(text), 0644, NULL), 0);
}

static void holds(const char *name, const char *text)
{
	struct buf out = BUF_INIT;

	assert_int_equal(file_read(in_folder(name), MB, &out, NULL), 0);
	assert_string_equal(out.ptr, text);
	buf_release(&out);
}

/* `before` and `after` stand around the quoted path. */
static void cannot_read(const char *name, size_t size_max, const char *before, const char *after)
{
	struct buf out = BUF_INIT;
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;

	buf_adds(&out, "kept");
	assert_int_equal(file_read(in_folder(name), size_max, &out, &e), -1);
	buf_addf(&words, "%s '%s': %s", before, last_path, after);
	assert_string_equal(e.text.ptr, words.ptr);
	assert_string_equal(out.ptr, "kept");
	buf_release(&words);
	buf_release(&out);
	err_release(&e);
}

static void reads_what_was_written(void **state)
{
	struct buf big = BUF_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	for (int i = 0; i < MB; i++)
		buf_addc(&big, (char)(i * 7 % 251));
	assert_int_equal(file_write(in_folder("big"), big.ptr, big.len, 0600, NULL), 0);
	buf_adds(&out, ">");
	assert_int_equal(file_read(last_path, MB, &out, NULL), 0);
	assert_int_equal(out.len, MB + 1);
	assert_memory_equal(out.ptr + 1, big.ptr, MB);
	writes("empty", "");
	holds("empty", "");
	buf_release(&out);
	buf_release(&big);
}

static void reads_files_without_a_size(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(file_read("/proc/self/status", MB, &out, NULL), 0);
	assert_non_null(strstr(out.ptr, "Pid:"));
	buf_release(&out);
}

static void make_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(in_folder(name)) < sizeof(address.sun_path));
	memcpy(address.sun_path, last_path, strlen(last_path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void refuses_what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_folder("d"), 0700), 0);
	assert_int_equal(mkfifo(in_folder("p"), 0600), 0);
	make_socket("s");
	assert_int_equal(symlink("d", in_folder("l")), 0);
	cannot_read("d", MB, "cannot read", "it is a folder");
	cannot_read("l", MB, "cannot read", "it is a folder");
	cannot_read("p", MB, "cannot read", "it is a pipe, not a file");
	cannot_read("s", MB, "cannot read", "it is a socket, not a file");
	cannot_read("/dev/null", MB, "cannot read", "it is a device, not a file");
	cannot_read("none", MB, "cannot open", "No such file or directory");
}

/* As a device would be used by it. */
static void opens_nothing_but_files(void **state)
{
	struct buf out = BUF_INIT;
	char event[sizeof(struct inotify_event) + NAME_MAX + 1];
	int fd = inotify_init1(IN_NONBLOCK);
	const char *path = in_folder("p");

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(inotify_add_watch(fd, path, IN_OPEN) >= 0);
	assert_int_equal(file_read(path, MB, &out, NULL), -1);
	assert_int_equal(read(fd, event, sizeof(event)), -1);
	close(fd);
	buf_release(&out);
}

static void refuses_what_is_too_large(void **state)
{
	(void)state;
	writes("x", "12345");
	cannot_read("x", 4, "cannot read", "it is larger than 4 bytes (5 bytes)");
	/* A hole takes no room: nothing could have been read of it in so little time. */
	assert_int_equal(truncate(last_path, 64LL * MB), 0);
	cannot_read("x", MB, "cannot read", "it is larger than 1 MB (67108864 bytes)");
	cannot_read("x", 64 * 1024, "cannot read", "it is larger than 64 KB (67108864 bytes)");
	/* Here nobody knows the size before. */
	cannot_read("/proc/self/status", 10, "cannot read", "it is larger than 10 bytes");
}

static void reads_a_pipe_to_its_end(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int ends[2];

	(void)state;
	for (size_t size_max = 3; size_max < 6; size_max++) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(write(ends[1], "1234", 4), 4);
		close(ends[1]);
		buf_clear(&out);
		assert_int_equal(
			file_read_stream(ends[0], "stdin", size_max, &out, &e), size_max < 4 ? -1 : 0);
		assert_string_equal(out.ptr, size_max < 4 ? "" : "1234");
		close(ends[0]);
	}
	assert_string_equal(e.text.ptr, "cannot read 'stdin': it is larger than 3 bytes");
	assert_int_equal(file_read_stream(-1, "stdin", 10, &out, &e), -1);
	assert_string_equal(e.text.ptr, "cannot read 'stdin': Bad file descriptor");
	buf_release(&out);
	err_release(&e);
}

static unsigned int mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(in_folder(name), &st), 0);
	return st.st_mode & 07777;
}

static void keeps_the_mode(void **state)
{
	mode_t before = umask(027);

	(void)state;
	assert_int_equal(file_write(in_folder("new"), "x", 1, 0666, NULL), 0);
	assert_int_equal(mode_of("new"), 0640);
	assert_int_equal(chmod(last_path, 0604), 0);
	writes("new", "y");
	assert_int_equal(mode_of("new"), 0604);
	holds("new", "y");
	umask(before);
}

static void keeps_the_one_before(void **state)
{
	char *previous = path_join(folder, "x.before");
	const char *const texts[] = { "one", "two", "three" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			file_write_keeping(in_folder("x"), previous, texts[i], strlen(texts[i]), 0600, NULL),
			0);
		holds("x", texts[i]);
		if (i)
			holds("x.before", texts[i - 1]);
		else
			assert_false(file_exists(previous));
		assert_int_equal(count_entries(), i ? 2 : 1);
	}
	/* A place that takes nothing does not keep the new one back. */
	assert_int_equal(remove(previous), 0);
	assert_int_equal(mkdir(previous, 0700), 0);
	assert_int_equal(file_write_keeping(in_folder("x"), previous, "four", 4, 0600, NULL), 0);
	holds("x", "four");
	assert_int_equal(count_entries(), 2);
	mem_free(previous);
}

static void leaves_nothing_beside(void **state)
{
	struct stat old;
	struct stat now;

	(void)state;
	writes("x", "one");
	assert_int_equal(stat(in_folder("x"), &old), 0);
	writes("x", "two");
	assert_int_equal(stat(in_folder("x"), &now), 0);
	assert_true(old.st_ino != now.st_ino);
	assert_int_equal(count_entries(), 1);
}

static void follows_links(void **state)
{
	char link[64] = "";

	(void)state;
	assert_int_equal(mkdir(in_folder("d"), 0700), 0);
	writes("d/real", "old");
	assert_int_equal(symlink("d/middle", in_folder("link")), 0);
	assert_int_equal(symlink("real", in_folder("d/middle")), 0);
	writes("link", "new");
	holds("d/real", "new");
	assert_int_equal(readlink(in_folder("link"), link, sizeof(link) - 1), 8);
	assert_string_equal(link, "d/middle");
	/* One that leads nowhere yet. */
	assert_int_equal(symlink("d/later", in_folder("dangling")), 0);
	writes("dangling", "made");
	holds("d/later", "made");
}

static void cannot_write(const char *name, const char *after)
{
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(file_write(in_folder(name), "x", 1, 0644, &e), -1);
	buf_addf(&words, "cannot write '%s': %s", last_path, after);
	assert_string_equal(e.text.ptr, words.ptr);
	buf_release(&words);
	err_release(&e);
}

static void fails_whole(void **state)
{
	struct buf name = BUF_INIT;

	(void)state;
	assert_int_equal(mkdir(in_folder("d"), 0700), 0);
	assert_int_equal(mkfifo(in_folder("p"), 0600), 0);
	assert_int_equal(symlink("loop", in_folder("loop")), 0);
	cannot_write("d", "it is a folder");
	cannot_write("p", "it is a pipe, not a file");
	cannot_write("/dev/null", "it is a device, not a file");
	cannot_write("none/x", "No such file or directory");
	cannot_write("loop", "Too many levels of symbolic links");
	/* The temporary file can be made, but the name is too long to take. */
	buf_fill(&name, 'n', 256);
	cannot_write(name.ptr, "File name too long");
	assert_int_equal(count_entries(), 3);
	buf_release(&name);
}

static void steps_aside_for_leftovers(void **state)
{
	struct buf name = BUF_INIT;

	(void)state;
	buf_addf(&name, ".oxherd-%ld-0", (long)getpid());
	writes("x", "old");
	assert_int_equal(symlink("x", in_folder(name.ptr)), 0);
	writes("x", "new");
	holds("x", "new");
	assert_int_equal(count_entries(), 2);
	buf_release(&name);
}

static void knows_what_is_there(void **state)
{
	(void)state;
	assert_false(file_exists(in_folder("x")));
	writes("x", "");
	assert_true(file_exists(in_folder("x")));
}

#define IN_FOLDER(sentence, function)                                                                        \
	{                                                                                                    \
		.name = (sentence), .test_func = (function), .setup_func = make_folder,                      \
		.teardown_func = remove_folder,                                                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER("a file is read as it was written, up to the limit", reads_what_was_written),
		IN_FOLDER("a file that claims to have no size is read all the same",
			reads_files_without_a_size),
		IN_FOLDER("what is no file is refused by its kind, without waiting", refuses_what_is_no_file),
		IN_FOLDER("what is no file is not opened", opens_nothing_but_files),
		IN_FOLDER("what is too large is refused by its size, without reading",
			refuses_what_is_too_large),
		IN_FOLDER("a pipe is read to its end, up to the limit", reads_a_pipe_to_its_end),
		IN_FOLDER("an old file's mode stays; a new one's is less the umask", keeps_the_mode),
		IN_FOLDER("a file is replaced, not rewritten, and nothing is left beside it",
			leaves_nothing_beside),
		IN_FOLDER("what a file held before is kept under another name, if that name can be had",
			keeps_the_one_before),
		IN_FOLDER("a link stays, and what it leads to is written", follows_links),
		IN_FOLDER("a write that fails leaves nothing behind", fails_whole),
		IN_FOLDER("what a killed writer left is neither used nor in the way",
			steps_aside_for_leftovers),
		IN_FOLDER("a file that is there exists", knows_what_is_there),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
