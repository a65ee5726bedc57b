/*
 * What an app may go back to when its rollout fails: instances that were added meanwhile need ports of that revision too.
 */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/changeset.h"
#include "herd/deploy.h"

bool change_is_scaled(const struct change *d)
{
	return d->count != d->was || d->scaled != d->app->scaled;
}

/* How many it may go back to, by a revision that is not the one to come; 0: there is nothing to go back to. */
static int back_count(const struct change *d)
{
	const struct app *a = d->app;

	if (!a || a->is_deleting || !a->rollout || a->current == a->target)
		return 0;
	return !d->is_changed && change_is_scaled(d) ? d->count : a->rollout->back_count;
}

/* It is to have a block, which is or becomes the one that it goes back to. */
static bool is_same_block(const struct change *d)
{
	const struct revision *from = d->app->current;
	const struct revision *to = d->app->target;
	bool is_block = !d->spec->port && !spec_env_port(d->spec);

	for (int k = 0; is_block && k < from->ports_len && k < to->ports_len; k++)
		is_block = !from->ports[k] || from->ports[k] == to->ports[k];
	return is_block;
}

bool change_lacks_back(const struct change *d, int *have, int *need)
{
	const struct revision *r = d->app ? d->app->current : NULL;
	bool is_known = false;

	*need = back_count(d);
	if (!*need)
		return false;
	*have = revision_port(r, 0) ? r->ports_len : 0;
	/* The first one says which are the next. */
	is_known = *have && (r->port_source != PORT_BLOCK || r->spec->port_mode == PORT_SHARED);
	return *have < *need && (is_known || (*need > 1 && !is_same_block(d)));
}

int64_t revision_next_port(const struct revision *r, int number)
{
	int64_t step = r->spec->port_mode == PORT_SHARED ? 0
		: r->spec->port_step > 1                 ? r->spec->port_step
							 : 1;

	ASSERT(revision_port(r, 0), "the ports of revision %d begin nowhere", r->number);
	return r->ports[0] + number * step;
}

void port_row_reach(struct port_row *row, int end)
{
	if (end <= row->len)
		return;
	row->ports = mem_resize(row->ports, (size_t)end, sizeof(*row->ports));
	memset(row->ports + row->len, 0, (size_t)(end - row->len) * sizeof(*row->ports));
	row->len = end;
}

void change_begin_back(struct change *d)
{
	const struct revision *r = d->app ? d->app->current : NULL;
	int have = 0;
	int need = 0;

	if (!change_lacks_back(d, &have, &need))
		return;
	ASSERT(!d->back.len, "'%s' goes back to two rows of ports", d->spec->name);
	port_row_reach(&d->back, need);
	d->back.source = r->port_source;
	for (int n = 0; n < need && have; n++)
		d->back.ports[n] = n < have ? r->ports[n] : (int)revision_next_port(r, n);
}
