/*
 * What an executable file is, as far as its first bytes tell.
 */
#ifndef OX_OS_PROGRAM_FILE_H
#define OX_OS_PROGRAM_FILE_H

enum program_file {
	PROGRAM_FILE_UNKNOWN, /* it cannot be read, or is of no known form */
	PROGRAM_FILE_DYNAMIC, /* it names an interpreter, the dynamic linker, which loads libraries */
	PROGRAM_FILE_STATIC,
	PROGRAM_FILE_GO, /* the Go compiler made it, static or not */
};

/* A script is what its interpreter is. */
enum program_file program_file_kind(const char *path);

#endif
