/*
 * A check by command: 0 is healthy.  It runs as the instance does: its environment, its folder, its user.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sense/probe_private.h"
#include "spawn/launch.h"
#include "spawn/launch_env.h"
#include "spawn/run.h"
#include "spawn/run_words.h"

/* The last line that says something, fit for a line of ours. */
static void add_last_line(const char *text, size_t len, struct buf *out)
{
	size_t start = 0;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	for (start = len; start && text[start - 1] != '\n';)
		start--;
	if (len - start > PROBE_WORDS_MAX)
		len = start + PROBE_WORDS_MAX;
	while (start < len) {
		size_t bytes = str_utf8(text + start, len - start, NULL);

		if (!bytes || (unsigned char)text[start] < ' ' || text[start] == 127)
			buf_addc(out, '?');
		else
			buf_add(out, text + start, bytes);
		start += bytes ? bytes : 1;
	}
}

static struct reason command_reason(const struct probe *p, const struct run_result *r, const char *line)
{
	if (r->end == RUN_NOT_STARTED)
		return REASON_OF(LAUNCH_FAILED, .text = r->words, .number = r->number);
	if (r->end == RUN_TIMED_OUT)
		return REASON_OF(
			NO_END, .ms = p->timeout_ms, .is_unkillable = r->is_unkillable, .detail = line);
	if (r->signal)
		return REASON_OF(KILLED, .signal = r->signal, .detail = line);
	return REASON_OF(EXITED, .exit_code = r->code, .detail = line);
}

static void on_command_done(void *context, const struct run_result *result)
{
	struct probe *p = context;
	struct buf line = BUF_INIT;
	struct reason why;
	enum probe_answer answer = run_went_well(result) ? PROBE_PASSED : PROBE_FAILED;

	if (result->end == RUN_NOT_STARTED)
		answer = probe_answer_to(result->number);
	p->run = NULL;
	add_last_line(result->tail, result->tail_len, &line);
	why = command_reason(p, result, line.ptr);
	probe_finish(p, answer, &why);
	buf_release(&line);
}

void probe_exec_start(struct probe *p, const struct spawn_effect *effect, const struct launch_env *caller)
{
	const struct spec *s = effect->spec;
	struct env env = { .items = NULL };
	struct env said = { .items = NULL };
	struct buf name = BUF_INIT;
	char *folder = launch_folder_of(s, effect->own);
	struct run_request run = {
		.command = &s->health.command,
		.folder = folder,
		.env = &env,
		.user = s->user,
		.group = s->group,
		.said = &said,
		.umask = caller ? caller->mask : 022,
		.timeout_ms = s->health.timeout_ms,
	};

	launch_env(effect, caller, &env);
	launch_said(s, &said);
	buf_addf(&name, "%s health", effect->name);
	run.name = name.ptr;
	p->run = run_start(p->all->runner, &run, on_command_done, p);
	env_release(&env);
	env_release(&said);
	buf_release(&name);
	mem_free(folder);
}

void probe_exec_stop(struct probe *p)
{
	run_cancel(p->run);
	p->run = NULL;
}
