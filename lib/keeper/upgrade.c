/*
 * The keeper becomes another build of itself by exec: same process, same children, and what it knows in its handover.  A build that cannot continue
 * gives the place back to the one before, whose program is held open: the new keeper when it cannot read the handover, and when the new brain
 * does not serve.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "keeper/handover.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "keeper/lock.h"
#include "keeper/reap.h"
#include "keeper/tree.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/oom.h"

extern char **environ;

enum { WORDS = 20, DIGITS = 24, PROC_PATH = 64 };

static void set_flags(int fd, int flags)
{
	(void)fcntl(fd, F_SETFD, flags);
}

/* --- becoming another --- */

/* What the next one is called with. */
struct exec_call {
	const char *words[WORDS + 1];
	size_t count;
	char numbers[WORDS][DIGITS];
};

static void say(struct exec_call *c, const char *word)
{
	if (!ASSERT_OR(c->count < WORDS, "'%s' does not fit into the call of the next keeper", word))
		return;
	c->words[c->count++] = word;
}

static void say_number(struct exec_call *c, const char *option, int64_t value)
{
	char *text = c->numbers[c->count];

	ASSERT(c->count + 1 < WORDS, "%s does not fit into the call of the next keeper", option);
	(void)snprintf(text, DIGITS, "%lld", (long long)value);
	say(c, option);
	say(c, text);
}

struct successor {
	const char *program, *brain;
	const char *failed; /* NULL, or why the place is given back */
	int handover,
		back; /* descriptors; `back` is of the program that takes over again if need be, or -1 */
};

static void fill_call(struct exec_call *c, const struct keeper_options *o, const struct successor *n)
{
	say(c, "oxherd");
	say(c, "--brain");
	say(c, n->brain);
	say_number(c, "--patience", o->patience_ms);
	say_number(c, "--grace", o->grace_ms);
	/* An earlier build knows no such option. */
	if (o->answer_ms != KEEPER_ANSWER_MS)
		say_number(c, "--answer", o->answer_ms);
	if (o->without_cgroups)
		say(c, "--no-cgroups");
	if (o->is_verbose)
		say(c, "--verbose");
	say_number(c, "--luggage", n->handover);
	if (n->back >= 0)
		say_number(c, "--back", n->back);
	if (n->failed) {
		say(c, "--failed");
		say(c, n->failed);
	}
}

/* Only comes back when it fails: then all is as it was, and errno says why. */
static void become(const struct keeper_options *o, const struct handover *l, const struct successor *n)
{
	struct exec_call call = { .count = 0 };
	int number = 0;

	ASSERT(n->handover >= 0 && n->program && n->brain, "the next keeper is executed without a handover");
	fill_call(&call, o, n);
	handover_each_fd(l, set_flags, 0);
	set_flags(n->handover, 0);
	if (n->back >= 0)
		set_flags(n->back, 0);
	(void)execve(n->program, (char *const *)call.words, environ);
	number = errno;
	handover_each_fd(l, set_flags, FD_CLOEXEC);
	set_flags(n->handover, FD_CLOEXEC);
	if (n->back >= 0)
		set_flags(n->back, FD_CLOEXEC);
	errno = number;
}

static const char *proc_path(char text[PROC_PATH], int fd)
{
	(void)snprintf(text, PROC_PATH, "/proc/%d/fd/%d", (int)getpid(), fd);
	return text;
}

/* Packs, and becomes what `n` says; the limit on descriptors and oom_score_adj go back to what they were at first, so that the next one finds that. */
static int hand_over(struct keeper *k, struct successor *n, struct err *e)
{
	struct handover l;
	struct rlimit now;

	n->handover = handover_pack(k, e);
	if (n->handover < 0)
		return -1;
	if (handover_unpack(&l, n->handover, e) == 0) {
		(void)getrlimit(RLIMIT_NOFILE, &now);
		(void)setrlimit(RLIMIT_NOFILE, &k->nofile);
		if (k->oom != OOM_KEEP)
			(void)oom_set_score(k->oom);
		become(k->options, &l, n);
		err_sys(e, errno, "cannot execute '%s'", n->program);
		(void)setrlimit(RLIMIT_NOFILE, &now);
		if (k->oom != OOM_KEEP)
			(void)oom_set_score(OOM_DAEMON);
		handover_release(&l);
	}
	fd_close(&n->handover);
	return -1;
}

/* --- asked for --- */

static int check_programs(const struct keeper_msg *m, struct err *e)
{
	const char *paths[] = { m->keeper_path, m->brain_path };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (*paths[i] != '/' || access(paths[i], X_OK) < 0)
			return err_sys(e, *paths[i] == '/' ? errno : EINVAL, "cannot execute '%s'", paths[i]);
	return 0;
}

int upgrade_requested(struct keeper *k, const struct keeper_msg *m, struct err *e)
{
	char path[PROC_PATH];
	struct successor next = {
		.program = m->keeper_path, .brain = m->brain_path, .handover = -1, .back = -1
	};
	int before = k->upgrade.old_brain;

	if (k->stopping != NOT_STOPPING)
		return err_set(e, "the daemon is being stopped");
	if (k->upgrade.is_proving)
		return err_set(e, "an upgrade is under way");
	if (check_programs(m, e) < 0)
		return -1;
	ASSERT(k->brain.slot.pid > 1, "an upgrade is asked for by pid %d", (int)k->brain.slot.pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)k->brain.slot.pid);
	k->upgrade.old_brain = open(path, O_RDONLY | O_CLOEXEC);
	next.back = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (next.back < 0 || k->upgrade.old_brain < 0)
		err_sys(e, errno, "cannot hold on to the programs that run now");
	else
		(void)hand_over(k, &next, e);
	fd_close(&next.back);
	/* After an upgrade that failed the brain is started by this one. */
	fd_close(&k->upgrade.old_brain);
	k->upgrade.old_brain = before;
	return -1;
}

/* --- begun by one before --- */

static void resume_slot(struct keeper *k, const struct handover_slot *from)
{
	const struct ledger_record *r = &from->record;
	struct slot *s = slots_new(&k->slots, (struct keeper_ticket){ r->slot, r->generation }, r->name);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

	if (!s)
		return;
	ledger_take(s, r);
	s->was_adopted = from->was_adopted;
	s->has_failure = from->has_failure;
	s->ended_ticks = from->ended_ticks;
	s->is_self_ended = from->is_self_ended;
	s->stopping_at = from->stopping_at;
	s->report_fd = (int)from->report;
	gate_resume_slot(k->gate, s, from);
	if (from->is_child)
		slots_born(&k->slots, s, s->pid);
	else if (from->pidfd >= 0)
		slots_adopted(&k->slots, s, (int)from->pidfd);
	if (s->report_fd >= 0)
		(void)epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, s->report_fd, &event);
	if (s->pidfd >= 0)
		(void)epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, s->pidfd, &event);
	slots_know_session(&k->slots, s);
	slots_set_pending(&k->slots, s, (unsigned int)from->pending);
	ASSERT(slots_find(&k->slots, s->ticket) == s, "%s was handed over, and cannot be found", s->name);
}

/* Once it is known which slots have cgroups. */
static void resume_end(struct keeper *k, const struct handover_slot *from)
{
	struct slot *s =
		slots_find(&k->slots, (struct keeper_ticket){ from->record.slot, from->record.generation });

	if (!s || s->is_gone)
		return;
	if (from->tree_signal > 0 && from->tree_signal <= SIGRTMAX)
		(void)kill_signal_tree(&k->slots, s, (int)from->tree_signal);
	ASSERT(!s->is_ending && !s->is_killing, "%s was handed over twice", s->name);
	slots_set_busy(&k->slots, s, from->is_ending, from->is_killing);
	if (from->rest_signal > 0 && from->rest_signal <= SIGRTMAX) {
		s->rest_signal = (int)from->rest_signal;
		/* Its record has it as not sent yet, for a keeper that comes without a handover. */
		s->signalled |= SIGNALLED_REST;
	}
	slots_kill_at(&k->slots, s, from->kill_at);
}

static void resume_slots(struct keeper *k, const struct handover *l)
{
	struct handover_slot s;

	for (size_t i = 0; i < (size_t)l->head.slots; i++) {
		handover_slot(l, i, &s);
		resume_slot(k, &s);
	}
	ledger_resume(&k->ledger, &k->slots);
	groups_settle(&k->groups, &k->slots);
	for (size_t i = 0; i < (size_t)l->head.slots; i++) {
		handover_slot(l, i, &s);
		resume_end(k, &s);
	}
	if (k->slots.busy || k->slots.tree_signals)
		keeper_kill_soon(k);
	ASSERT(k->slots.count <= (int)l->head.slots, "%d slots came with a handover of %lld", k->slots.count,
		(long long)l->head.slots);
}

static void resume_brain(struct keeper *k, const struct handover_head *h)
{
	struct keeper_brain *b = &k->brain;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &b->sock };

	ASSERT(!b->slot.is_child && b->sock < 0, "a brain is handed over beside pid %d", (int)b->slot.pid);
	b->was_served = true;
	b->has_served = h->brain_has_served;
	b->started_at = h->brain_started_at;
	b->pending.signals = h->signals;
	b->slot.report_fd = (int)h->brain_report;
	if (h->brain_pid) {
		slots_born(&k->slots, &b->slot, (pid_t)h->brain_pid);
		b->slot.start_time = h->brain_start_time;
		b->slot.state = KEEPER_STATE_RUNNING;
	}
	b->sock = (int)h->brain_sock;
	if (b->sock >= 0 && epoll_ctl(k->slots.epoll, EPOLL_CTL_ADD, b->sock, &event) == 0)
		b->watched = EPOLLIN;
	b->is_synced = h->brain_is_synced;
}

static void resume_held(struct keeper *k, const struct handover *l)
{
	for (size_t i = 0; i < (size_t)l->head.held; i++) {
		struct handover_held h;
		int fd = -1;

		handover_held(l, i, &h);
		fd = (int)h.fd;
		(void)fd_store_put(&k->held, h.name, &fd);
	}
}

static void set_verdict(struct keeper *k, int number, const char *words)
{
	ASSERT(words, "an upgrade ends with error %d and no words", number);
	k->upgrade.has_verdict = true;
	k->upgrade.number = number;
	(void)snprintf(k->upgrade.words, sizeof(k->upgrade.words), "%.*s", KEEPER_WORDS_MAX, words);
	k->brain.pending.upgraded = true;
}

void upgrade_resume(struct keeper *k)
{
	const struct keeper_options *o = k->options;
	const struct handover *l = o->handover;

	int handover_fd = o->handover_fd;

	ASSERT(l && !k->slots.count, "a handover comes to a keeper that has %d slots", k->slots.count);
	/* From here on there is no way back but for want of a brain. */
	handover_each_fd(l, set_flags, FD_CLOEXEC);
	fd_close(&handover_fd);
	if (o->back_fd >= 0)
		set_flags(o->back_fd, FD_CLOEXEC);
	resume_slots(k, l);
	gate_resume(k->gate, l);
	resume_held(k, l);
	resume_brain(k, &l->head);
	k->upgrade.old_brain = (int)l->head.old_brain;
	k->upgrade.back = o->back_fd;
	k->upgrade.is_proving = !o->failed;
	k->upgrade.old_pid = (pid_t)l->head.brain_pid;
	k->upgrade.deadline = clock_ms() + UPGRADE_LEAVE_MS;
	if (o->failed) {
		log_warn("upgrade: %s; oxherd %s continues", o->failed, ox_version);
		set_verdict(k, EIO, o->failed);
	} else {
		log_info("upgrade: oxherd %s has taken over, with %d processes", ox_version, k->slots.count);
		set_verdict(k, 0, ox_version);
	}
	/* Whom they have with them now is remembered; and SIGCHLD of those who ended meanwhile may be lost. */
	if (k->slots.count)
		(void)tree_look(&k->slots, o->token);
	(void)reap_all(&k->slots);
	if (slot_has_ended(&k->brain.slot))
		brain_ended(k);
	else if (!k->brain.slot.pid)
		brain_start(k);
	send_pending(k);
}

/* --- proving --- */

static void give_back(struct keeper *k, const char *words)
{
	char program[PROC_PATH], brain[PROC_PATH];
	struct err e = ERR_INIT;
	struct successor next = { .handover = -1, .back = -1, .failed = words };

	ASSERT(k->upgrade.is_proving, "the place is given back after the upgrade (%s)", words);
	log_warn("upgrade: %s; the old programs take over again", words);
	if (k->brain.slot.is_child)
		(void)kill_child(k->brain.slot.pid, SIGKILL);
	(void)snprintf(program, sizeof(program), "/proc/self/fd/%d", k->upgrade.back);
	next.program = program;
	next.brain = proc_path(brain, k->upgrade.old_brain);
	(void)hand_over(k, &next, &e);
	log_error("upgrade: %s; this keeper continues", e.text.ptr);
	err_release(&e);
	upgrade_settled(k);
}

void upgrade_settled(struct keeper *k)
{
	if (!k->upgrade.is_proving)
		return;
	k->upgrade.is_proving = false;
	fd_close(&k->upgrade.back);
	fd_close(&k->upgrade.old_brain);
	ASSERT(k->upgrade.back < 0 && k->upgrade.old_brain < 0,
		"the upgrade is over, and the way back is open");
}

bool upgrade_is_handed_over(struct keeper *k, pid_t ended)
{
	if (!k->upgrade.is_proving || ended != k->upgrade.old_pid)
		return false;
	k->upgrade.old_pid = 0;
	k->brain.tries = 0;
	k->upgrade.deadline = clock_ms() + UPGRADE_PROVE_MS;
	return true;
}

void upgrade_brain_died(struct keeper *k)
{
	if (k->upgrade.is_proving && k->stopping == NOT_STOPPING && k->brain.tries >= BRAIN_TRIES)
		give_back(k, "the new brain ended 3 times before it served");
}

void upgrade_step(struct keeper *k, int64_t now)
{
	if (!k->upgrade.is_proving || k->stopping != NOT_STOPPING || now < k->upgrade.deadline)
		return;
	ASSERT(k->upgrade.deadline > 0, "the upgrade has no deadline");
	if (!k->upgrade.old_pid) {
		give_back(k, "the new brain did not serve in time");
		return;
	}
	log_warn("upgrade: the old brain does not exit: killed");
	k->upgrade.deadline = now + UPGRADE_LEAVE_MS;
	(void)kill_child(k->upgrade.old_pid, SIGKILL);
}

/* --- what oxherd itself calls --- */

static void options_of(struct keeper_options *o, const struct handover *l, const struct lock *lock)
{
	o->secret = &lock->secret;
	o->handover = l;
	o->token = l->head.token;
	o->run = handover_run(l);
	o->run_lock = (int)l->head.run_lock;
	o->state_lock = (int)l->head.state_lock;
	o->was_left = true;
	o->ready_fd = -1;
}

/* What cannot be read, or cannot be begun with, is left as it came, descriptors and all, for the one that packed it. */
static void return_unread(const struct keeper_options *o, int handover_fd, const char *words)
{
	struct exec_call call = { .count = 0 };
	char program[PROC_PATH];
	const struct successor next = {
		.program = proc_path(program, o->back_fd),
		.brain = o->brain,
		.failed = words,
		.handover = handover_fd,
		.back = -1,
	};

	fill_call(&call, o, &next);
	set_flags(o->back_fd, FD_CLOEXEC);
	(void)execve(next.program, (char *const *)call.words, environ);
}

/* The locks that came with the handover, and the secret that stands in them. */
static int find_lock(struct lock *lock, const struct handover *l, struct err *e)
{
	*lock = (struct lock){ .run_fd = (int)l->head.run_lock, .state_fd = (int)l->head.state_lock };
	(void)snprintf(lock->token, sizeof(lock->token), "%.*s", LOCK_TOKEN_LEN, l->head.token);
	lock->run = mem_strdup(handover_run(l));
	return lock_find_secret(lock, e);
}

int keeper_resume(struct keeper_options *o, int handover_fd, struct err *e)
{
	struct handover l;
	struct lock lock = LOCK_INIT;
	struct rlimit nofile;
	char brain[PROC_PATH];
	int rc = -1;

	(void)assertions_survive();
	rc = handover_unpack(&l, handover_fd, e);
	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	if (rc == 0)
		rc = find_lock(&lock, &l, e);
	if (rc < 0 && o->back_fd >= 0)
		return_unread(o, handover_fd, e->text.ptr);
	if (rc < 0)
		goto out;
	options_of(o, &l, &lock);
	o->handover_fd = handover_fd;
	if (o->failed)
		o->brain = proc_path(brain, (int)l.head.old_brain);
	rc = keeper_run(o, e);
	if (rc == 0)
		lock_sign_off(&lock);
	if (rc == KEEPER_UNBEGUN && o->back_fd >= 0) {
		(void)setrlimit(RLIMIT_NOFILE, &nofile);
		return_unread(o, handover_fd, e->text.ptr);
	}
out:
	lock_release(&lock);
	handover_release(&l);
	return rc;
}
