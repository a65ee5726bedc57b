/*
 * What the brain saves, and what it does when that is saved (journal/saver.h).
 */
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_logs.h"
#include "engine/brain_private.h"
#include "engine/recovery.h"

static bool is_caller_used(const void *context, int64_t number)
{
	return herd_uses_caller(context, number);
}

static void snapshot(void *context, struct buf *out)
{
	struct brain *b = context;
	struct json *callers = NULL;
	struct buf text = BUF_INIT;

	launch_envs_sweep(&b->launch_envs, is_caller_used, b->herd);
	callers = launch_envs_to_json(&b->launch_envs);
	json_write(&text, callers);
	emit_open(out, NULL, '{');
	emit_int(out, "keeper_pid", b->daemon.keeper_pid);
	emit_int(out, "brain_restarts", b->daemon.brain_restarts);
	emit_int(out, "seq", b->past.last_seq);
	emit_text(out, "callers", text.ptr, text.len);
	emit_text(out, "herd", "", 0);
	herd_write(b->herd, out);
	emit_close(out, '}');
	buf_release(&text);
	json_free(callers);
}

/* What the keeper remembers for us may go only when the store knows it too. */
static void forget_end(void *context, struct ticket ticket)
{
	const struct brain *b = context;

	(void)keeper_client_tell(b->keeper, KEEPER_FORGET, ticket);
}

/* So may the pipes of instances that are gone, and what a burst of events has freed. */
static void on_forgot(void *context)
{
	struct brain *b = context;

	brain_sweep_log_streams(b);
	if (trim_is_due(&b->trim, b->past.last_seq))
		mem_trim();
}

static void on_save_ended(void *context)
{
	struct brain *b = context;

	if (b->options.saved)
		b->options.saved(b->options.context);
}

int brain_open_saver(struct brain *b, struct err *e)
{
	static const struct saver_calls calls = {
		.snapshot = snapshot, .forget = forget_end, .forgot = on_forgot, .ended = on_save_ended
	};
	char *path = path_join(b->options.dirs->state, "state");

	b->saver = saver_new(b->options.loop, path, &calls, b, recovery_state(b->recovery), e);
	mem_free(path);
	return b->saver ? 0 : -1;
}

uint64_t brain_saves_due(const struct brain *b)
{
	return saver_due(b->saver);
}

uint64_t brain_saves_ended(const struct brain *b)
{
	return saver_ended(b->saver);
}

const char *brain_unsaved(const struct brain *b)
{
	return saver_trouble(b->saver);
}

void brain_save(struct brain *b)
{
	(void)saver_save_now(b->saver, NULL);
}
