#include "os/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

enum { SCRIPTS_MAX = 4, HEADERS_MAX = 64, NOTES_MAX = 16, HEAD_MAX = 256 };

static bool read_at(int fd, void *bytes, size_t size, off_t at)
{
	return pread(fd, bytes, size, at) == (ssize_t)size;
}

/* What stands in a note: a number of bytes, to the next full word. */
static off_t padded(uint32_t len)
{
	return ((off_t)len + 3) & ~(off_t)3;
}

/* What Go's linker notes of its build, perhaps among the notes of others. */
static bool has_go_note(int fd, const ElfW(Phdr) * header)
{
	off_t at = (off_t)header->p_offset;
	off_t end = at + (off_t)header->p_filesz;
	struct {
		ElfW(Nhdr) head;
		char name[4];
	} note;

	if (header->p_type != PT_NOTE)
		return false;
	for (int i = 0; i < NOTES_MAX && at >= 0 && at < end && read_at(fd, &note, sizeof(note), at); i++) {
		if (note.head.n_namesz == sizeof(note.name) && !memcmp(note.name, "Go\0", sizeof(note.name)))
			return true;
		at += (off_t)sizeof(note.head) + padded(note.head.n_namesz) + padded(note.head.n_descsz);
	}
	return false;
}

static enum program_file kind_of_elf(int fd, const ElfW(Ehdr) * elf)
{
	enum program_file kind = PROGRAM_FILE_STATIC;
	ElfW(Phdr) header;

	if (elf->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
		elf->e_phentsize != sizeof(header) || elf->e_phnum > HEADERS_MAX)
		return PROGRAM_FILE_UNKNOWN;
	for (int i = 0; i < elf->e_phnum; i++) {
		off_t at = (off_t)elf->e_phoff + (off_t)i * (off_t)sizeof(header);

		if (!read_at(fd, &header, sizeof(header), at))
			return PROGRAM_FILE_UNKNOWN;
		if (has_go_note(fd, &header))
			return PROGRAM_FILE_GO;
		if (header.p_type == PT_INTERP)
			kind = PROGRAM_FILE_DYNAMIC;
	}
	return kind;
}

/* "#!/usr/bin/env node": the interpreter's path, which ends at the first blank. */
static bool is_script(char *head)
{
	size_t skip = 2;

	if (head[0] != '#' || head[1] != '!')
		return false;
	skip += strspn(head + skip, " \t");
	memmove(head, head + skip, strlen(head + skip) + 1);
	head[strcspn(head, " \t\r\n")] = '\0';
	return *head == '/';
}

/* Only a regular file: to open another may do something. */
static int open_file(const char *path)
{
	struct stat st;
	int fd = -1;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_close(&fd);
	return fd;
}

/* True: it is a script, and its interpreter is in `head`. */
static bool look(const char *path, char head[HEAD_MAX], enum program_file *kind)
{
	ElfW(Ehdr) elf;
	int fd = open_file(path);
	ssize_t got = fd < 0 ? -1 : pread(fd, head, HEAD_MAX - 1, 0);

	head[got < 0 ? 0 : got] = '\0';
	if (got >= (ssize_t)sizeof(elf) && !memcmp(head, ELFMAG, SELFMAG)) {
		memcpy(&elf, head, sizeof(elf));
		*kind = kind_of_elf(fd, &elf);
	}
	fd_close(&fd);
	return is_script(head);
}

enum program_file program_file_kind(const char *path)
{
	enum program_file kind = PROGRAM_FILE_UNKNOWN;
	char heads[2][HEAD_MAX];

	for (int i = 0; i < SCRIPTS_MAX && look(path, heads[i & 1], &kind); i++)
		path = heads[i & 1];
	return kind;
}
