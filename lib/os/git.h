/*
 * Git, as far as its files tell without running it: which commit a folder stands on.
 */
#ifndef OX_OS_GIT_H
#define OX_OS_GIT_H

/*
 * The commit of the work tree that `folder` (absolute, without links) is in: 40 or 64 hex digits, to be freed; *tree gets the work tree's own
 * folder, to be freed too.  NULL where there is none, or it cannot be told: nothing but such digits ever comes from a file.
 */
char *git_commit(const char *folder, char **tree);

#endif
