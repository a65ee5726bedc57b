/* The conversation over real sockets: framing, limits, late answers, clients that go. */
#include "control/rpc_server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "control.h"
#include "unit.h"

#define PING_WORDS ANSWER("1", "\"pong\"")

static void a_request_is_answered(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "ping"));
	assert_heard(f, fd, PING_WORDS);
	say(f, fd, ASK("1", "reset"));
	assert_heard(f, fd, ERROR("1", "-32000", "it is broken"));
	say(f, fd, ASK("1", "pong"));
	assert_heard(f, fd, ERROR("1", "-32601", "unknown method 'pong' (did you mean 'ping'?)"));
	say(f, fd, ASK("1", "save"));
	assert_heard(f, fd, ERROR("1", "-32601", "'save' is not supported yet"));
	say(f, fd, ASK_WITH("1", "stop", "{\"target\":[]}"));
	assert_heard(f, fd,
		ERROR_WITH("1", "-32602", "stop: unknown parameter 'target' (did you mean 'targets'?)",
			"{\"code\":\"unknown_parameter\",\"parameter\":\"target\"}"));
	say(f, fd, "[]\n");
	assert_heard(f, fd,
		ERROR("null", "-32600", "invalid request: batches are not taken; send one request a line"));
	assert_int_equal(f->kept_count, 0);
	close(fd);
}

static void half_a_line_waits(void **state)
{
	struct fixture *f = *state;
	int half = -1;
	int other = -1;

	fixture_start(f);
	half = dial(f);
	other = dial(f);
	say(f, half, "{\"jsonrpc\":\"2.0\",\"id\":1,");
	say(f, other, ASK("1", "ping"));
	assert_heard(f, other, PING_WORDS);
	say(f, half, "\"method\":\"ping\"}\n");
	assert_heard(f, half, PING_WORDS);
	close(half);
	close(other);
}

static void a_flood_gets_one_error_and_is_closed(void **state)
{
	struct fixture *f = *state;
	struct buf flood = BUF_INIT;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	buf_fill(&flood, 'x', 2 * (size_t)RPC_OWNER_MAX);
	say_bytes(f, fd, flood.ptr, flood.len);
	assert_heard(f, fd, ERROR("null", "-32005", "the request is longer than 4 MiB"));
	assert_closed(f, fd);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	buf_release(&flood);
}

static void a_thousand_requests_in_one_write(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	for (int i = 0; i < 1000; i++)
		buf_adds(&text, ASK("1", "ping"));
	say_bytes(f, fd, text.ptr, text.len);
	for (int i = 0; i < 1000; i++)
		assert_heard(f, fd, PING_WORDS);
	close(fd);
	buf_release(&text);
}

static void a_handler_may_answer_later(void **state)
{
	struct fixture *f = *state;
	int slow = -1;
	int quick = -1;

	fixture_start(f);
	slow = dial(f);
	quick = dial(f);
	say(f, slow, ASK("\"s\"", "stop"));
	turn_until(f, &f->kept_count, 1);
	say(f, quick, ASK("1", "ping"));
	assert_heard(f, quick, PING_WORDS);
	/* The same connection is not held up either. */
	say(f, slow, ASK("1", "ping"));
	assert_heard(f, slow, PING_WORDS);
	tell_progress(f->kept, "{\"done\":3}");
	/* One of its own gives way to the request's. */
	tell_progress(f->kept, "{\"id\":\"api:0\",\"done\":4}");
	call_answer_text(f->kept, "true");
	assert_heard(f, slow,
		"{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"done\":3,\"id\":\"s\"}}");
	assert_heard(f, slow,
		"{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":\"s\",\"done\":4}}");
	assert_heard(f, slow, ANSWER("\"s\"", "true"));
	assert_int_equal(f->gone, 0);
	close(slow);
	close(quick);
}

static void a_client_that_goes_is_reported_to_the_handler(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "stop"));
	turn_until(f, &f->kept_count, 1);
	close(fd);
	turn_until(f, &f->gone, 1);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	assert_true(f->kept->is_gone);
	tell_progress(f->kept, "{}");
	call_answer_text(f->kept, "\"nobody hears this\"");
	settle(f);
	assert_int_equal(f->gone, 1);
}

static void one_that_only_finished_sending_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "stop"));
	shutdown(fd, SHUT_WR);
	turn_until(f, &f->kept_count, 1);
	settle(f);
	assert_int_equal(f->gone, 0);
	call_answer_text(f->kept, "null");
	assert_heard(f, fd, ANSWER("1", "null"));
	assert_closed(f, fd);
}

static void a_notification_gets_no_answer(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"stop\"}\n" ASK("1", "ping"));
	assert_heard(f, fd, PING_WORDS);
	shutdown(fd, SHUT_WR);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 1);
	call_answer_text(f->kept, "null");
	assert_closed(f, fd);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
}

static void one_that_finished_sending_and_then_goes_is_noticed(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "stop"));
	shutdown(fd, SHUT_WR);
	settle(f);
	assert_int_equal(f->gone, 0);
	close(fd);
	turn_until(f, &f->gone, 1);
	call_answer_text(f->kept, "null");
}

static void what_was_sent_before_leaving_is_still_done(void **state)
{
	struct fixture *f = *state;
	int fd = unixsock_connect("/nonexistent/socket", 100, &f->e);

	assert_int_equal(fd, -1);
	assert_int_equal(f->e.number, ENOENT);
	fixture_start(f);
	fd = dial(f);
	assert_true(send(fd, ASK("1", "stop"), sizeof(ASK("1", "stop")) - 1, MSG_NOSIGNAL) > 0);
	close(fd);
	turn_until(f, &f->gone, 1);
	assert_int_equal(f->kept_count, 1);
	call_answer_text(f->kept, "null");
}

static void a_request_outlives_the_server(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "ping") ASK("2", "stop"));
	turn_until(f, &f->kept_count, 1);
	fixture_stop(f);
	assert_int_equal(f->gone, 1);
	call_fail(f->kept, RPC_FAILED, "too late");
	assert_heard(f, fd, PING_WORDS);
	assert_closed(f, fd);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void too_many_open_requests_pause_only_their_client(void **state)
{
	struct fixture *f = *state;
	int greedy = -1;
	int other = -1;

	f->answers_when_gone = true;
	fixture_start(f);
	greedy = dial(f);
	other = dial(f);
	for (int i = 0; i < SESSION_REQUESTS_MAX + 10; i++)
		say(f, greedy, ASK("1", "stop"));
	settle(f);
	assert_int_equal(f->kept_count, SESSION_REQUESTS_MAX);
	say(f, other, ASK("1", "ping"));
	assert_heard(f, other, PING_WORDS);
	/* Each one that is answered makes room for one that waits. */
	call_answer_text(f->kept, "null");
	turn_until(f, &f->kept_count, SESSION_REQUESTS_MAX + 1);
	call_answer_text(f->kept, "null");
	assert_heard(f, greedy, ANSWER("1", "null"));
	assert_heard(f, greedy, ANSWER("1", "null"));
	/* One that is paused is still noticed when it goes. */
	close(greedy);
	turn_until(f, &f->gone, SESSION_REQUESTS_MAX);
	close(other);
}

static void answers_that_nobody_reads_stop_the_reading_first(void **state)
{
	struct fixture *f = *state;
	struct buf line = BUF_INIT;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	for (int i = 0; i < 100; i++)
		say(f, fd, ASK_WITH("1", "why", "{\"target\":\"a\",\"limit\":100000}"));
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 1);
	/* Ten megabytes of answers were asked for; every one of them arrives. */
	for (int i = 0; i < 100; i++) {
		assert_true(hear(f, fd, &line));
		assert_int_equal(line.len, strlen(ANSWER("1", "\"\"")) + 100000);
	}
	close(fd);
	buf_release(&line);
}

static void late_answers_that_nobody_reads_close_the_connection(void **state)
{
	struct fixture *f = *state;
	struct call *kept[10];
	struct buf big = BUF_INIT;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	buf_addc(&big, '"');
	buf_fill(&big, 'x', 400000);
	buf_addc(&big, '"');
	for (int i = 0; i < 10; i++) {
		say(f, fd, ASK("1", "stop"));
		turn_until(f, &f->kept_count, i + 1);
		kept[i] = f->kept;
	}
	for (int i = 0; i < 10; i++)
		call_answer(kept[i], &big);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	assert_int_equal(rpc_server_stats(f->server).overflowed, 1);
	assert_non_null(strstr(f->log.ptr, "it does not read its answers"));
	close(fd);
	buf_release(&big);
}

static void a_change_is_logged_with_who_asked(void **state)
{
	struct fixture *f = *state;
	struct buf expected = BUF_INIT;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "ping") ASK_WITH("2", "stop", "{\"targets\":[\"api\",\"web:1\"]}"));
	turn_until(f, &f->kept_count, 1);
	buf_addf(&expected, "control: stop api web:1 by uid %u, pid %d 'test_server'\n",
		(unsigned int)getuid(), (int)getpid());
	assert_string_equal(f->log.ptr, expected.ptr);
	call_answer_text(f->kept, "null");
	close(fd);
	buf_release(&expected);
}

static void without_descriptors_a_client_is_told_so(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit tight;
	int fds[2];

	fixture_start(f);
	settle(f);
	fds[0] = dial(f);
	settle(f);
	fds[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)fds[1] + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	close(fds[1]);
	/* The one that is left is taken by the client; then there is none. */
	fds[1] = unixsock_connect(f->path, 1000, &f->e);
	settle(f);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(fds[1] >= 0);
	assert_heard(f, fds[1], ERROR("null", "-32006", "the daemon has no file descriptor left; try again"));
	assert_closed(f, fds[1]);
	say(f, fds[0], ASK("1", "ping"));
	assert_heard(f, fds[0], PING_WORDS);
	close(fds[0]);
}

/* In a child: connects as nobody and tells by its exit status what came of it. */
static void call_as_nobody(struct fixture *f)
{
	char answer[256] = "";
	int fd = -1;

	/* The folder keeps strangers out already; the check of the peer is what is tested here. */
	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		_exit(3);
	fd = unixsock_connect(f->path, 1000, &f->e);
	if (fd < 0)
		_exit(4);
	fcntl(fd, F_SETFL, 0);
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		_exit(5);
	_exit(strstr(answer, "-32004") ? 0 : 6);
}

static int run_as_nobody(struct fixture *f)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		call_as_nobody(f);
	for (int i = 0; i < 1000 && waitpid(child, &status, WNOHANG) == 0; i++) {
		settle(f);
		usleep(2000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void another_user_is_refused(void **state)
{
	struct fixture *f = *state;
	char folder[80];

	if (geteuid() != 0)
		skip();
	fixture_start(f);
	snprintf(folder, sizeof(folder), "%s/run", f->folder);
	/* First as it is: he does not even reach it. */
	assert_int_equal(run_as_nobody(f), 4);
	chmod(f->folder, 0755);
	chmod(folder, 0755);
	chmod(f->path, 0666);
	assert_int_equal(run_as_nobody(f), 0);
	assert_int_equal(rpc_server_stats(f->server).refused, 1);
	assert_non_null(strstr(f->log.ptr, "of uid 65534"));
}

static int lines_about(const struct fixture *f, const char *words)
{
	int count = 0;

	for (const char *at = f->log.ptr; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void refusals_do_not_fill_the_log(void **state)
{
	struct fixture *f = *state;
	char folder[80];

	if (geteuid() != 0)
		skip();
	fixture_start(f);
	snprintf(folder, sizeof(folder), "%s/run", f->folder);
	chmod(f->folder, 0755);
	chmod(folder, 0755);
	chmod(f->path, 0666);
	for (int i = 0; i < 30; i++)
		assert_int_equal(run_as_nobody(f), 0);
	assert_int_equal(rpc_server_stats(f->server).refused, 30);
	assert_int_equal(lines_about(f, "control: refused"), 20);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("a request is answered, a wrong one with a code and words", a_request_is_answered),
		ONE("half a line waits and holds nobody up", half_a_line_waits),
		ONE("two megabytes without a newline get one error and are closed",
			a_flood_gets_one_error_and_is_closed),
		ONE("a thousand requests in one write are all answered", a_thousand_requests_in_one_write),
		ONE("a handler may answer later, and nobody waits for it", a_handler_may_answer_later),
		ONE("a client that disconnects before its answer is reported to the handler",
			a_client_that_goes_is_reported_to_the_handler),
		ONE("a client that only finished sending gets its answer",
			one_that_only_finished_sending_gets_its_answer),
		ONE("a request without an id is done and gets no answer", a_notification_gets_no_answer),
		ONE("a client that finished sending and then goes is noticed",
			one_that_finished_sending_and_then_goes_is_noticed),
		ONE("what was sent before leaving is still done", what_was_sent_before_leaving_is_still_done),
		ONE("a request outlives the server", a_request_outlives_the_server),
		ONE("too many open requests pause only their client",
			too_many_open_requests_pause_only_their_client),
		ONE("a client that does not read is not read from, and loses no answer",
			answers_that_nobody_reads_stop_the_reading_first),
		ONE("late answers that nobody reads close the connection",
			late_answers_that_nobody_reads_close_the_connection),
		ONE("a request that changes something is logged with who asked",
			a_change_is_logged_with_who_asked),
		ONE("without descriptors a client gets that as an answer, and the loop does not spin",
			without_descriptors_a_client_is_told_so),
		ONE("another user is refused", another_user_is_refused),
		ONE("refusals are logged twenty times a minute at most", refusals_do_not_fill_the_log),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
