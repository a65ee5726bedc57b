#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "logs/streams.h"
#include "model/spec.h"

const char *const log_stream_words[LOG_STREAM_COUNT] = { "out", "err" };

/*
 * A file that the oxfile names is each instance's own: with the instance's number before the extension.  The first of one instance, and all
 * that merge, write to the file itself.
 */
static char *named_path(const struct spec *s, const char *name, const char *file)
{
	const char *colon = strrchr(name, ':');
	bool is_alone = s->instances.kind == COUNT_NUMBER && s->instances.value == 1 && str_eq(colon, ":0");
	const char *dot = strrchr(path_base(file), '.');
	char *whole = path_join(s->folder, file);
	size_t stem = strlen(whole) - (dot && dot > path_base(file) ? strlen(dot) : 0);
	struct buf path = BUF_INIT;

	if (s->logs.merge || is_alone || !colon)
		return whole;
	buf_addf(&path, "%.*s-%s%s", (int)stem, whole, colon + 1, whole + stem);
	mem_free(whole);
	return buf_detach(&path);
}

char *log_streams_log_path(const char *logs, const char *name, const struct spec *s, enum log_stream which)
{
	const char *const own[LOG_STREAM_COUNT] = { s->logs.out, s->logs.err };
	struct buf file = BUF_INIT;
	char *path = NULL;

	if (s->logs.combined)
		return named_path(s, name, s->logs.combined);
	if (s->logs.unified)
		which = LOG_STREAM_OUT;
	if (own[which])
		return named_path(s, name, own[which]);
	buf_addf(&file, "%s-%s.log", s->logs.merge ? s->name : name, log_stream_words[which]);
	for (size_t i = 0; i < file.len; i++)
		file.ptr[i] = (char)(file.ptr[i] == ':' ? '-' : file.ptr[i]);
	path = path_join(logs, file.ptr);
	buf_release(&file);
	return path;
}

static const char *pipe_of_held(const char *held)
{
	size_t skip = strlen(LOG_STREAMS_HELD_PREFIX);

	return strncmp(held, LOG_STREAMS_HELD_PREFIX, skip) == 0 ? held + skip : NULL;
}

char *log_streams_held_path(const char *pipes, const char *held)
{
	const char *pipe = pipe_of_held(held);

	return pipe ? path_join(pipes, pipe) : NULL;
}

char *log_streams_name_of_held(const char *held)
{
	const char *pipe = pipe_of_held(held);
	const char *dot = pipe ? strrchr(pipe, '.') : NULL;

	return dot ? mem_strndup(pipe, (size_t)(dot - pipe)) : NULL;
}
