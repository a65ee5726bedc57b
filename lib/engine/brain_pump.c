/*
 * The brain's side of the logs: which instances have one, and who hears when a disk is full.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"
#include "os/rights.h"

/* It may come from inside a wish of the herd: it is told in a turn of its own. */
static void on_log_trouble(void *context, const char *name, const char *words)
{
	struct brain *b = context;
	const struct instance *i = b->is_synced ? herd_find(b->herd, name) : NULL;

	if (!i) {
		log_warn("%s: %s", name, words);
		return;
	}
	brain_fact(b,
		(struct fact){
			.kind = FACT_NOTE,
			.ticket = instance_ticket(i),
			.words = mem_strdup(words),
		});
	ev_feed_event(b->loop, &b->due, EV_TIMER);
}

static const struct pump_calls pump_calls = {
	.written = brain_log_written,
	.begun = brain_log_written,
	.trouble = on_log_trouble,
};

int brain_open_pump(struct brain *b, struct err *e)
{
	char *pipes = path_join(b->options.dirs->run, "pipes");
	char *inflight = path_join(b->options.dirs->run, "inflight");
	struct pump_options options = {
		.loop = b->loop,
		.pipes = pipes,
		.logs = b->options.dirs->log,
		.inflight = inflight,
		.keeper = b->keeper,
		.calls = &pump_calls,
		.context = b,
	};

	if (mkdir(pipes, 0700) < 0 && errno != EEXIST)
		err_sys(e, errno, "cannot make the folder '%s'", pipes);
	else
		b->pump = pump_new(&options, e);
	mem_free(inflight);
	mem_free(pipes);
	return b->pump ? 0 : -1;
}

struct log_place brain_log_place(const struct brain *b, const struct instance *i, enum pump_stream which)
{
	const struct spec *spec = instance_spec(i);
	struct buf name = BUF_INIT;
	struct log_place log;

	buf_addf(&name, "%s:%d", instance_app(i), instance_number(i));
	log.path = pump_log_path(b->options.dirs->log, name.ptr, spec, which);
	log.rights = b->pump ? rights_clone(pump_rights(b->pump, spec)) : NULL;
	buf_release(&name);
	return log;
}

static const struct spec *spec_of(const void *context, const char *name)
{
	const struct brain *b = context;
	const struct instance *i = herd_find(b->herd, name);

	return i ? herd_spec(b->herd, instance_app(i)) : NULL;
}

void brain_sweep_pump(struct brain *b)
{
	pump_sweep(b->pump, spec_of, b);
}

void brain_trim(struct brain *b)
{
	bool is_burst = b->last_seq - b->trimmed_seq >= TRIM_EVENTS;

	/* Once more after a burst: this may have been in the middle of it. */
	if (is_burst || b->is_trimming) {
		b->trimmed_seq = b->last_seq;
		mem_trim();
	}
	b->is_trimming = is_burst;
}
