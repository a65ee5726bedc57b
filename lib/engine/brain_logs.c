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

static const struct stream_calls log_streams_calls = {
	.written = brain_log_written,
	.begun = brain_log_written,
	.trouble = on_log_trouble,
};

int brain_open_log_streams(struct brain *b, struct err *e)
{
	char *pipes = path_join(b->options.dirs->run, "pipes");
	char *journal = path_join(b->options.dirs->run, "inflight");
	struct stream_options options = {
		.loop = b->loop,
		.pipes = pipes,
		.logs = b->options.dirs->log,
		.journal = journal,
		.keeper = b->keeper,
		.calls = &log_streams_calls,
		.context = b,
	};

	if (mkdir(pipes, 0700) < 0 && errno != EEXIST)
		err_sys(e, errno, "cannot make the folder '%s'", pipes);
	else
		b->streams = log_streams_new(&options, e);
	mem_free(journal);
	mem_free(pipes);
	return b->streams ? 0 : -1;
}

struct log_location brain_log_location(const struct brain *b, const struct instance *i, enum log_stream which)
{
	const struct spec *spec = instance_spec(i);
	struct buf name = BUF_INIT;
	struct log_location log;

	instance_name(i, &name);
	log.path = log_streams_log_path(b->options.dirs->log, name.ptr, spec, which);
	log.rights = b->streams ? rights_clone(log_streams_rights(b->streams, spec)) : NULL;
	buf_release(&name);
	return log;
}

static const struct spec *spec_of(const void *context, const char *name)
{
	const struct brain *b = context;
	const struct instance *i = herd_find(b->herd, name);

	return i ? herd_spec(b->herd, instance_app(i)) : NULL;
}

void brain_sweep_log_streams(struct brain *b)
{
	log_streams_sweep(b->streams, spec_of, b);
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
