#include "os/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/rights.h"
#include "unit.h"

enum { USER = 65533, STRANGER = 65532 };

/* Each test has a folder of its own, which others can pass through. */
static char *top;
static char *last_path;
static struct rights *user;
static struct err e = ERR_INIT;

static const char *in_top(const char *name)
{
	mem_free(last_path);
	last_path = path_join(top, name);
	return last_path;
}

static int begin(void **state)
{
	const gid_t group = USER;

	(void)state;
	top = mem_strdup("/tmp/oxherd-folder-XXXXXX");
	user = rights_new("bob", USER, USER, &group, 1);
	return mkdtemp(top) && chmod(top, 0711) == 0 ? 0 : -1;
}

static int take_away(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int end(void **state)
{
	(void)state;
	(void)nftw(top, take_away, 8, FTW_DEPTH | FTW_PHYS);
	rights_free(user);
	err_release(&e);
	mem_free(top);
	mem_free(last_path);
	top = last_path = NULL;
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void make_folder(const char *name, uid_t owner, mode_t mode)
{
	assert_int_equal(mkdir(in_top(name), 0700), 0);
	assert_int_equal(chown(in_top(name), owner, owner), 0);
	assert_int_equal(chmod(in_top(name), mode), 0);
}

static void make_file(const char *name, uid_t owner, mode_t mode)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, owner, owner), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_link(const char *to, const char *name, uid_t owner)
{
	assert_int_equal(symlink(to, in_top(name)), 0);
	assert_int_equal(lchown(in_top(name), owner, owner), 0);
}

/* The kind of the folder, or minus an errno. */
static int kind_of(const char *name, const struct rights *rights, unsigned int flags)
{
	struct folder f;
	int kind = 0;

	if (folder_open(&f, in_top(name), rights, flags, &e) < 0)
		return -e.number;
	kind = (int)f.kind;
	folder_close(&f);
	return kind;
}

/* 0, or minus an errno. */
static int open_it(const char *name, const struct rights *rights, unsigned int flags, int how)
{
	struct folder f;
	int fd = -1;

	if (folder_open(&f, in_top(name), rights, flags, &e) < 0)
		return -e.number;
	fd = folder_open_file(&f, f.name, how, 0640, &e);
	folder_close(&f);
	if (fd < 0)
		return -e.number;
	close(fd);
	return 0;
}

static uid_t owner_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(in_top(name), &st), 0);
	return st.st_uid;
}

/* --- promises ------------------------------------------------------------------------------------------------------------ */

static void what_nobody_else_can_change_is_ours(void **state)
{
	(void)state;
	make_folder("own", geteuid(), 0755);
	make_link("own", "link", geteuid());
	assert_int_equal(kind_of("own/x", NULL, 0), FOLDER_OWN);
	assert_int_equal(kind_of("link/x", NULL, 0), FOLDER_OWN);
	assert_int_equal(kind_of("own/../own/./x", NULL, 0), FOLDER_OWN);
	assert_int_equal(kind_of("own/none/x", NULL, 0), -ENOENT);
	assert_int_equal(kind_of("own/none/x", NULL, FOLDER_MAKE), FOLDER_OWN);
	assert_int_equal(kind_of("own/none/..", NULL, 0), -EISDIR);
	/* As a log that its administrator has turned elsewhere. */
	make_link("own/real", "log", geteuid());
	assert_int_equal(open_it("log", NULL, FOLDER_FOLLOW_OWN, O_WRONLY | O_CREAT), 0);
	assert_true(file_exists(in_top("own/real")));
	assert_int_equal(open_it("log", NULL, 0, O_WRONLY), -ELOOP);
}

static void links_that_lead_nowhere_end(void **state)
{
	(void)state;
	make_link("two", "one", geteuid());
	make_link("one", "two", geteuid());
	make_link("self/self/self", "self", geteuid());
	assert_int_equal(kind_of("one/x", NULL, 0), -ELOOP);
	assert_int_equal(kind_of("self/x", NULL, 0), -ELOOP);
	assert_int_equal(kind_of("one", NULL, FOLDER_FOLLOW), -ELOOP);
}

static void open_files_of_a_process_can_be_named(void **state)
{
	struct folder f;
	int fd = -1;

	(void)state;
	assert_int_equal(folder_open(&f, "/dev/stdout", NULL, FOLDER_FOLLOW_OWN, &e), 0);
	fd = folder_open_file(&f, f.name, O_WRONLY | O_APPEND, 0, &e);
	/* Where it is a socket nobody can. */
	assert_true(fd >= 0 || e.number == ENXIO || e.number == EACCES);
	fd_close(&fd);
	folder_close(&f);
}

static void in_a_shared_folder_only_plain_files_of_ours_are_opened(void **state)
{
	(void)state;
	need_root();
	make_folder("shared", 0, 0777);
	assert_int_equal(kind_of("shared/x", NULL, 0), FOLDER_SHARED);
	assert_int_equal(open_it("shared/new", NULL, 0, O_RDWR | O_CREAT), 0);
	make_file("shared/theirs", STRANGER, 0666);
	assert_int_equal(open_it("shared/theirs", NULL, 0, O_RDWR), -EPERM);
	make_file("secret", 0, 0600);
	make_link("../secret", "shared/link", STRANGER);
	assert_int_equal(open_it("shared/link", NULL, FOLDER_FOLLOW_OWN, O_RDWR), -ELOOP);
	assert_int_equal(open_it("shared/link", NULL, FOLDER_FOLLOW, O_RDWR), -ELOOP);
	make_link("..", "shared/up", STRANGER);
	assert_int_equal(kind_of("shared/up/secret", NULL, 0), -ELOOP);
	/* One that we made may be followed on the way. */
	make_link("..", "shared/ours", 0);
	assert_int_equal(kind_of("shared/ours/secret", NULL, 0), FOLDER_SHARED);
	/* A folder of ours in it, where nobody else puts links. */
	make_folder("shared/private", 0, 0755);
	make_link("real", "shared/private/log", 0);
	assert_int_equal(open_it("shared/private/log", NULL, FOLDER_FOLLOW_OWN, O_RDWR | O_CREAT), 0);
	make_link("../theirs", "shared/private/out", 0);
	assert_int_equal(open_it("shared/private/out", NULL, FOLDER_FOLLOW_OWN, O_RDWR), -EPERM);
	assert_int_equal(mkfifo(in_top("shared/pipe"), 0666), 0);
	assert_int_equal(chown(in_top("shared/pipe"), STRANGER, STRANGER), 0);
	assert_int_equal(open_it("shared/pipe", NULL, 0, O_RDWR), -EPERM);
}

static void a_second_name_of_a_file_is_not_opened(void **state)
{
	char *secret = NULL;

	(void)state;
	need_root();
	make_folder("shared", 0, 0777);
	make_file("secret", 0, 0600);
	secret = mem_strdup(in_top("secret"));
	assert_int_equal(link(secret, in_top("shared/name")), 0);
	mem_free(secret);
	assert_int_equal(open_it("shared/name", NULL, 0, O_RDWR), -EMLINK);
	assert_int_equal(open_it("secret", NULL, 0, O_RDWR), 0);
	make_folder("home", USER, 0755);
	secret = mem_strdup(in_top("secret"));
	assert_int_equal(link(secret, in_top("home/name")), 0);
	mem_free(secret);
	assert_int_equal(open_it("home/name", user, 0, O_RDWR), -EACCES);
}

static void with_the_sticky_bit_what_is_ours_is_ours(void **state)
{
	(void)state;
	need_root();
	make_folder("tmp", 0, 01777);
	make_folder("tmp/ours", 0, 0755);
	make_folder("tmp/theirs", STRANGER, 0755);
	make_folder("tmp/users", USER, 0755);
	assert_int_equal(kind_of("tmp/ours/x", NULL, 0), FOLDER_OWN);
	assert_int_equal(kind_of("tmp/ours/x", user, 0), FOLDER_OWN);
	assert_int_equal(kind_of("tmp/theirs/x", NULL, 0), -EPERM);
	assert_int_equal(kind_of("tmp/theirs/x", user, 0), -EPERM);
	assert_int_equal(kind_of("tmp/users/x", user, 0), FOLDER_USERS);
	assert_int_equal(kind_of("tmp/x", NULL, 0), FOLDER_SHARED);
	assert_int_equal(kind_of("tmp/x", user, 0), FOLDER_USERS);
	assert_int_equal(open_it("tmp/x", user, 0, O_RDWR | O_CREAT), 0);
	assert_int_equal(owner_of("tmp/x"), USER);
	make_link("ours", "tmp/link", STRANGER);
	assert_int_equal(kind_of("tmp/link/x", NULL, 0), -EPERM);
	assert_int_equal(kind_of("tmp/link/x", user, 0), -EPERM);
	make_file("tmp/file", STRANGER, 0666);
	assert_int_not_equal(open_it("tmp/file", NULL, 0, O_RDWR), 0);
	assert_int_not_equal(open_it("tmp/file", user, 0, O_RDWR), 0);
}

static void a_users_folder_is_touched_with_that_users_rights(void **state)
{
	char *root = NULL;

	(void)state;
	need_root();
	make_folder("home", USER, 0755);
	make_folder("root", 0, 0700);
	make_file("root/secret", 0, 0600);
	assert_int_equal(kind_of("home/x", user, 0), FOLDER_USERS);
	assert_int_equal(open_it("home/a/b/x", user, FOLDER_MAKE, O_RDWR | O_CREAT), 0);
	assert_int_equal(owner_of("home/a"), USER);
	assert_int_equal(owner_of("home/a/b/x"), USER);
	make_link("../root", "home/link", USER);
	assert_int_equal(kind_of("home/link/secret", user, 0), FOLDER_USERS);
	assert_int_equal(open_it("home/link/secret", user, 0, O_RDONLY), -EACCES);
	assert_int_equal(open_it("home/link/made", user, 0, O_WRONLY | O_CREAT), -EACCES);
	make_link("../root/secret", "home/file", USER);
	assert_int_equal(open_it("home/file", user, FOLDER_FOLLOW_OWN, O_RDONLY), -ELOOP);
	assert_int_equal(open_it("home/file", user, FOLDER_FOLLOW, O_RDONLY), -EACCES);
	/* Another's link is not followed, with whomever's rights. */
	make_link("a", "home/strange", STRANGER);
	assert_int_equal(kind_of("home/strange/x", user, 0), -ELOOP);
	/* Once on the user's ground nothing is root's again. */
	root = mem_strdup(in_top("root"));
	make_link(root, "home/whole", USER);
	mem_free(root);
	assert_int_equal(open_it("home/whole/made", user, 0, O_WRONLY | O_CREAT), -EACCES);
}

static void groups_count_as_the_kernel_counts_them(void **state)
{
	const gid_t groups[] = { USER, 70001 };
	struct rights *member = rights_new("carl", USER, USER, groups, 2);

	(void)state;
	if (geteuid() != 0)
		rights_free(member);
	need_root();
	make_folder("group", 0, 0775);
	assert_int_equal(chown(in_top("group"), 0, 70001), 0);
	assert_int_equal(chmod(in_top("group"), 0775), 0);
	/* Others than this user may write there. */
	assert_int_equal(kind_of("group/x", user, 0), FOLDER_SHARED);
	assert_int_equal(kind_of("group/x", member, 0), FOLDER_USERS);
	assert_int_equal(open_it("group/x", member, 0, O_WRONLY | O_CREAT), 0);
	assert_int_equal(owner_of("group/x"), USER);
	rights_free(member);
}

static void a_user_that_is_not_there_can_do_nothing(void **state)
{
	struct rights *nobody = rights_find("no-such-user-at-all", NULL);

	(void)state;
	assert_int_equal(nobody->uid, RIGHTS_NOBODY);
	assert_int_equal(rights_take(nobody), -1);
	make_folder("open", geteuid(), 0777);
	assert_int_equal(kind_of("open/x", nobody, 0), FOLDER_USERS);
	assert_int_equal(open_it("open/x", nobody, 0, O_WRONLY | O_CREAT), -EPERM);
	assert_non_null(strstr(e.text.ptr, "there is no user 'no-such-user-at-all'"));
	rights_free(nobody);
	assert_null(rights_find(NULL, NULL));
	assert_null(rights_find("0", NULL));
}

static void *own_rights_of_a_thread(void *argument)
{
	*(long *)argument = syscall(SYS_setfsuid, -1);
	return NULL;
}

static void rights_are_of_one_thread_and_come_back(void **state)
{
	pthread_t thread;
	long of_another = -1;
	gid_t before[64];
	gid_t after[64];
	int count = 0;

	(void)state;
	need_root();
	count = getgroups(64, before);
	make_file("secret", 0, 0600);
	assert_int_equal(rights_take(user), 0);
	assert_int_equal(syscall(SYS_setfsuid, -1), USER);
	assert_int_equal(open(in_top("secret"), O_RDONLY), -1);
	assert_int_equal(pthread_create(&thread, NULL, own_rights_of_a_thread, &of_another), 0);
	(void)pthread_join(thread, NULL);
	errno = 12345;
	rights_return(user);
	assert_int_equal(errno, 12345);
	assert_int_equal(syscall(SYS_setfsuid, -1), 0);
	assert_int_equal(getgroups(64, after), count);
	assert_memory_equal(before, after, (size_t)count * sizeof(*before));
	assert_int_equal(open_it("secret", NULL, 0, O_RDONLY), 0);
}

static void whole_files_are_written_with_the_users_rights(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	need_root();
	make_folder("home", USER, 0755);
	make_file("secret", 0, 0600);
	assert_int_equal(file_write_as(in_top("home/x"), user, "one", 3, 0644, &e), 0);
	assert_int_equal(owner_of("home/x"), USER);
	assert_int_equal(file_write_as(in_top("home/x"), user, "two", 3, 0644, &e), 0);
	assert_int_equal(file_read_as(in_top("home/x"), user, 100, &text, &e), 0);
	assert_string_equal(text.ptr, "two");
	make_link("../secret", "home/link", USER);
	assert_int_equal(file_write_as(in_top("home/link"), user, "three", 5, 0644, &e), -1);
	assert_int_equal(file_read_as(in_top("home/link"), user, 100, &text, &e), -1);
	assert_non_null(strstr(e.text.ptr, "cannot open '"));
	assert_int_equal(file_remove_as(in_top("home/x"), user, &e), 0);
	assert_int_equal(file_remove_as(in_top("home/x"), user, &e), 0);
	assert_false(file_exists(in_top("home/x")));
	buf_release(&text);
}

#define PLACED(sentence, function) PROMISE_IN(begin, end, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("what nobody else can change is touched with our own rights, links included",
			what_nobody_else_can_change_is_ours),
		PLACED("links that lead nowhere come to an end", links_that_lead_nowhere_end),
		PLACED("open files of a process can be named", open_files_of_a_process_can_be_named),
		PLACED("in a folder that others may write to, only plain files of our own are opened, through nobody's link",
			in_a_shared_folder_only_plain_files_of_ours_are_opened),
		PLACED("a file with a second name is not opened where others could have given it that",
			a_second_name_of_a_file_is_not_opened),
		PLACED("in a folder with the sticky bit what is ours is ours, and what is another's is refused",
			with_the_sticky_bit_what_is_ours_is_ours),
		PLACED("a user's folder is touched with that user's rights, on every way there",
			a_users_folder_is_touched_with_that_users_rights),
		PLACED("a folder that is open to a group is its members'",
			groups_count_as_the_kernel_counts_them),
		PLACED("a user that does not exist can do nothing", a_user_that_is_not_there_can_do_nothing),
		PLACED("rights are taken by one thread, and come back whole",
			rights_are_of_one_thread_and_come_back),
		PLACED("whole files are written and removed with the user's rights",
			whole_files_are_written_with_the_users_rights),
	};

	return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
