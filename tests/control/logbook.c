#include "logbook.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "unit.h"

enum { MOST = 64 * 1024 };

static char folder[32];
char logbook_paths[LOGBOOK_PATHS][64];

const struct logs_query logbook_all = {
	.lines = LOGS_ALL,
	.since_ms = INT64_MIN,
	.until_ms = INT64_MAX,
	.kinds = 1 << MARK_OUT | 1 << MARK_ERR,
};

void logbook_append(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "ab");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* One write of a service, as the daemon does it: a mark, then the bytes. */
void logbook_say_in_run(
	const char *path, const char *id, enum mark_kind kind, uint32_t run, int64_t at, const char *text)
{
	const char *colon = strchr(id, ':');
	char *app = mem_strndup(id, (size_t)(colon - id));
	int64_t number = 0;
	bool is_number = str_to_int(colon + 1, &number);
	struct mark mark = {
		.offset = size_of(path),
		.wall_ms = at,
		.app = mark_app(app),
		.instance = (uint16_t)number,
		.kind = kind,
		.run = run,
	};
	struct buf bytes = BUF_INIT;
	struct buf marks = BUF_INIT;

	assert_true(is_number);
	mark_write(&bytes, &mark);
	marks_path(&marks, path);
	logbook_append(marks.ptr, bytes.ptr, bytes.len);
	logbook_append(path, text, strlen(text));
	buf_release(&bytes);
	buf_release(&marks);
	mem_free(app);
}

void logbook_say(const char *path, const char *id, enum mark_kind kind, int64_t at, const char *text)
{
	logbook_say_in_run(path, id, kind, 1, at, text);
}

static void sibling(struct buf *out, const char *path, int number)
{
	buf_adds(out, path);
	if (number)
		buf_addf(out, ".%d", number);
}

static void move(const char *path, int from)
{
	struct buf old = BUF_INIT;
	struct buf new = BUF_INIT;
	struct buf old_marks = BUF_INIT;
	struct buf new_marks = BUF_INIT;

	sibling(&old, path, from);
	sibling(&new, path, from + 1);
	marks_path(&old_marks, old.ptr);
	marks_path(&new_marks, new.ptr);
	(void)rename(old_marks.ptr, new_marks.ptr);
	if (rename(old.ptr, new.ptr) < 0) {
		buf_adds(&old, ".gz");
		buf_adds(&new, ".gz");
		(void)rename(old.ptr, new.ptr);
	}
	buf_release(&old);
	buf_release(&new);
	buf_release(&old_marks);
	buf_release(&new_marks);
}

void logbook_rotate(const char *path)
{
	for (int number = 9; number >= 0; number--)
		move(path, number);
}

void logbook_compress(const char *path, int number)
{
	struct buf plain = BUF_INIT;
	struct buf packed = BUF_INIT;
	char bytes[4096];
	FILE *in = NULL;
	gzFile out = NULL;
	size_t len = 0;

	sibling(&plain, path, number);
	buf_addf(&packed, "%s.gz", plain.ptr);
	in = fopen(plain.ptr, "rb");
	out = gzopen(packed.ptr, "wb");
	assert_non_null(in);
	assert_non_null(out);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(gzwrite(out, bytes, (unsigned int)len), len);
	fclose(in);
	assert_int_equal(gzclose(out), Z_OK);
	assert_int_equal(unlink(plain.ptr), 0);
	buf_release(&plain);
	buf_release(&packed);
}

void logbook_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("'%s' is not in '%s'", words, text);
}

void logbook_line(void *context, const struct logs_line *l)
{
	struct buf *out = context;

	buf_addf(out, "%s%s%s ", l->id, *l->stream == 'o' ? "" : " ", *l->stream == 'o' ? "" : l->stream);
	if (l->line.is_continued)
		buf_adds(out, "...");
	buf_add(out, l->line.bytes, l->line.len);
	buf_adds(out, l->line.goes_on ? "...\n" : "\n");
}

enum logs_got logbook_read(struct logs *l, struct buf *out)
{
	enum logs_got got = LOGS_MORE;

	for (int turns = 0; got == LOGS_MORE; turns++) {
		assert_true(turns < 100000);
		got = logs_read(l, MOST, logbook_line, out);
	}
	return got;
}

struct logs *logbook_open(const struct logs_query *q)
{
	return logs_new(q);
}

void logbook_expect_more(struct logs *l, const char *text)
{
	struct buf out = BUF_INIT;

	(void)logbook_read(l, &out);
	assert_string_equal(out.ptr, text);
	buf_release(&out);
}

/* api:0 and api:1, one log each, and errors of api:0. */
struct logs *logbook_ask(const struct logs_query *q)
{
	struct logs *l = logbook_open(q);

	logs_add(l, &(struct log_location){ .path = logbook_paths[0] }, "api", 0, MARK_OUT);
	logs_add(l, &(struct log_location){ .path = logbook_paths[1] }, "api", 1, MARK_OUT);
	logs_add(l, &(struct log_location){ .path = logbook_paths[2] }, "api", 0, MARK_ERR);
	return l;
}

void logbook_expect(const struct logs_query *q, const char *text)
{
	struct logs *l = logbook_ask(q);

	logbook_expect_more(l, text);
	logs_free(l);
}

int logbook_begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/oxherd-logs-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(logbook_paths[0], sizeof(logbook_paths[0]), "%s/api-0-out.log", folder);
	snprintf(logbook_paths[1], sizeof(logbook_paths[1]), "%s/api-1-out.log", folder);
	snprintf(logbook_paths[2], sizeof(logbook_paths[2]), "%s/api-0-err.log", folder);
	snprintf(logbook_paths[3], sizeof(logbook_paths[3]), "%s/all.log", folder);
	return 0;
}

/* Flat: there are no folders in it. */
int logbook_end(void **state)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry = NULL;

	(void)state;
	/* cppcheck-suppress readdirCalled */
	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	return rmdir(folder);
}

void logbook_say_some(void)
{
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\ntwo\n");
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 1500, "eins\n");
	logbook_say(logbook_paths[2], "api:0", MARK_ERR, 1600, "oh no\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 2000, "three\n");
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 2500, "zwei\n");
}
