/*
 * What a revision was made of, apart from its definition: where its folder really is, the files that its command names, the commit.  A value:
 * taken from the disk by the engine, compared here.
 *
 * Two builds are compared only by what both have: a file that appeared since, or could not be read, is no change.  Of the files that a command
 * names, only code and settings count (build_is_code()): a database or a log is written by the app itself.
 */
#ifndef OX_MODEL_BUILD_H
#define OX_MODEL_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "model/spec.h"

struct json;

enum {
	BUILD_FILES_MAX = 32, /* of one build */
	BUILD_WORDS_MAX = 64, /* of a command that are looked at */
	BUILD_NAME_MAX = 512, /* a longer word is no file name */
};

struct build_file {
	char *name; /* as the command says it: "dist/server.js", "node" */
	char *path; /* its real path */
	char *at; /* its real folder and its own name there: what a link of that folder led to; NULL: not known */
	int64_t inode, size, mtime_ns;
	bool is_found; /* a program found by PATH: of the machine, not of the app */
};

struct build {
	char *named;  /* the working folder as the definition names it, absolute */
	char *folder; /* its real path; NULL: it is not there */
	struct build_file *files;
	size_t len;
	char *commit; /* of the git work tree around the folder, in hex; NULL: there is none */
	char *tree;   /* that work tree's own folder */
};

struct build *build_new(const char *named);
void build_free(struct build *b);
/* Copies the file; one whose name is there already, or one too many, is left out. */
void build_add(struct build *b, const struct build_file *file);

/*
 * Appends what differs, for people: "current -> releases/2", "dist/server.js", "git commit 1a2b3c4 -> 5d6e7f8".  False, and nothing
 * appended, where nothing does.  Either may be NULL: then nothing is known.  `words` may be NULL.
 */
bool build_differs(const struct build *from, const struct build *to, struct buf *words);
/* Appends what was compared: "definition, .env, dist/server.js, git commit 1a2b3c4". */
void build_compared(
	const struct spec *s, const struct build *from, const struct build *to, struct buf *words);
/* `b` gets what only `now` has, which is the same build: files and a work tree that came later. */
void build_learn(struct build *b, const struct build *now);
/*
 * Is what `was` had gone from the disk?  `now` was looked at in its folder, `running` is what runs instead (or NULL).  Appends what is gone:
 * "releases/1 is gone", "dist/server.js was replaced".  Programs found by PATH do not count: they are the machine's.
 */
bool build_is_lost(
	const struct build *was, const struct build *now, const struct build *running, struct buf *words);
/* Appends its folder, as short as the folder of the definition allows: "releases/1". */
void build_folder_words(const struct build *b, struct buf *words);

/*
 * The path that stands for `name` in a command of this build: where a link in its folders has led to when the build was looked at.  NULL where
 * the name itself leads there, from the folder of the build.
 */
const char *build_place(const struct build *b, const char *name);

/* An object for base/json_emit.h, and back; NULL for what makes no sense. */
void build_write(const struct build *b, const char *key, struct buf *out);
struct build *build_from_json(const struct json *j);

/* A word of a command that may be a file. */
struct build_word {
	char *name;
	char *folder;    /* that a "cd" before it leads to; NULL: none */
	bool is_program; /* it stands where a program stands */
	bool is_whole;   /* it is a word that a process gets so, not a part of one, or of a shell's text */
};
/* Those of the command that are worth a look, as struct build_word *; also inside of `sh -c`, as far as they are known without running a shell. */
void build_words(const struct spec *s, struct vec *words);
void build_word_free(void *word);
/* Does a file of that name count? */
bool build_is_code(const char *name, bool is_executable);

#endif
