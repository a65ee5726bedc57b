/*
 * Git, as far as its files tell without running it: which commit a folder stands on.
 */
#ifndef OX_OS_GIT_H
#define OX_OS_GIT_H

#include <stdbool.h>

/*
 * The commit of the work tree that `folder` (absolute, without links) is in: 40 or 64 hex digits, to be freed; *tree gets the work tree's own
 * folder, to be freed too.  NULL where there is none, or it is unknown: nothing but such digits ever comes from a file.
 * `as_root`: nobody's rights were taken; then what belongs to somebody else is read with that user's.
 */
char *git_commit(const char *folder, bool as_root, char **tree);

#endif
