#include "control/local_port_range.h"

#include "base/str.h"
#include "model/notes.h"
#include "model/plan.h"
#include "model/spec.h"
#include "os/file.h"
#include "rules/ports.h"

#define RANGE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

/* The kernel prints no longer list. */
enum { SETTING_MAX = 1024 * 1024 };

bool local_ports_meet(int first, int count, int step, struct buf *what, struct buf *todo)
{
	struct buf range = BUF_INIT;
	struct buf reserved = BUF_INIT;
	struct ephemeral_ports o;
	bool meets = false;

	if (file_read(RANGE, SETTING_MAX, &range, NULL) == 0) {
		(void)file_read(RESERVED, SETTING_MAX, &reserved, NULL);
		o = ephemeral_ports_read(range.ptr, reserved.ptr);
		meets = ephemeral_ports_meet(&o, first, count, step, what, todo);
	}
	buf_release(&range);
	buf_release(&reserved);
	return meets;
}

void local_ports_note(const struct spec *s, int count, struct notes *notes)
{
	struct buf what = BUF_INIT;
	struct buf todo = BUF_INIT;

	if (local_ports_meet((int)s->port, count, (int)s->port_step, &what, &todo))
		notes_add(notes, s->name, "%s; %s", what.ptr, todo.ptr);
	buf_release(&what);
	buf_release(&todo);
}

void local_ports_note_plan(const struct vec *specs, const struct plan *plan, struct notes *notes)
{
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (specs, i, s) {
		const struct plan_step *step = NULL;
		int count = 0;
		bool is_new = false;
		size_t k = 0;

		VEC_EACH (&plan->steps, k, step) {
			if (!str_eq(step->app, s->name) || step->verb == PLAN_REMOVE)
				continue;
			is_new |= step->verb == PLAN_START || step->verb == PLAN_MOVE;
			count++;
		}
		if (is_new)
			local_ports_note(s, count, notes);
	}
}
