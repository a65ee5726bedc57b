#include "os/git.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "os/file.h"
#include "os/rights.h"

enum {
	LINE_MAX_BYTES = 4096,
	PACKED_MAX_BYTES = 4 * 1024 * 1024, /* some 60,000 refs; with more, the commit is not told */
	LINKS_MAX = 5,                      /* from one symbolic ref to the next */
	FOLDERS_MAX = 64,                   /* upwards */
};

/* The first line of a small file; NULL where there is none. */
static char *read_first_line(const char *folder, const char *name)
{
	char *path = path_join(folder, name);
	struct buf text = BUF_INIT;
	char *line = NULL;

	if (file_read(path, LINE_MAX_BYTES, &text, NULL) == 0 && text.len)
		line = mem_strndup(text.ptr, strcspn(text.ptr, "\r\n"));
	buf_release(&text);
	mem_free(path);
	return line;
}

static size_t hex_len(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len == 40 || len == 64 ? len : 0;
}

static bool has_git(const char *folder)
{
	char *path = path_join(folder, ".git");
	struct stat st;
	bool has = stat(path, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode));

	mem_free(path);
	return has;
}

/* Of a work tree's folder: .git is a folder, or a file that names one.  NULL: it is no work tree. */
static char *find_git(const char *folder)
{
	char *path = path_join(folder, ".git");
	char *line = NULL;
	char *found = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		found = mem_strdup(path);
	} else {
		line = read_first_line(folder, ".git");
		if (line && str_starts(line, "gitdir: "))
			found = path_join(folder, line + strlen("gitdir: "));
	}
	mem_free(line);
	mem_free(path);
	return found;
}

/* The rights of its owner, unless that is root or our user: in a folder that others may write to, anybody can make a .git that leads anywhere. */
static struct rights *rights_of_git(const char *folder)
{
	char *path = path_join(folder, ".git");
	struct rights *owner = NULL;
	struct stat st;
	bool is_found = lstat(path, &st) == 0;

	/* Root's link to another user's. */
	if (is_found && st.st_uid == 0)
		is_found = stat(path, &st) == 0;
	if (is_found && st.st_uid != 0 && st.st_uid != geteuid())
		owner = rights_new("the owner of .git", st.st_uid, st.st_gid, NULL, 0);
	mem_free(path);
	return owner;
}

/* Where refs are that all work trees of one repository share. */
static char *common_folder(const char *git)
{
	char *line = read_first_line(git, "commondir");
	char *folder = line && *line ? path_join(git, line) : mem_strdup(git);

	mem_free(line);
	return folder;
}

/* "1a2b… refs/heads/main" in a file of many. */
static char *find_packed(const char *common, const char *ref)
{
	char *path = path_join(common, "packed-refs");
	struct buf text = BUF_INIT;
	char *commit = NULL;
	size_t ref_len = strlen(ref);

	if (file_read(path, PACKED_MAX_BYTES, &text, NULL) == 0)
		for (const char *at = text.ptr; *at && !commit;) {
			size_t len = strcspn(at, "\n");
			size_t hex = hex_len(at);

			if (hex && len == hex + 1 + ref_len && at[hex] == ' ' &&
				!memcmp(at + hex + 1, ref, ref_len))
				commit = mem_strndup(at, hex);
			at += len + (at[len] == '\n');
		}
	buf_release(&text);
	mem_free(path);
	return commit;
}

static bool is_ref(const char *name)
{
	return str_starts(name, "refs/") && !strstr(name, "..");
}

static char *find_commit(const char *git, const char *common)
{
	char *line = read_first_line(git, "HEAD");
	char *commit = NULL;

	for (int links = 0; line && !commit && links < LINKS_MAX; links++) {
		char *ref = NULL;
		size_t hex = hex_len(line);

		if (hex) {
			commit = mem_strndup(line, hex);
			break;
		}
		if (!str_starts(line, "ref: ") || !is_ref(line + strlen("ref: ")))
			break;
		ref = mem_strdup(line + strlen("ref: "));
		mem_free(line);
		line = read_first_line(git, ref);
		if (!line)
			line = read_first_line(common, ref);
		if (!line)
			commit = find_packed(common, ref);
		mem_free(ref);
	}
	mem_free(line);
	return commit;
}

static char *commit_of(const char *folder)
{
	char *git = find_git(folder);
	char *common = git ? common_folder(git) : NULL;
	char *commit = git ? find_commit(git, common) : NULL;

	mem_free(git);
	mem_free(common);
	return commit;
}

char *git_commit(const char *folder, bool as_root, char **tree)
{
	char *at = mem_strdup(folder);
	struct rights *owner = NULL;
	char *commit = NULL;
	bool has = false;

	*tree = NULL;
	for (int up = 0; up < FOLDERS_MAX; up++) {
		char *above = NULL;

		has = has_git(at);
		if (has || !strcmp(at, "/"))
			break;
		above = path_folder(at);
		mem_free(at);
		at = above;
	}
	if (has && as_root && geteuid() == 0)
		owner = rights_of_git(at);
	if (has && rights_take(owner) == 0) {
		commit = commit_of(at);
		rights_return(owner);
	}
	rights_free(owner);
	if (commit)
		*tree = at;
	else
		mem_free(at);
	return commit;
}
