#include "view/reason_text.h"

#include <errno.h>
#include <string.h>

#include "base/signal_name.h"
#include "model/reason.h"
#include "model/spec.h"
#include "view/reason_text_private.h"

static const char *const texts[REASON_KIND_COUNT] = {
#define TEXT(kind, text) [REASON_##kind] = (text),
#include "view/reason_texts.def"
#undef TEXT
};

/* --- sentences by the table ---------------------------------------------------------------------------------------------- */

static void add_secs(int64_t ms, struct buf *out)
{
	buf_addf(out, "%.10g", (double)ms / 1000);
}

static bool is_key(const char *key, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(key, word, len);
}

/* False where it is not known. */
static bool add_value(const struct reason *r, const char *key, size_t len, struct buf *out)
{
	size_t from = out->len;

	if (is_key(key, len, "secs"))
		add_secs(r->ms, out);
	else if (is_key(key, len, "error"))
		buf_adds(out, strerror((int)r->number));
	else if (is_key(key, len, "cause"))
		reason_text(r->cause, out);
	else
		(void)reason_add_field(r, key, len, out);
	return out->len > from;
}

/* What stands between the braces. */
static void add_template_part(const struct reason *r, const char *part, size_t len, struct buf *out)
{
	size_t before = len;
	size_t from = out->len;

	while (before && part[before - 1] != ' ')
		before--;
	buf_add(out, part, before);
	if (!add_value(r, part + before, len - before, out))
		buf_cut(out, from);
}

static void add_by_table(const struct reason *r, const char *text, struct buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "{");

		buf_add(out, text, len);
		text += len;
		if (*text) {
			len = strcspn(++text, "}");
			add_template_part(r, text, len, out);
			text += len + 1;
		}
	}
}

/* --- ends and the rules about them ---------------------------------------------------------------------------------------- */

static void add_signal(int64_t signal, struct buf *out)
{
	const char *name = signal_name((int)signal);

	if (name)
		buf_adds(out, name);
	else
		buf_addf(out, "signal %lld", (long long)signal);
}

static void add_crashes(const struct reason *r, struct buf *out)
{
	buf_addf(out, ", crash %lld", (long long)r->crashes);
	if (r->limit > 0)
		buf_addf(out, " of %lld", (long long)r->limit);
}

static void add_delay(const struct reason *r, struct buf *out)
{
	add_crashes(r, out);
	buf_addf(out, ", %s %lld ms",
		r->rule == REASON_RULE_DOUBLED ? "delay doubled to" : "starts again after",
		(long long)r->delay_ms);
	if (r->rule == REASON_RULE_TOO_FAST)
		buf_adds(out, " (it restarts too fast)");
	else if (r->rule == REASON_RULE_DELAY_MAX)
		buf_adds(out, " (restart_delay_max_ms)");
}

static void add_rule(const struct reason *r, struct buf *out)
{
	bool is_head = r->kind == REASON_NOT_STARTED;

	switch ((enum reason_rule)r->rule) {
	case REASON_RULE_EXIT_CODE:
		buf_adds(out, "; not restarted (stop_exit_codes)");
		break;
	case REASON_RULE_POLICY:
		buf_addf(out, "; not restarted (restart = \"%s\")", r->policy ? r->policy : "");
		break;
	case REASON_RULE_CRASH_LIMIT:
		buf_addf(out, ", after %lld restarts in five minutes: crash_restart_limit is reached",
			(long long)r->limit);
		break;
	case REASON_RULE_MAX_RESTARTS:
		buf_addf(out, ", crash %lld in a row: max_restarts = %lld is reached", (long long)r->crashes,
			(long long)r->limit);
		break;
	case REASON_RULE_STABLE:
		buf_addf(out, "%s, starts again at once",
			is_head ? "" : " after restart_window_secs of being ready");
		break;
	case REASON_RULE_AT_ONCE:
		buf_adds(out, ", starts again at once");
		break;
	case REASON_RULE_NO_DELAY:
		add_crashes(r, out);
		buf_addf(out, ", starts again at once (%s = 0)", r->setting ? r->setting : "");
		break;
	case REASON_RULE_TOO_FAST:
	case REASON_RULE_DELAY_MAX:
	case REASON_RULE_DOUBLED:
	case REASON_RULE_DELAY:
		add_delay(r, out);
		break;
	case REASON_RULE_NONE:
	case REASON_RULE_COUNT:
		break;
	}
}

static void add_limit_restart(const struct reason *r, struct buf *out)
{
	if (r->rule == REASON_RULE_CRASH_LIMIT)
		buf_addf(out, "after %lld restarts in five minutes: crash_restart_limit is reached",
			(long long)r->limit);
	else if (r->delay_ms)
		buf_addf(out, "restart %lld for a limit, starts again after %lld ms", (long long)r->crashes,
			(long long)r->delay_ms);
	else
		buf_adds(out, "starts again at once");
}

static void add_head(const struct reason *r, struct buf *out)
{
	switch (r->kind) {
	case REASON_EXITED:
		buf_addf(out, "exit code %lld", (long long)r->exit_code);
		break;
	case REASON_KILLED:
		buf_adds(out, "killed by ");
		add_signal(r->signal, out);
		break;
	case REASON_FAILED_START:
		buf_adds(out, "a failed start");
		break;
	case REASON_FAILED_CHECK:
		buf_adds(out, "a failed check (unhealthy_threshold)");
		break;
	default:
		buf_adds(out, "ended while no daemon was there to see how");
		break;
	}
}

/* What is known beyond the rule's own words stands before them. */
static void crash(const struct reason *r, struct buf *out)
{
	reason_text(r->cause, out);
	if (r->cause)
		buf_adds(out, "; ");
	add_head(r, out);
	/* Of a command that checks. */
	if ((r->kind == REASON_EXITED || r->kind == REASON_KILLED) && r->detail && *r->detail)
		buf_addf(out, ": %s", r->detail);
	add_rule(r, out);
}

/* What could not be started says so in the words of its cause, and then the rule only what it decided. */
static void not_started(const struct reason *r, struct buf *out)
{
	if (!r->cause)
		buf_adds(out, "not started");
	reason_text(r->cause, out);
	if (r->rule != REASON_RULE_POLICY || !r->cause)
		add_rule(r, out);
}

static void limit_restart(const struct reason *r, struct buf *out)
{
	reason_text(r->cause, out);
	if (r->cause)
		buf_adds(out, "; ");
	add_limit_restart(r, out);
}

static void ended(const struct reason *r, struct buf *out)
{
	reason_text(r->cause, out);
	if (r->cause)
		buf_adds(out, ": ");
	if (r->kind == REASON_ENDED_UNSEEN) {
		buf_adds(out, "and nobody saw how it ended");
	} else if (r->signal) {
		buf_adds(out, "ended by ");
		add_signal(r->signal, out);
	} else {
		buf_addf(out, "ended with exit code %lld", (long long)r->exit_code);
	}
}

/* --- others that are more than a pattern ------------------------------------------------------------------------------------ */

static void in_background(const struct reason *r, struct buf *out)
{
	bool was_to_serve = r->kind == REASON_IN_BACKGROUND;

	if (was_to_serve)
		buf_adds(out, "the program put itself into the background: ");
	buf_addf(out, "pid %lld '%s'", (long long)r->pid, r->command ? r->command : "");
	if (r->port)
		buf_addf(out, ", which listens on port %lld,", (long long)r->port);
	buf_adds(out, " was left behind and is stopped");
	if (was_to_serve)
		buf_adds(out, "; run it in the foreground (--no-daemon, --foreground, -D or similar)");
}

static void awaits_ready(const struct reason *r, struct buf *out)
{
	static const char *const words[] = {
		[READY_AUTO] = "its readiness",
		[READY_ALIVE] = "it to stay up for a second",
		[READY_LISTEN] = "it to listen on its port",
		[READY_HEALTH] = "its health check",
		[READY_NOTIFY] = "READY=1 from it",
		[READY_IPC] = "'ready' from it",
		[READY_NOTIFY_FD] = "a newline on NOTIFY_FD from it",
	};

	buf_addf(out, "waits for %s", words[r->expects]);
	if (r->detail)
		buf_addf(out, "; it says: %s", r->detail);
	if (r->cause)
		buf_adds(out, ": ");
	reason_text(r->cause, out);
}

static void add_ports(const struct reason_ports *ports, struct buf *out)
{
	buf_adds(out, ports->len > 1 ? "ports " : "port ");
	for (int k = 0; k < ports->len; k++)
		buf_addf(out, "%s%d", !k ? "" : k + 1 < ports->len ? ", " : " and ", ports->items[k]);
}

static void add_wrong_port(const struct reason *r, struct buf *out)
{
	if (!r->port)
		return;
	buf_addf(out, ": %s", r->instance ? r->instance : "");
	if (!r->ports.len) {
		buf_addf(out, " does not listen on its PORT %lld, nor on any other", (long long)r->port);
		return;
	}
	buf_adds(out, " listens on ");
	add_ports(&r->ports, out);
	buf_addf(out, ", not on its PORT %lld; set port = %lld or make the program read PORT",
		(long long)r->port, (long long)r->next_port);
}

static void not_ready(const struct reason *r, struct buf *out)
{
	buf_adds(out, "not ready within ");
	add_secs(r->ms, out);
	buf_adds(out, " s (ready_timeout_secs)");
	if (r->cause)
		buf_adds(out, ": ");
	reason_text(r->cause, out);
	if (r->expects == READY_NOTIFY)
		buf_adds(out, ": it has not sent READY=1 to NOTIFY_SOCKET, nor a newline to NOTIFY_FD");
	else if (r->expects == READY_NOTIFY_FD)
		buf_adds(out, ": it has not written a newline to NOTIFY_FD");
	else if (r->expects == READY_IPC)
		buf_adds(out, ": it has not called process.send('ready')");
	add_wrong_port(r, out);
	if (r->is_first_thread_over)
		buf_adds(out, "; its first thread has ended, and others of its threads still run");
}

static void not_ready_yet(const struct reason *r, struct buf *out)
{
	static const char *const words[] = {
		[READY_AUTO] = "is not ready",
		[READY_ALIVE] = "has not been up for a second",
		[READY_LISTEN] = "is not listening on port",
		[READY_HEALTH] = "has not passed its health check",
		[READY_NOTIFY] = "has not sent READY=1",
		[READY_IPC] = "has not sent 'ready'",
		[READY_NOTIFY_FD] = "has not written a newline to NOTIFY_FD",
	};

	buf_addf(out, "%s %s", r->instance ? r->instance : "", words[r->expects]);
	if (r->expects == READY_LISTEN)
		buf_addf(out, " %lld", (long long)r->port);
	buf_adds(out, r->cause ? " yet (" : " yet (still starting");
	reason_text(r->cause, out);
	buf_addc(out, ')');
}

static void not_held(const struct reason *r, struct buf *out)
{
	static const struct {
		int number;
		const char *words;
	} known[] = {
		{ EMFILE, "it listens on too many sockets there" },
		{ ENOSPC, "there is no room for another socket" },
		{ EBUSY, "the program reads the notifications of its own seccomp filter" },
		{ EOPNOTSUPP, "the kernel cannot balance a socket of its kind" },
		{ EADDRINUSE, "another app shares the port" },
	};
	const char *words = strerror((int)r->number);

	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
		if (known[k].number == r->number)
			words = known[k].words;
	buf_addf(out, "its socket on port %lld cannot be held by the gate: %s", (long long)r->port, words);
}

static void not_behind_gate(const struct reason *r, struct buf *out)
{
	buf_addf(out, "it cannot share port %lld: ", (long long)r->port);
	if (r->cause)
		reason_text(r->cause, out);
	else
		buf_adds(out,
			"it listens there, and the gate did not see how (by io_uring, as a 32-bit program, on a "
			"socket that it was given, or, with gate = \"preload\", as a static program)");
	buf_adds(out, "; set port_mode = \"each\" in its oxfile");
}

static void port_taken(const struct reason *r, struct buf *out)
{
	buf_addf(out, "port %lld is held by ", (long long)r->port);
	if (r->pid)
		buf_addf(out, "pid %lld '%s'", (long long)r->pid, r->command ? r->command : "");
	else
		buf_adds(out, r->command ? r->command : "somebody else");
}

static void stranger_text(const struct reason *r, struct buf *out)
{
	const char *name = r->instance ? r->instance : "";

	if (r->pid)
		buf_addf(out, "port %lld is answered by pid %lld '%s', which is not %s's", (long long)r->port,
			(long long)r->pid, r->command ? r->command : "", name);
	else
		buf_addf(
			out, "port %lld is answered by a process that is not %s's", (long long)r->port, name);
}

static void not_believed(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%s came from pid %lld", r->detail ? r->detail : "", (long long)r->pid);
	if (r->command && *r->command)
		buf_addf(out, " '%s'", r->command);
	buf_adds(out, ", which is not its own; not believed");
}

static void connections_left(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%lld connection%s open after drain_secs", (long long)r->count,
		r->count == 1 ? " is still" : "s are still");
}

static void restart_waits(const struct reason *r, struct buf *out)
{
	const char *app = r->app ? r->app : "";

	reason_text(r->cause, out);
	if (r->limit > 1)
		buf_addf(out, "; restarted once fewer than %lld of %s are down for their health",
			(long long)r->limit, app);
	else
		buf_addf(out, "; restarted once no other of %s is down for its health", app);
}

/* One alone has no port; when there are more, it gets one with its next process. */
static void port_moves(const struct reason *r, struct buf *out)
{
	if (r->port)
		buf_addf(out, "was started with port %lld; its next start has port %lld", (long long)r->port,
			(long long)r->next_port);
	else
		buf_addf(out, "was started without a port; its next start has port %lld",
			(long long)r->next_port);
}

static void no_end(const struct reason *r, struct buf *out)
{
	buf_adds(out, "no end within ");
	add_secs(r->ms, out);
	buf_adds(out, " s");
	if (r->is_unkillable)
		buf_adds(out, ", and SIGKILL did not end it either");
	if (r->detail && *r->detail)
		buf_addf(out, ": %s", r->detail);
}

static void instance_failed(const struct reason *r, struct buf *out)
{
	buf_addf(out, "%s%s: ", r->instance ? r->instance : "", r->is_spare ? " (a spare)" : "");
	reason_text(r->cause, out);
}

static void (*const functions[REASON_KIND_COUNT])(const struct reason *r, struct buf *out) = {
	[REASON_EXITED] = crash,
	[REASON_KILLED] = crash,
	[REASON_UNSEEN] = crash,
	[REASON_FAILED_START] = crash,
	[REASON_FAILED_CHECK] = crash,
	[REASON_NOT_STARTED] = not_started,
	[REASON_LIMIT_RESTART] = limit_restart,
	[REASON_ENDED] = ended,
	[REASON_ENDED_UNSEEN] = ended,
	[REASON_IN_BACKGROUND] = in_background,
	[REASON_LEFT_BEHIND] = in_background,
	[REASON_AWAITS_READY] = awaits_ready,
	[REASON_NOT_READY] = not_ready,
	[REASON_NOT_READY_YET] = not_ready_yet,
	[REASON_NOT_HELD] = not_held,
	[REASON_NOT_BEHIND_GATE] = not_behind_gate,
	[REASON_PORT_TAKEN] = port_taken,
	[REASON_STRANGER] = stranger_text,
	[REASON_NOT_BELIEVED] = not_believed,
	[REASON_CONNECTIONS_LEFT] = connections_left,
	[REASON_RESTART_WAITS] = restart_waits,
	[REASON_PORT_MOVES] = port_moves,
	[REASON_NO_END] = no_end,
	[REASON_INSTANCE_FAILED] = instance_failed,
	[REASON_DEPLOYED] = deployed_text,
	[REASON_STOPPED_MEANWHILE] = stopped_meanwhile_text,
	[REASON_NOT_DEPLOYED] = not_deployed_text,
};

void reason_text(const struct reason *r, struct buf *out)
{
	if (r && functions[r->kind])
		functions[r->kind](r, out);
	else if (r && texts[r->kind])
		add_by_table(r, texts[r->kind], out);
}
