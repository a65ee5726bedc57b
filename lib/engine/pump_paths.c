#include "base/buf.h"
#include "base/path.h"
#include "engine/pump.h"
#include "model/spec.h"

const char *const pump_stream_words[PUMP_STREAM_COUNT] = { "out", "err" };

char *pump_log_path(const char *logs, const char *name, const struct spec *s, enum pump_stream which)
{
	const char *const own[PUMP_STREAM_COUNT] = { s->logs.out, s->logs.err };
	struct buf file = BUF_INIT;
	char *path = NULL;

	if (s->logs.combined)
		return path_join(s->folder, s->logs.combined);
	if (s->logs.unified)
		which = PUMP_OUT;
	if (own[which])
		return path_join(s->folder, own[which]);
	buf_addf(&file, "%s-%s.log", s->logs.merge ? s->name : name, pump_stream_words[which]);
	for (size_t i = 0; i < file.len; i++)
		file.ptr[i] = (char)(file.ptr[i] == ':' ? '-' : file.ptr[i]);
	path = path_join(logs, file.ptr);
	buf_release(&file);
	return path;
}
