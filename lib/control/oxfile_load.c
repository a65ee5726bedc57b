#include "control/oxfile_load.h"

#include <string.h>

#include "base/argv.h"
#include "base/dotenv.h"
#include "base/err.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/toml.h"
#include "control/call.h"
#include "model/oxfile.h"
#include "os/file.h"
#include "spawn/launch_env.h"

/* What is wrong with it may quote it: that is for who may read it.  Others hear the places. */
static void write_complaints(const struct diags *d, bool is_owner, struct buf *out)
{
	const struct diag *complaint = NULL;
	size_t i = 0;

	emit_open(out, NULL, '[');
	VEC_EACH (&d->list, i, complaint) {
		emit_open(out, NULL, '{');
		emit_string(out, "file", complaint->file);
		emit_int(out, "line", complaint->at.line);
		emit_int(out, "column", complaint->at.column);
		emit_string(out, "text",
			is_owner ? complaint->text : "a mistake; 'oxctl validate' shows its owner which");
		emit_string(out, "hint", is_owner ? complaint->hint : NULL);
		emit_string(out, "quote", is_owner ? complaint->line : NULL);
		emit_bool(out, "warning", complaint->is_warning);
		emit_close(out, '}');
	}
	emit_close(out, ']');
}

void oxfile_load_refuse(struct call *c, const char *path, struct diags *d)
{
	struct buf data = BUF_INIT;

	diags_sort(d);
	write_complaints(d, c->caller.is_owner, &data);
	call_fail_with(
		c, RPC_CONFIG, &data, "%s has %zu mistake%s", path, d->errors, d->errors == 1 ? "" : "s");
	buf_release(&data);
}

int oxfile_load_mistake(const struct diag *mistake, bool hides, struct err *e)
{
	if (hides && mistake->file)
		return err_set(
			e, "%s:%d: a mistake; its owner may see which", mistake->file, mistake->at.line);
	if (mistake->file && mistake->at.line)
		return err_set(e, "%s:%d:%d: %s", mistake->file, mistake->at.line, mistake->at.column,
			mistake->text);
	return err_set(e, "%s", mistake->text);
}

/* What a user's service is given is what that user may read, unless only root can say what stands there. */
static int read_env_file(
	void *context, const struct spec *s, const char *path, struct buf *bytes, struct err *e)
{
	(void)context;
	return file_read_for(s->user, s->group, path, DOTENV_SIZE_MAX, bytes, e);
}

static struct oxfile *read_source(
	const struct oxfile_source *reading, const char *text, size_t len, struct diags *d)
{
	char *folder = reading->folder ? mem_strdup(reading->folder) : path_folder(reading->path);
	char **environment = environ_from_env(reading->env);
	const struct oxfile_options options = {
		.path = reading->path,
		.folder = folder,
		.profile = reading->profile,
		.environment = environment,
	};
	struct oxfile *o = oxfile_read(text, len, &options, d);

	if (o &&
		(oxfile_read_env_files(o, read_env_file, NULL, false, d) < 0 ||
			(reading->will_run && oxfile_check_runs(o, d) < 0))) {
		oxfile_free(o);
		o = NULL;
	}
	argv_free(environment);
	mem_free(folder);
	return o;
}

struct oxfile *oxfile_load(const struct oxfile_source *reading, struct diags *d)
{
	struct buf bytes = BUF_INIT;
	struct err e = ERR_INIT;
	struct oxfile *o = NULL;

	if (reading->text) {
		o = read_source(reading, reading->text, strlen(reading->text), d);
	} else if (file_read(reading->path, TOML_SIZE_MAX, &bytes, &e) == 0) {
		o = read_source(reading, bytes.ptr, bytes.len, d);
	} else {
		diags_about(d, reading->path, NULL, 0);
		diags_error(d, (struct place){ 0, 0 }, "%s", e.text.ptr);
	}
	buf_release(&bytes);
	err_release(&e);
	return o;
}

int oxfile_load_env_files(struct vec *specs, struct diags *d)
{
	struct oxfile all = { .path = mem_strdup("env_file"), .text = BUF_INIT, .specs = *specs };
	int rc = oxfile_read_env_files(&all, read_env_file, NULL, false, d);

	buf_release(&all.text);
	mem_free(all.path);
	return rc;
}
