/* What the first bytes of an executable tell. */
#include "os/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char folder[64];

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/program-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return rmdir(folder);
}

static enum program_file kind_of(const void *bytes, size_t len)
{
	char path[128];
	enum program_file kind = PROGRAM_FILE_UNKNOWN;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/program", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
	kind = program_file_kind(path);
	assert_int_equal(unlink(path), 0);
	return kind;
}

static enum program_file kind_of_text(const char *text)
{
	return kind_of(text, strlen(text));
}

static void the_usual_ones(void **state)
{
	(void)state;
	assert_int_equal(program_file_kind("/proc/self/exe"), PROGRAM_FILE_DYNAMIC);
	assert_int_equal(program_file_kind("/bin/sh"), PROGRAM_FILE_DYNAMIC);
}

static void scripts(void **state)
{
	(void)state;
	assert_int_equal(kind_of_text("#!/bin/sh\necho\n"), PROGRAM_FILE_DYNAMIC);
	assert_int_equal(kind_of_text("#! \t/usr/bin/env node\n"), PROGRAM_FILE_DYNAMIC);
	assert_int_equal(kind_of_text("#!/bin/sh"), PROGRAM_FILE_DYNAMIC);
	assert_int_equal(kind_of_text("#!sh\n"), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(kind_of_text("#!/no/such/program\n"), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(kind_of_text("#!"), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(kind_of_text(""), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(kind_of_text("echo\n"), PROGRAM_FILE_UNKNOWN);
}

/* Its own interpreter, without end. */
static void a_script_of_itself(void **state)
{
	char text[160];

	(void)state;
	(void)snprintf(text, sizeof(text), "#!%s/program\n", folder);
	assert_int_equal(kind_of_text(text), PROGRAM_FILE_UNKNOWN);
}

/* Our own program's first bytes, and what is changed in them. */
static void what_is_broken(void **state)
{
	unsigned char bytes[4096];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(close(fd), 0);
	assert_int_equal(got, (ssize_t)sizeof(bytes));
	assert_int_equal(kind_of(bytes, sizeof(bytes)), PROGRAM_FILE_DYNAMIC);
	for (size_t len = 0; len < 200; len++)
		assert_int_not_equal(kind_of(bytes, len), PROGRAM_FILE_DYNAMIC);
	for (size_t at = 4; at < 64; at++) {
		unsigned char before = bytes[at];

		bytes[at] = 0xff;
		(void)kind_of(bytes, sizeof(bytes));
		bytes[at] = before;
	}
}

/* A header, an interpreter, and notes of two: the second one is Go's. */
static void a_program_of_go(void **state)
{
	struct {
		ElfW(Ehdr) elf;
		ElfW(Phdr) headers[2];
		struct {
			ElfW(Nhdr) head;
			char name[4];
			char bytes[8];
		} notes[2];
	} file = {
		.elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				 sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32 },
			.e_phoff = sizeof(ElfW(Ehdr)),
			.e_phentsize = sizeof(ElfW(Phdr)),
			.e_phnum = 2 },
		.headers = { { .p_type = PT_INTERP },
			{ .p_type = PT_NOTE, .p_offset = sizeof(ElfW(Ehdr)) + 2 * sizeof(ElfW(Phdr)) } },
		.notes = { { { 4, 7, 1 }, "GNU", "7 bytes" }, { { 4, 8, 4 }, "Go", "8 bytes" } },
	};

	(void)state;
	file.headers[1].p_filesz = sizeof(file.notes);
	assert_int_equal(kind_of(&file, sizeof(file)), PROGRAM_FILE_GO);
	file.headers[1].p_filesz = sizeof(file.notes[0]);
	assert_int_equal(kind_of(&file, sizeof(file)), PROGRAM_FILE_DYNAMIC);
	file.headers[1].p_filesz = sizeof(file.notes);
	memset(&file.notes[0].head, 0xff, sizeof(file.notes[0].head));
	assert_int_equal(kind_of(&file, sizeof(file)), PROGRAM_FILE_DYNAMIC);
	file.elf.e_phnum = 1;
	assert_int_equal(kind_of(&file, sizeof(file)), PROGRAM_FILE_DYNAMIC);
	file.headers[0].p_type = PT_LOAD;
	assert_int_equal(kind_of(&file, sizeof(file)), PROGRAM_FILE_STATIC);
}

static void what_is_no_file(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0755), 0);
	assert_int_equal(program_file_kind(path), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(program_file_kind(folder), PROGRAM_FILE_UNKNOWN);
	assert_int_equal(program_file_kind("/no/such/program"), PROGRAM_FILE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("programs of this machine are dynamic", the_usual_ones),
		PROMISE_IN(begin, end, "a script is what its interpreter is", scripts),
		PROMISE_IN(begin, end, "a script that is its own interpreter is followed a few times only",
			a_script_of_itself),
		PROMISE_IN(begin, end, "a file that is cut or broken is read without harm", what_is_broken),
		PROMISE_IN(begin, end, "a program of Go is known by its note, also where it is dynamic",
			a_program_of_go),
		PROMISE_IN(begin, end, "pipes and folders are not opened", what_is_no_file),
	};

	return cmocka_run_group_tests_name("program file", tests, NULL, NULL);
}
