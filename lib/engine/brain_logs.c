/*
 * The brain's side of the logs: which instances have one, and how the herd learns that a disk is full.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_logs.h"
#include "engine/brain_private.h"
#include "herd/facts.h"
#include "logs/location.h"
#include "logs/read_last.h"
#include "os/clock.h"
#include "os/rights.h"

/* It may come from inside an effect of the herd: the herd hears it in a turn of its own. */
static void on_log_trouble(void *context, const char *name, const char *words)
{
	struct brain *b = context;
	const struct instance *i = b->recovery ? NULL : herd_find(b->herd, name);

	if (!i) {
		log_warn("%s: %s", name, words);
		return;
	}
	herd_fact_later(b->herd,
		&(struct herd_fact){
			.kind = FACT_NOTE,
			.ticket = instance_ticket(i),
			.why = &REASON_OF(OTHER, .text = words),
		});
	ev_feed_event(b->options.loop, &b->due, EV_TIMER);
}

static void on_written(void *context, const char *path)
{
	struct brain *b = context;

	if (b->followers.all.len)
		followers_written(&b->followers, path);
}

static const struct stream_calls log_streams_calls = {
	.written = on_written,
	.begun = on_written,
	.trouble = on_log_trouble,
};

int brain_open_log_streams(struct brain *b, struct err *e)
{
	char *pipes = path_join(b->options.dirs->run, "pipes");
	char *journal = path_join(b->options.dirs->run, "inflight");
	struct stream_options options = {
		.loop = b->options.loop,
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

static struct log_location log_location(
	const struct brain *b, const struct instance *i, enum log_stream which)
{
	const struct spec *spec = instance_spec(i);
	struct buf name = BUF_INIT;
	struct log_location log;

	instance_name(i, &name);
	log.path = log_path(b->options.dirs->log, name.ptr, spec, which);
	log.rights = b->streams ? rights_clone(log_streams_rights(b->streams, spec)) : NULL;
	buf_release(&name);
	return log;
}

static void add_logs_of(const struct brain *b, const struct instance *i, struct logs *into)
{
	static const enum mark_kind kinds[LOG_STREAM_COUNT] = {
		[LOG_STREAM_OUT] = MARK_OUT,
		[LOG_STREAM_ERR] = MARK_ERR,
	};

	for (enum log_stream which = LOG_STREAM_OUT; which < LOG_STREAM_COUNT; which++) {
		struct log_location log = log_location(b, i, which);

		logs_add(into, &log, instance_app(i), instance_number(i), kinds[which]);
		log_location_release(&log);
	}
}

int brain_find_logs(void *context, const char *const *targets, size_t count, struct logs *into, struct err *e)
{
	const struct brain *b = context;
	struct vec instances = VEC_INIT;
	const struct instance *i = NULL;
	size_t k = 0;
	int rc = herd_targets_ever(b->herd, targets, count, clock_ms(), &instances, e);

	VEC_EACH (&instances, k, i)
		add_logs_of(b, i, into);
	vec_release(&instances);
	return rc;
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

void brain_last_lines(void *context, const char *name, struct buf *out)
{
	const struct brain *b = context;
	const struct instance *i = b->streams ? herd_find(b->herd, name) : NULL;
	struct logs_life life;
	struct log_location log;

	if (!i || log_streams_last_lines(b->streams, name, instance_ticket(i).generation, out))
		return;
	log = log_location(b, i, LOG_STREAM_ERR);
	life = (struct logs_life){
		.app = instance_app(i),
		.instance = instance_number(i),
		.run = (uint32_t)instance_ticket(i).generation,
	};
	logs_last_lines(&log, &life, clock_wall_ms(), out);
	log_location_release(&log);
}
