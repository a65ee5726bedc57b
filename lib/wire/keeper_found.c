#include "wire/keeper_found.h"

#include "base/mem.h"

static void found_free(void *item)
{
	struct keeper_found *f = item;

	mem_free(f->name);
	mem_free(f);
}

void keeper_found_release(struct vec *found)
{
	vec_release_with(found, found_free);
}

void keeper_found_slot(struct vec *found, const struct keeper_msg *m)
{
	struct keeper_found *f = mem_zalloc(1, sizeof(*f));

	*f = (struct keeper_found){
		.ticket = { .slot = (uint32_t)m->ticket.slot, .generation = m->ticket.generation },
		.name = mem_strdup(m->name),
		.pid = m->pid,
		.state = m->state,
		.is_gone = m->is_gone,
	};
	vec_push(found, f);
}

void keeper_found_more(struct vec *found, const struct keeper_msg *m)
{
	struct keeper_found *f = NULL;
	size_t i = 0;

	VEC_EACH (found, i, f) {
		if (f->ticket.generation != m->ticket.generation)
			continue;
		if (m->kind == KEEPER_TREE_GONE)
			f->is_gone = true;
		if (m->kind == KEEPER_ASKED)
			f->is_asked = true;
		if (m->kind == KEEPER_TREE_GONE || m->kind == KEEPER_ASKED)
			continue;
		f->state = m->kind == KEEPER_EXITED ? KEEPER_STATE_EXITED : KEEPER_STATE_FAILED;
		f->status = m->status;
		f->wall_ms = m->wall_ms;
		f->stage = m->stage;
		f->number = m->number;
	}
}

bool keeper_found_has_ended(const struct keeper_found *f)
{
	return f->is_gone || f->state == KEEPER_STATE_EXITED || f->state == KEEPER_STATE_FAILED;
}

bool keeper_found_is_newest(const struct vec *found, const struct keeper_found *f)
{
	const struct keeper_found *other = NULL;
	size_t k = 0;

	VEC_EACH (found, k, other) {
		if (other->ticket.slot == f->ticket.slot && other->ticket.generation > f->ticket.generation)
			return false;
	}
	return true;
}
