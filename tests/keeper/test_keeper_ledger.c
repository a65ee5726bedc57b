/* What is written down of the processes is what the next keeper reads, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "os/fd.h"
#include "unit.h"

static char folder[64];
static char path[80];
static struct ledger ledger;
static struct slots all;

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/keeper-ledger-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/oxherd.slots", folder);
	memset(&all, 0, sizeof(all));
	all.epoll = -1;
	memset(&ledger, 0x55, sizeof(ledger));
	ledger_init(&ledger);
	assert_int_equal(ledger_open(&ledger, folder, false, NULL), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ledger_close(&ledger);
	assert_int_equal(ledger.fd, -1);
	all.ledger = NULL;
	while (all.first)
		slots_free(&all, all.first);
	(void)unlink(path);
	return rmdir(folder);
}

static struct slot *make(uint64_t generation)
{
	struct slot *s = slots_new(&all, (struct keeper_ticket){ 1, generation }, "api:0");

	s->pid = 1000 + (pid_t)generation;
	s->start_time = generation;
	s->state = KEEPER_STATE_RUNNING;
	return s;
}

static void open_again(bool goes_on)
{
	ledger_close(&ledger);
	ledger_init(&ledger);
	assert_int_equal(ledger_open(&ledger, folder, goes_on, NULL), 0);
}

/* The generations that stand there, in their order. */
static void assert_written(const char *wanted)
{
	struct ledger_record r;
	char seen[32];
	size_t len = 0;

	for (int index = 0; ledger_next(&ledger, &index, &r); index++)
		seen[len++] = (char)('0' + r.generation);
	seen[len] = '\0';
	assert_string_equal(seen, wanted);
}

static off_t size_of(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static char said[512];

static void keep_line(void *context, enum log_level level, const char *line, size_t len)
{
	size_t at = strlen(said);

	(void)context;
	(void)level;
	(void)snprintf(said + at, sizeof(said) - at, "%.*s\n", (int)len, line);
}

/* As on a full disk: not with every process that comes and goes. */
static void what_cannot_be_written_is_said_once(void **state)
{
	struct slot *s = make(1);
	int good = ledger.fd;

	(void)state;
	said[0] = '\0';
	log_to(keep_line, NULL, LOG_INFO);
	ledger_note(&ledger, s);
	assert_string_equal(said, "");
	ledger.fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		ledger_note(&ledger, s);
	assert_string_equal(said, "cannot write the ledger: Bad file descriptor\n");
	fd_close(&ledger.fd);
	ledger.fd = good;
	said[0] = '\0';
	for (int i = 0; i < 3; i++)
		ledger_note(&ledger, s);
	assert_string_equal(said, "the ledger can be written again\n");
	log_to(NULL, NULL, LOG_INFO);
	assert_written("1");
}

static void a_slot_comes_back_as_it_was(void **state)
{
	struct slot *s = make(5);
	struct slot back = { .pid = 0 };
	struct ledger_record r;
	int index = 0;

	(void)state;
	s->state = KEEPER_STATE_EXITED;
	s->is_taken = s->is_stopping = true;
	s->signalled = SIGNALLED_REST;
	s->status = 7;
	s->at_ms = 11;
	s->wall_ms = 12;
	s->cpu_us = 13;
	s->peak_kb = 14;
	s->stage = KEEPER_STAGE_EXEC;
	s->number = 15;
	s->is_rest_noted = true;
	ledger_note(&ledger, s);
	open_again(true);
	assert_true(ledger_next(&ledger, &index, &r));
	assert_int_equal(index, 0);
	assert_int_equal(r.slot, 1);
	assert_int_equal(r.generation, 5);
	assert_string_equal(r.name, "api:0");
	ledger_take(&back, &r);
	assert_int_equal(back.pid, 1005);
	assert_int_equal(back.start_time, 5);
	assert_int_equal(back.state, KEEPER_STATE_EXITED);
	assert_true(back.is_taken && back.is_stopping && !back.is_gone);
	assert_int_equal(back.signalled, SIGNALLED_REST);
	assert_int_equal(back.status, 7);
	assert_int_equal(back.at_ms, 11);
	assert_int_equal(back.wall_ms, 12);
	assert_int_equal(back.cpu_us, 13);
	assert_int_equal(back.peak_kb, 14);
	assert_int_equal(back.stage, KEEPER_STAGE_EXEC);
	assert_int_equal(back.number, 15);
	index++;
	assert_false(ledger_next(&ledger, &index, &r));
}

static void each_has_its_place_until_it_is_erased(void **state)
{
	struct slot *s[5];

	(void)state;
	for (uint64_t i = 1; i <= 4; i++) {
		s[i] = make(i);
		ledger_note(&ledger, s[i]);
		assert_int_equal(s[i]->record, i - 1);
	}
	assert_written("1234");
	ledger_note(&ledger, s[2]);
	assert_int_equal(s[2]->record, 1);
	ledger_erase(&ledger, s[2]);
	ledger_erase(&ledger, s[1]);
	assert_int_equal(s[1]->record, -1);
	ledger_erase(&ledger, s[1]);
	assert_written("34");
	/* What stays is not written over. */
	open_again(true);
	assert_written("34");
	s[1]->record = s[2]->record = -1;
	ledger_note(&ledger, s[1]);
	ledger_note(&ledger, s[2]);
	ledger_note(&ledger, s[2]);
	assert_written("1234");
	assert_int_equal(size_of(), 5 * LEDGER_RECORD);
}

static void a_place_is_given_again(void **state)
{
	struct slot *stays = make(2);
	struct slot *s = make(1);

	(void)state;
	ledger_note(&ledger, stays);
	/* Round and round: the file does not grow beyond as many places as there are slots. */
	for (int i = 0; i < KEEPER_SLOTS_MAX + 3; i++) {
		ledger_note(&ledger, s);
		assert_in_range(s->record, 1, KEEPER_SLOTS_MAX - 1);
		ledger_erase(&ledger, s);
	}
	assert_int_equal(size_of(), (KEEPER_SLOTS_MAX + 1) * LEDGER_RECORD);
	assert_written("2");
}

static void write_head(size_t at, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, (off_t)at), len);
	fd_close(&fd);
}

/* Another build compares it byte by byte. */
static void assert_head(void)
{
	static const char nothing[LEDGER_RECORD];
	char head[LEDGER_RECORD];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	fd_close(&fd);
	assert_string_equal(head, "oxherd slots 1");
	assert_memory_equal(head + 15, nothing, 32 - 15);
	assert_int_equal(head[33], LEDGER_RECORD >> 8);
	assert_int_equal(strlen(head + 40), 36);
	assert_memory_equal(head + 40 + 36, nothing, sizeof(head) - 40 - 36);
}

static void only_what_goes_on_is_kept(void **state)
{
	struct slot *s = make(1);

	(void)state;
	assert_head();
	ledger_note(&ledger, s);
	open_again(true);
	assert_written("1");
	open_again(false);
	assert_written("");
	assert_int_equal(size_of(), LEDGER_RECORD);
	/* Of another format, and of another start of the machine. */
	s->record = -1;
	ledger_note(&ledger, s);
	write_head(0, "x", 1);
	open_again(true);
	assert_written("");
	s->record = -1;
	ledger_note(&ledger, s);
	write_head(32 + 8 + 35, "-", 1);
	open_again(true);
	assert_written("");
}

/* Whether it passes with another number at one place. */
static bool fits(size_t at, int64_t value)
{
	struct ledger_record r;

	ledger_fill(&r, all.first);
	memcpy((char *)&r + at, &value, sizeof(value));
	return ledger_makes_sense(&r);
}

#define AT(member) offsetof(struct ledger_record, member)

static void nonsense_is_no_record(void **state)
{
	struct ledger_record r;

	(void)state;
	(void)make(1);
	assert_true(fits(AT(slot), 1) && fits(AT(slot), UINT32_MAX));
	assert_false(fits(AT(slot), 0) || fits(AT(slot), -1) || fits(AT(slot), (int64_t)UINT32_MAX + 1));
	assert_true(fits(AT(generation), 1));
	assert_false(fits(AT(generation), 0));
	assert_true(fits(AT(pid), 2) && fits(AT(pid), INT32_MAX));
	assert_false(fits(AT(pid), 1) || fits(AT(pid), 0) || fits(AT(pid), -1) ||
		fits(AT(pid), (int64_t)INT32_MAX + 1));
	assert_true(fits(AT(state), 0) && fits(AT(state), KEEPER_STATE_COUNT - 1));
	assert_false(fits(AT(state), -1) || fits(AT(state), KEEPER_STATE_COUNT));
	assert_true(fits(AT(stage), 0) && fits(AT(stage), KEEPER_STAGE_COUNT - 1));
	assert_false(fits(AT(stage), -1) || fits(AT(stage), KEEPER_STAGE_COUNT));
	assert_false(fits(AT(name), 0));
	ledger_fill(&r, all.first);
	memset(r.name, 'x', KEEPER_NAME_MAX);
	assert_true(ledger_makes_sense(&r));
	memset(r.name, 'x', sizeof(r.name));
	assert_false(ledger_makes_sense(&r));
}

static void write_record(int index, uint64_t generation, int64_t pid)
{
	struct ledger_record r;

	ledger_fill(&r, all.first);
	r.generation = generation;
	r.pid = pid;
	write_head((size_t)(index + 1) * LEDGER_RECORD, (const char *)&r, sizeof(r));
}

static void nonsense_is_taken_out(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	(void)make(1);
	write_record(0, 1, 100);
	write_record(1, 2, 1);
	write_record(3, 3, 100);
	assert_int_equal(ledger_check(folder, &e), -1);
	assert_non_null(strstr(e.text.ptr, "record 1 of"));
	open_again(true);
	assert_written("13");
	assert_int_equal(ledger_check(folder, &e), 0);
	err_release(&e);
}

static void a_check_touches_nothing(void **state)
{
	struct err e = ERR_INIT;
	struct slot *s = make(1);

	(void)state;
	assert_int_equal(ledger_check(folder, &e), 0);
	ledger_note(&ledger, s);
	assert_int_equal(ledger_check(folder, &e), 0);
	assert_written("1");
	write_head(32, "\1", 1);
	assert_int_equal(ledger_check(folder, &e), -1);
	assert_non_null(strstr(e.text.ptr, "has an unknown format"));
	open_again(false);
	assert_int_equal(ledger_check(folder, &e), 0);
	write_head(0, "x", 1);
	assert_int_equal(ledger_check(folder, &e), -1);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(ledger_check(folder, &e), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ledger_check(folder, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(ledger_check(folder, &e), -1);
	assert_non_null(strstr(e.text.ptr, "cannot open"));
	err_release(&e);
}

static void what_is_no_file_of_ours_is_left_alone(void **state)
{
	struct err e = ERR_INIT;
	struct ledger l;
	struct slot *s = make(1);

	(void)state;
	assert_int_equal(unlink(path) | mkfifo(path, 0600), 0);
	ledger_init(&l);
	assert_int_equal(ledger_open(&l, folder, true, &e), -1);
	assert_non_null(strstr(e.text.ptr, "is no file of ours"));
	assert_int_equal(l.fd, -1);
	/* Without a file it does nothing. */
	ledger_note(&l, s);
	ledger_note(NULL, s);
	ledger_erase(&l, s);
	ledger_erase(NULL, s);
	assert_int_equal(s->record, -1);
	if (geteuid() == 0) {
		assert_int_equal(unlink(path) | mknod(path, S_IFREG | 0600, 0), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(ledger_open(&l, folder, true, &e), -1);
		assert_int_equal(l.fd, -1);
		assert_int_equal(size_of(), 0);
	}
	err_release(&e);
}

/* After an exec: what stands there of slots that are still known stays where it is, the rest is put right. */
static void it_is_put_right_after_an_exec(void **state)
{
	struct slot *s[5];

	(void)state;
	for (uint64_t i = 1; i <= 4; i++) {
		s[i] = make(i);
		ledger_note(&ledger, s[i]);
	}
	open_again(true);
	/* 1 and 3 are known, 2 was forgotten, and 4 could not be forked; 5 was not written down yet. */
	slots_free(&all, s[2]);
	s[4]->state = KEEPER_STATE_FAILED;
	write_record(6, 1, 100);
	for (struct slot *one = all.first; one; one = one->next)
		one->record = -1;
	s[3]->status = 33;
	(void)make(5);
	ledger_resume(&ledger, &all);
	assert_int_equal(s[1]->record, 0);
	assert_int_equal(s[3]->record, 2);
	assert_true(all.last->record >= 0);
	open_again(true);
	assert_written("1534");
}

int main(void)
{
#define IN_FOLDER(sentence, function) PROMISE_IN(begin, end, sentence, function)
	const struct CMUnitTest tests[] = {
		IN_FOLDER("a slot comes back as it was written down", a_slot_comes_back_as_it_was),
		IN_FOLDER("that the ledger cannot be written is said once, and that it can be again too",
			what_cannot_be_written_is_said_once),
		IN_FOLDER(
			"each slot has its place until it is erased", each_has_its_place_until_it_is_erased),
		IN_FOLDER("a place is given again", a_place_is_given_again),
		IN_FOLDER("a ledger of another boot or another format is empty", only_what_goes_on_is_kept),
		IN_FOLDER("a record that makes no sense is none", nonsense_is_no_record),
		IN_FOLDER("a record that makes no sense is taken out, and the others stay",
			nonsense_is_taken_out),
		IN_FOLDER("a check names what it cannot read, and touches nothing", a_check_touches_nothing),
		IN_FOLDER("what is not a file of our user is left alone",
			what_is_no_file_of_ours_is_left_alone),
		IN_FOLDER("after an exec the ledger is put right", it_is_put_right_after_an_exec),
	};

	return cmocka_run_group_tests_name("keeper: ledger", tests, NULL, NULL);
}
