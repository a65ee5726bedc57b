#include "keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/adopt.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "keeper/reap.h"
#include "keeper/spawn.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/oom.h"

enum { EVENTS_A_TURN = 64, KILL_PAUSE_MS = 20, KILL_PAUSE_MAX_MS = 1000, END_PAUSE_MAX_MS = 60000 };

/* Too large for a stack. */
static struct keeper keeper;

/* Instances cost descriptors: as many as we may have.  Children get the original limit back. */
static void raise_nofile(struct keeper *k)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &k->nofile) < 0)
		return;
	most = k->nofile;
	most.rlim_cur = most.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &most);
}

static int open_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 };
	sigset_t set;

	/* A signal that was ignored when we were started would never come, and children would inherit that. */
	for (int number = 1; number <= SIGRTMAX; number++)
		(void)signal(number, SIG_DFL);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Without it what is behind the gate cannot be started, and all else can. */
static void open_gate(struct keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN };

	k->gate = k->slots.gate = gate_open();
	k->gate->token = k->options->token;
	k->gate->slots = &k->slots;
	event.data.ptr = k->gate;
	if (k->gate->epoll < 0 || epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, k->gate->epoll, &event) < 0)
		log_warn_sys(errno, "gate: cannot wait for the calls of processes");
}

static int keeper_init(struct keeper *k, const struct keeper_options *options, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &k->signals };

	/* All zeros from the loader, once in a process: what is never touched takes no memory. */
	ASSERT(!k->options, "a keeper begins twice");
	k->options = options;
	k->failed_assertions = assertions_survive();
	k->ready_fd = options->ready_fd;
	k->slots.epoll = k->signals = -1;
	ledger_init(&k->ledger);
	k->slots.ledger = &k->ledger;
	k->slots.secret = options->secret;
	k->deadline = k->kill_at = -1;
	k->out = (struct buf)BUF_INIT;
	k->in = mem_alloc(KEEPER_MSG_MAX);
	k->groups.dir = k->groups.notify = k->upgrade.old_brain = k->upgrade.back = -1;
	raise_nofile(k);
	k->oom = OOM_KEEP;
	brain_init(k);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot become the parent of orphans");
	k->slots.epoll = epoll_create1(EPOLL_CLOEXEC);
	k->signals = open_signals();
	open_gate(k);
	if (k->slots.epoll < 0 || k->signals < 0 ||
		epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, k->signals, &event) < 0)
		return err_sys(e, errno, "cannot wait for signals");
	ASSERT(slot_is_brain(&k->brain.slot) && !k->slots.count, "a keeper begins with %d slots",
		k->slots.count);
	return 0;
}

static void open_groups(struct keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &k->groups };

	if (k->options->without_cgroups)
		return;
	groups_open(&k->groups, k->options->token);
	k->slots.groups = &k->groups;
	if (k->groups.notify >= 0)
		(void)epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, k->groups.notify, &event);
}

static void keeper_release(struct keeper *k)
{
	/* The ledger's file stays, for the next keeper. */
	k->slots.ledger = NULL;
	ledger_close(&k->ledger);
	if (k->gate)
		gate_ledger_close(&k->gate->ledger);
	while (k->slots.first)
		slots_free(&k->slots, k->slots.first);
	ASSERT(!k->slots.count && !k->slots.busy && !k->slots.tree_signals && !k->slots.kills_due,
		"no slot is left, and %d are counted, %d of them ending", k->slots.count, k->slots.busy);
	groups_close(&k->groups);
	gate_close(k->gate);
	fd_store_release_all(&k->held);
	brain_release(k);
	fd_close(&k->upgrade.back);
	fd_close(&k->upgrade.old_brain);
	buf_release(&k->out);
	mem_free(k->in);
	fd_close(&k->ready_fd);
	fd_close(&k->signals);
	fd_close(&k->slots.epoll);
}

static void call_round(struct keeper *k)
{
	k->kill_is_due = true;
	k->kill_at = k->kill_rest_at;
}

void keeper_kill_soon(struct keeper *k)
{
	k->is_killing = true;
	k->kill_pause_ms = KILL_PAUSE_MS;
	call_round(k);
}

void keeper_kill_later(struct keeper *k)
{
	k->is_killing = true;
	k->kill_pause_ms = KILL_PAUSE_MS;
	if (!k->kill_is_due)
		k->kill_at = clock_ms() + KILL_PAUSE_MS;
	ASSERT(k->kill_at >= 0, "trees are ending, and nobody looks at them");
}

static void handle_signal_number(struct keeper *k, int number)
{
	ASSERT(number > 0 && number < 64, "signal %d came", number);
	if (number == SIGTERM || number == SIGINT || number == SIGQUIT)
		stop_requested(k);
	/* While everything is being stopped, other signals mean nothing. */
	else if (number != SIGCHLD && k->stopping == NOT_STOPPING)
		send_signal_note(k, number);
	/* A client has had no answer from the brain for a while. */
	if (number == SIGUSR1) {
		folders_check(k);
		ping_due(k);
	}
}

static void read_signals(struct keeper *k)
{
	struct signalfd_siginfo info;
	bool has_ended = false;

	while (read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		has_ended |= info.ssi_signo == SIGCHLD;
		handle_signal_number(k, (int)info.ssi_signo);
	}
	if (has_ended)
		ping_check_stopped(k);
	if (has_ended && reap_all(&k->slots) && slot_has_ended(&k->brain.slot))
		brain_ended(k);
}

/* Killed processes may hide, and orphans of adopted ones end without a signal; of all others we get SIGCHLD. */
static int64_t longest_pause(const struct keeper *k)
{
	return k->slots.killing || k->stopping == STOPPING_KILLING || slots_has_adopted(&k->slots) ||
			k->groups.is_deaf
		? KILL_PAUSE_MAX_MS
		: END_PAUSE_MAX_MS;
}

/*
 * A round when something died, or when a while has passed: the deaths drive it, and the pause is for what no signal tells.  Only such a
 * late round is thorough.  A walk through /proc costs as much as there are processes: after one the deaths of as long a time are gathered.
 */
static void kill_if_due(struct keeper *k, int64_t now)
{
	bool is_sweep = k->stopping == STOPPING_KILLING;
	bool is_late = false;
	int left = 0;

	if (k->slots.has_new_end)
		keeper_kill_later(k);
	k->slots.has_new_end = false;
	if (k->slots.kills_due && k->stopping < STOPPING_SIGNALLED && kill_overdue(&k->slots, now))
		keeper_kill_soon(k);
	if (!k->is_killing)
		return;
	if (k->slots.wants_walk && !k->kill_is_due)
		call_round(k);
	if (!is_sweep && !k->slots.busy && !k->slots.tree_signals) {
		k->is_killing = k->kill_is_due = false;
		k->kill_at = -1;
		return;
	}
	if (now < k->kill_at)
		return;
	ASSERT(k->kill_pause_ms > 0, "trees are looked at every %lld ms", (long long)k->kill_pause_ms);
	is_late = !k->kill_is_due;
	left = kill_round(&k->slots, is_sweep, is_late, k->options->token);
	k->kill_rest_at = 2 * clock_ms() - now;
	k->kill_is_due = false;
	k->is_killing = left > 0;
	k->kill_at = left ? now + k->kill_pause_ms : -1;
	if (is_late && k->kill_pause_ms < longest_pause(k))
		k->kill_pause_ms *= 2;
	ASSERT(left >= 0 && k->is_killing == (left > 0), "%d trees are left", left);
}

static void retry_brain(struct keeper *k, int64_t now)
{
	if (k->brain.retry_at < 0 || now < k->brain.retry_at || k->stopping >= STOPPING_SIGNALLED)
		return;
	ASSERT(!k->brain.slot.is_child, "the next brain is due beside pid %d", (int)k->brain.slot.pid);
	brain_start(k);
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* -1 unless something is due: nothing ticks. */
static int wait_ms(const struct keeper *k)
{
	int64_t at = k->deadline;
	int64_t left = 0;

	if (k->stopping < STOPPING_SIGNALLED) {
		at = sooner(at, k->brain.retry_at);
		at = sooner(at, k->slots.kill_at ? k->slots.kill_at : -1);
	}
	if (k->is_killing)
		at = sooner(at, k->kill_at);
	if (k->upgrade.is_proving && k->stopping == NOT_STOPPING)
		at = sooner(at, k->upgrade.deadline);
	at = sooner(at, k->brain.ping.look_at);
	if (at < 0)
		return -1;
	left = at - clock_ms();
	ASSERT(at >= 0, "the keeper waits until %lld ms", (long long)at);
	return left < 0 ? 0 : (int)(left < INT32_MAX ? left : INT32_MAX);
}

/* The report of an exec, or the end of an adopted process. */
static void handle_report(struct keeper *k, struct slot *s)
{
	if (!ASSERT_OR(s->pidfd >= 0 || s->report_fd >= 0, "%s has nothing to report", s->name))
		return;
	if (s->pidfd >= 0) {
		adopt_ended(&k->slots, s);
		return;
	}
	if (!spawn_settle(&k->slots, s) || slot_is_brain(s) || s->has_failure)
		return;
	slots_set_pending(&k->slots, s, PENDING_SPAWNED);
}

static void settle_report(void *context, struct slot *s)
{
	if (s->report_fd >= 0)
		handle_report(context, s);
}

/* Reports first: after them slots may be given back, and what points to one would point to nothing. */
static void handle_ready(struct keeper *k, const struct epoll_event *events, int count)
{
	bool has_signal = false;
	bool has_brain = false;
	bool has_group = false;
	bool has_gate = false;

	for (int i = 0; i < count; i++) {
		void *whose = events[i].data.ptr;

		if (whose == &k->signals)
			has_signal = true;
		else if (whose == &k->brain.sock)
			has_brain = true;
		else if (whose == &k->groups)
			has_group = true;
		else if (whose == k->gate)
			has_gate = true;
		else
			handle_report(k, whose);
	}
	if (has_signal)
		read_signals(k);
	if (has_group)
		groups_read_events(&k->slots, kill_group_changed);
	if (has_gate)
		gate_receive(&k->slots, k->gate, settle_report, k);
	if (has_brain)
		receive(k);
}

static void open_ledger(struct keeper *k)
{
	struct err why = ERR_INIT;

	if (ledger_open(&k->ledger, k->options->run, k->options->was_left, &why) < 0)
		log_warn("%s; should this keeper be killed, the next one finds processes by their marks only",
			why.text.ptr);
	gate_ledger_open(&k->gate->ledger, k->options->run, k->options->was_left);
	err_release(&why);
}

static int adopt_left(struct keeper *k, struct err *e)
{
	open_ledger(k);
	return k->options->was_left ? adopt_all(&k->slots, k->options->token, e) : 0;
}

/* Adopts what a dead keeper left, or continues after an exec. */
static int begin_keeper(struct keeper *k, struct err *e)
{
	k->oom = oom_protect();
	open_groups(k);
	if (k->options->handover) {
		open_ledger(k);
		upgrade_resume(k);
		return 0;
	}
	if (adopt_left(k, e) < 0)
		return -1;
	groups_settle(&k->groups, &k->slots);
	kill_resume_ends(&k->slots);
	brain_start(k);
	return 0;
}

/* What to wait for at the brain's socket, as things stand: a system call only when that has changed. */
static void watch_brain(struct keeper *k)
{
	struct keeper_brain *b = &k->brain;
	const struct pending_messages *d = &b->pending;
	bool listens = !d->has_reply && !d->hello && !d->synced;
	struct epoll_event event = {
		.events = (listens ? EPOLLIN : 0U) | (b->wants_out ? EPOLLOUT : 0U),
		.data.ptr = &b->sock,
	};

	if (b->sock < 0 || event.events == b->watched)
		return;
	if (epoll_ctl(k->slots.epoll, EPOLL_CTL_MOD, b->sock, &event) < 0)
		log_warn_sys(errno, "cannot watch the brain");
	b->watched = event.events;
}

static int keeper_loop(struct keeper *k, struct err *e)
{
	struct epoll_event events[EVENTS_A_TURN];

	if (begin_keeper(k, e) < 0)
		return -1;
	while (k->stopping != STOPPING_DONE && !k->gave_up) {
		int64_t now = 0;
		int count = 0;

		watch_brain(k);
		count = epoll_wait(k->slots.epoll, events, EVENTS_A_TURN, wait_ms(k));
		if (count < 0 && errno != EINTR)
			return err_sys(e, errno, "cannot wait for anything");
		handle_ready(k, events, count);
		now = clock_ms();
		kill_if_due(k, now);
		if (k->stopping != NOT_STOPPING)
			stop_step(k, now);
		if (k->upgrade.is_proving)
			upgrade_step(k, now);
		ping_step(k, now);
		retry_brain(k, now);
		send_pending(k);
	}
	if (k->gave_up)
		return k->brain.slot.has_failure
			? err_sys(e, k->brain.slot.number, "the brain '%s': %s", k->options->brain,
				  keeper_spawn_stage_words(k->brain.slot.stage))
			: err_set(e, "the brain '%s' ended %d times before it served", k->options->brain,
				  BRAIN_TRIES);
	return k->left_some ? err_set(e, "some processes could not be killed") : 0;
}

int keeper_check(const char *run, struct err *e)
{
	return ledger_check(run, e);
}

int keeper_run(const struct keeper_options *options, struct err *e)
{
	struct keeper *k = &keeper;
	int rc = keeper_init(k, options, e) < 0 ? KEEPER_UNBEGUN : 0;

	if (rc == 0)
		rc = keeper_loop(k, e);
	keeper_release(k);
	return rc;
}
