/*
 * Paths as text; nothing here looks at a disk.
 */
#ifndef OX_BASE_PATH_H
#define OX_BASE_PATH_H

#include <stdbool.h>

/*
 * `name` if it is absolute, else folder/name, with "." and doubled slashes tidied; ".." stays, as links may
 * stand before it.
 */
char *path_join(const char *folder, const char *name);
/*
 * The same for an absolute path without "..": each takes out the part before it, as a shell's `cd` has it, whatever a link there leads to.
 */
char *path_without_dots(const char *path);
/* The folder part: "/a" of "/a/b", "." of "b", "/" of "/b". */
char *path_folder(const char *path);
/* Borrowed: what follows the last slash. */
const char *path_base(const char *path);

#endif
