/* Who of a list gets connections, and how a list becomes shorter. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/reuseport.h"
#include "rules/gate_program.h"

enum { RESET_MAX = 256 }; /* connections of a socket that is dropped */

_Static_assert(sizeof(struct gate_step) == 8, "a step is not what the kernel calls a struct sock_filter");

static struct gate_step steps[GATE_PROGRAM_MAX];

void gate_move_out(struct gate *g, struct gate_socket *h)
{
	struct gate_list *l = gate_list_of(g, h);
	int hole = h->index;

	if (!ASSERT_OR(hole >= 0 && hole < l->count, "socket %lld is number %d of %d", (long long)h->number,
		    hole, l->count))
		return;
	l->count--;
	h->index = -1;
	h->is_chosen = false;
	gate_announce(g, h);
	for (struct gate_socket *last = gate_first(g, l); last; last = gate_next(g, last))
		if (last->index == l->count) {
			last->index = hole;
			gate_announce(g, last);
		}
}

/* A process may do it again and again: the 1st, 2nd, 4th, 8th… time is logged. */
static bool is_due(uint64_t *count)
{
	uint64_t now = ++*count;

	return (now & (now - 1)) == 0;
}

/* A process may shut its socket down, and nobody says so. */
static void check_order(struct gate *g, struct gate_list *l)
{
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		if (h->index < 0 || reuseport_listens(h->fd))
			continue;
		if (is_due(&l->shut_down))
			log_warn("gate: a process has shut down its socket at port %d (%llu so far)",
				l->address.port, (unsigned long long)l->shut_down);
		gate_move_out(g, h);
	}
	ASSERT(l->count >= 0 && l->count <= l->total, "%d of %d sockets listen", l->count, l->total);
}

static bool is_chosen(const struct gate_socket *h)
{
	return h->index >= 0 && h->is_chosen;
}

/* Who serves, now or when the next one comes, is better than what nobody comes for. */
static int worth(const struct gate_socket *h)
{
	return (h->is_spare ? 0 : 1) + (h->freed_at ? 0 : 2);
}

/* A list has a chosen one always: without one the kernel would choose by itself. */
static void need_chosen(struct gate *g, struct gate_list *l)
{
	struct gate_socket *best = NULL;

	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		if (is_chosen(h))
			return;
		if (h->index >= 0 && (!best || worth(h) > worth(best)))
			best = h;
	}
	if (best)
		best->is_chosen = true;
}

/* The program, with marks for those below `count`, which all the chosen are. */
static int attach_below(struct gate *g, struct gate_list *l, int count)
{
	static bool takes[GATE_LIST_MAX];
	static int chosen[GATE_LIST_MAX];
	size_t chosen_count = 0;
	size_t len = 0;
	int fd = -1;

	if (!ASSERT_OR(count <= GATE_LIST_MAX, "a list has %d sockets", count)) {
		errno = E2BIG;
		return -1;
	}
	memset(takes, 0, sizeof(takes));
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		if (h->index >= 0)
			fd = h->fd;
		if (is_chosen(h) && h->index < count)
			takes[h->index] = true;
	}
	for (int i = 0; i < count; i++)
		if (takes[i])
			chosen[chosen_count++] = i;
	len = gate_program(steps, chosen, chosen_count, count);
	if (len)
		return reuseport_attach(fd, steps, len);
	errno = ENOBUFS;
	return -1;
}

int gate_attach(struct gate *g, struct gate_list *l)
{
	check_order(g, l);
	need_chosen(g, l);
	return l->count ? attach_below(g, l, l->count) : 0;
}

static void attach_or_warn(struct gate *g, struct gate_list *l)
{
	ASSERT(l->total > 0, "a list without a socket gets a program");
	if (gate_attach(g, l) < 0 && is_due(&l->failures))
		log_warn_sys(errno,
			"gate: cannot tell the kernel who gets the connections of port %d (%llu so far)",
			l->address.port, (unsigned long long)l->failures);
}

static struct gate_socket *living_chosen(struct gate *g, const struct gate_list *l)
{
	struct gate_socket *h = gate_first(g, l);

	while (h && !(is_chosen(h) && !h->freed_at))
		h = gate_next(g, h);
	return h;
}

void gate_leave_choice(struct gate *g, struct gate_list *l, uint64_t before)
{
	bool has_changed = false;

	ASSERT(before < g->frees, "nothing was freed after %llu", (unsigned long long)before);
	if (!living_chosen(g, l))
		return;
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		if (h->freed_at <= before || !h->is_chosen)
			continue;
		h->is_chosen = false;
		has_changed = true;
	}
	if (has_changed)
		attach_or_warn(g, l);
}

/* --- shorter lists --- */

static void close_socket(struct gate *g, struct gate_socket *h)
{
	ASSERT(h->is_spare, "socket %lld is closed, and somebody needs it", (long long)h->number);
	/* The brain may have it open. */
	reuseport_stop(h->fd);
	gate_release(g, h);
}

static bool is_idle(const struct gate_socket *h)
{
	return h->is_spare && !h->is_chosen;
}

/* How long it is when the spare ones at its end are gone. */
static int needed(struct gate *g, const struct gate_list *l)
{
	int count = 0;

	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		if (!is_idle(h) && h->index >= count)
			count = h->index + 1;
	ASSERT(count <= l->count, "%d of %d sockets are needed", count, l->count);
	return count;
}

/* From the end on, so that the kernel moves none into the place of another. */
static void close_from(struct gate *g, struct gate_list *l, int count)
{
	while (l->count > count) {
		struct gate_socket *h = gate_first(g, l);

		while (h && h->index != l->count - 1)
			h = gate_next(g, h);
		ASSERT(h, "nothing is number %d of its list", l->count - 1);
		if (!h)
			return;
		l->count--;
		close_socket(g, h);
	}
}

static void trim(struct gate *g, struct gate_list *l)
{
	int count = needed(g, l);

	if (count == l->count || !count)
		return;
	/* First no mark leads to them any more. */
	if (attach_below(g, l, count) < 0)
		log_warn_sys(errno, "gate: cannot close unused sockets at port %d", l->address.port);
	else
		close_from(g, l, count);
}

static bool is_all_spare(struct gate *g, const struct gate_list *l)
{
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		if (!h->is_spare)
			return false;
	return true;
}

static void close_all(struct gate *g, struct gate_list *l)
{
	struct gate_socket *h = NULL;

	for (int left = l->total; left > 0 && (h = gate_first(g, l)); left--)
		close_socket(g, h);
	l->count = 0;
	ASSERT(!l->total, "%d sockets are left of a list that ended", l->total);
}

/* Who gets connections in its place: one that is chosen too, or another that somebody needs. */
static bool has_heir(struct gate *g, const struct gate_list *l, const struct gate_socket *than)
{
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		if (h != than && h->index >= 0 && (h->is_chosen || !h->is_spare))
			return true;
	return false;
}

int gate_drop(struct gate *g, int64_t number)
{
	struct gate_socket *h = gate_find(g, number);
	struct gate_list *l = h ? gate_list_of(g, h) : NULL;

	if (!h || h->is_spare || !h->freed_at) {
		errno = h && !h->is_spare ? EBUSY : ESRCH;
		return -1;
	}
	gate_forget_announced(g, h);
	h->is_spare = true;
	if (is_all_spare(g, l)) {
		close_all(g, l);
		return 0;
	}
	if (h->index < 0) {
		close_socket(g, h);
		return 0;
	}
	if (h->is_chosen && has_heir(g, l, h)) {
		h->is_chosen = false;
		attach_or_warn(g, l);
	}
	/* Who gets it later is not to serve what waited for another. */
	if (!h->is_chosen)
		reuseport_reset_queue(h->fd, RESET_MAX);
	trim(g, l);
	return 0;
}

/* --- the brain's choice --- */

static struct gate_socket *choosable(struct gate *g, int64_t gate, int64_t number)
{
	struct gate_socket *h = gate_find(g, number);

	return h && !h->is_spare && h->index >= 0 && gate_list_of(g, h)->gate == gate ? h : NULL;
}

static int choose_in(struct gate *g, struct gate_list *l)
{
	bool is_named = false;

	ASSERT(l->total > 0, "a choice is made in a list without a socket");
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		is_named |= h->is_selected;
	if (!is_named)
		return 0;
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		bool was_chosen = h->is_chosen;

		h->is_chosen = h->is_selected;
		h->is_selected = was_chosen && is_idle(h);
	}
	if (gate_attach(g, l) < 0)
		return -1;
	/* Who gets a spare one later is not to serve what waited for another. */
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		if (h->is_selected && is_idle(h))
			reuseport_reset_queue(h->fd, RESET_MAX);
	trim(g, l);
	return 0;
}

int gate_choose(struct gate *g, int64_t gate, const struct keeper_numbers *numbers)
{
	int number = 0;

	/* A search may have left its own. */
	for (int i = 0; i < g->used_sockets; i++)
		g->sockets[i].is_selected = false;
	for (size_t i = 0; i < numbers->count; i++)
		if (!choosable(g, gate, keeper_numbers_at(numbers, i))) {
			errno = ESRCH;
			return -1;
		}
	for (size_t i = 0; i < numbers->count; i++)
		choosable(g, gate, keeper_numbers_at(numbers, i))->is_selected = true;
	for (int i = 0; i < g->used_lists; i++)
		if (g->lists[i].total && g->lists[i].gate == gate && choose_in(g, &g->lists[i]) < 0)
			number = errno;
	gate_note_choice(g, gate);
	errno = number;
	return number ? -1 : 0;
}

void gate_note_choice(struct gate *g, int64_t gate)
{
	for (struct slot *s = g->slots ? g->slots->first : NULL; s; s = s->next)
		s->gate.is_named = false;
	for (int i = 0; g->slots && i < g->used_sockets; i++) {
		const struct gate_socket *h = &g->sockets[i];
		struct slot *s =
			h->number && is_chosen(h) && !h->freed_at ? slots_find(g->slots, h->owner) : NULL;

		if (s)
			s->gate.is_named = true;
	}
	for (struct slot *s = g->slots ? g->slots->first : NULL; s; s = s->next) {
		if (s->gate.number != gate || s->gate.is_named == s->gate.is_chosen)
			continue;
		s->gate.is_chosen = s->gate.is_named;
		gate_ledger_note(&g->ledger, s);
	}
}
