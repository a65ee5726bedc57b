/* The client's side: what oxctl learns, and what it would exit with.  The client runs in a child, the server here. */
#include "control/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "control.h"
#include "control/rpc_server.h"
#include "unit.h"

#define MUST(condition)                                                                                      \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			_exit(__LINE__ % 100 + 100);                                                         \
	} while (0)

/* Runs `body` in a child while the loop turns here; its exit status. */
static int run_client(
	struct fixture *f, void (*body)(struct fixture *f), void (*meanwhile)(struct fixture *f))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		body(f);
		_exit(0);
	}
	for (int i = 0; i < 5000 && waitpid(child, &status, WNOHANG) == 0; i++) {
		settle(f);
		if (meanwhile)
			meanwhile(f);
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct client *connected(struct fixture *f)
{
	int exit_code = 0;
	struct client *c = client_connect(f->path, 1000, &exit_code, &f->e);

	MUST(c && exit_code == CLIENT_DONE);
	return c;
}

static void asks_twice(struct fixture *f)
{
	struct client *c = connected(f);
	struct client_call call = { .method = "ping", .timeout_ms = 2000 };

	for (int i = 0; i < 2; i++) {
		MUST(client_call(c, &call, &f->e) == CLIENT_DONE);
		MUST(str_eq(json_string(call.result, NULL), "pong"));
		json_free(call.result);
	}
	call.method = "reset";
	MUST(client_call(c, &call, &f->e) == CLIENT_FAILED);
	MUST(!call.result && call.code == RPC_FAILED);
	MUST(str_eq(f->e.text.ptr, "it is broken"));
	call.method = "pnig";
	MUST(client_call(c, &call, &f->e) == 2);
	client_free(c);
}

static void a_call_gives_the_result_or_the_words(void **state)
{
	struct fixture *f = *state;

	fixture_start(f);
	assert_int_equal(run_client(f, asks_twice, NULL), 0);
}

static void no_daemon_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct unixsock dead;
	int exit_code = 0;

	assert_null(client_connect(f->path, 100, &exit_code, &f->e));
	assert_int_equal(exit_code, CLIENT_NO_DAEMON);
	assert_non_null(strstr(f->e.text.ptr, "start one with 'oxctl start'"));
	assert_int_equal(unixsock_listen(&dead, f->path, UNIXSOCK_NO_GROUP, &f->e), 0);
	unixsock_let_go(&dead);
	assert_null(client_connect(f->path, 100, &exit_code, &f->e));
	assert_int_equal(exit_code, CLIENT_NO_DAEMON);
}

static void waits_in_vain(struct fixture *f)
{
	struct client *c = connected(f);
	struct client_call call = { .method = "stop", .timeout_ms = 50 };

	MUST(client_call(c, &call, &f->e) == CLIENT_TIMED_OUT);
	client_free(c);
}

static void a_daemon_that_does_not_answer_is_not_waited_for_longer(void **state)
{
	struct fixture *f = *state;

	f->answers_when_gone = true;
	fixture_start(f);
	assert_int_equal(run_client(f, waits_in_vain, NULL), 0);
	turn_until(f, &f->gone, 1);
}

struct notes {
	int progress;
	int events;
};

static void count_note(void *context, const char *method, const struct json *params)
{
	struct notes *notes = context;

	(void)params;
	notes->progress += str_eq(method, "progress");
	notes->events += str_eq(method, "event");
}

static void waits_with_progress(struct fixture *f)
{
	struct client *c = connected(f);
	struct client_call call = { .method = "subscribe", .timeout_ms = 2000 };
	struct notes notes = { .progress = 0 };

	client_on_note(c, count_note, &notes);
	MUST(client_call(c, &call, &f->e) == CLIENT_DONE);
	json_free(call.result);
	call.method = "stop";
	MUST(client_call(c, &call, &f->e) == CLIENT_DONE);
	MUST(notes.progress == 2 && notes.events == 1);
	MUST(client_wait(c, 0, &f->e) == CLIENT_TIMED_OUT);
	client_free(c);
}

static void answer_with_progress(struct fixture *f)
{
	struct buf event = BUF_INIT;

	if (!f->kept)
		return;
	tell_progress(f->kept, "{}");
	buf_adds(&event, "{}");
	rpc_server_publish(f->server, &event);
	buf_release(&event);
	tell_progress(f->kept, "{}");
	call_answer_text(f->kept, "null");
	f->kept = NULL;
}

static void notifications_come_while_it_waits(void **state)
{
	struct fixture *f = *state;

	fixture_start(f);
	assert_int_equal(run_client(f, waits_with_progress, answer_with_progress), 0);
}

static void sees_it_go(struct fixture *f)
{
	struct client *c = connected(f);
	struct client_call call = { .method = "stop", .timeout_ms = 5000 };

	MUST(client_call(c, &call, &f->e) == CLIENT_NO_DAEMON);
	MUST(strstr(f->e.text.ptr, "closed the connection"));
	client_free(c);
}

static void stop_server(struct fixture *f)
{
	if (f->kept_count && f->server)
		fixture_stop(f);
}

static void a_daemon_that_goes_away_is_told(void **state)
{
	struct fixture *f = *state;

	f->answers_when_gone = true;
	fixture_start(f);
	assert_int_equal(run_client(f, sees_it_go, stop_server), 0);
}

static void asks_for_much(struct fixture *f)
{
	struct client *c = connected(f);
	struct json *params = json_new_object();
	struct client_call call = { .method = "why", .params = params, .timeout_ms = 5000 };
	struct buf text = BUF_INIT;

	json_set_string(params, "target", "x");
	json_set_int(params, "limit", 5000000);
	MUST(client_call(c, &call, &f->e) == CLIENT_DONE);
	MUST(strlen(json_string(call.result, "")) == 5000000);
	json_free(call.result);
	buf_fill(&text, 'x', RPC_OWNER_MAX);
	json_set_string(params, "target", text.ptr);
	MUST(client_call(c, &call, &f->e) == CLIENT_FAILED);
	MUST(strstr(f->e.text.ptr, "MB long"));
	json_free(params);
	buf_release(&text);
	client_free(c);
}

static void a_large_answer_arrives_and_a_large_request_does_not_leave(void **state)
{
	struct fixture *f = *state;

	fixture_start(f);
	assert_int_equal(run_client(f, asks_for_much, NULL), 0);
}

static void is_turned_away(struct fixture *f)
{
	struct client *c = connected(f);
	struct client_call call = { .method = "ping", .timeout_ms = 5000 };

	MUST(client_call(c, &call, &f->e) == CLIENT_FAILED);
	MUST(call.code == RPC_TOO_MANY);
	client_free(c);
}

static void who_is_turned_away_learns_why(void **state)
{
	struct fixture *f = *state;
	int fds[SERVER_CLIENTS_MAX];

	f->answers_when_gone = true;
	fixture_start(f);
	/* Those that wait for an answer keep their places. */
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		fds[i] = dial(f);
		say(f, fds[i], ASK("1", "stop"));
	}
	settle(f);
	assert_int_equal(run_client(f, is_turned_away, NULL), 0);
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		close(fds[i]);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("a call gives the result, or the words and what to exit with",
			a_call_gives_the_result_or_the_words),
		ONE("a missing daemon has an exit code of its own", no_daemon_is_told_apart),
		ONE("a daemon that does not answer is not waited for any longer",
			a_daemon_that_does_not_answer_is_not_waited_for_longer),
		ONE("notifications come while it waits", notifications_come_while_it_waits),
		ONE("a daemon that ends is reported", a_daemon_that_goes_away_is_told),
		ONE("an answer of 5 MB arrives, and a request of over 1 MiB is not sent",
			a_large_answer_arrives_and_a_large_request_does_not_leave),
		ONE("who is turned away learns why", who_is_turned_away_learns_why),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
