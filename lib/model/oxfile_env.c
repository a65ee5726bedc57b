/*
 * env_files: read through a function that the caller brings, so that this room need not touch a disk.
 */
#include <string.h>

#include "base/dotenv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/oxfile.h"

static void put_variable(void *context, const char *name, const char *value, struct place at)
{
	struct env *env = context;

	(void)at;
	if (env->len < LIST_ITEMS_MAX || env_get(env, name))
		env_put(env, name, value);
}

static int read_layer_env_file(const struct spec *s, const char *name, oxfile_reader reader, void *context,
	struct env *env, struct diags *d, struct err *e)
{
	char *path = path_join(s->folder, name);
	struct buf bytes = BUF_INIT;
	int rc = reader(context, s, path, &bytes, e);

	if (rc == 0) {
		/* Its lines are not quoted: they hold secrets. */
		diags_about(d, path, NULL, 0);
		rc = dotenv_parse(bytes.ptr, bytes.len, d, put_variable, env);
		diags_about(d, NULL, NULL, 0);
	}
	buf_release(&bytes);
	mem_free(path);
	return rc;
}

int oxfile_read_env_files(
	struct oxfile *o, oxfile_reader reader, void *context, bool may_be_absent, struct diags *d)
{
	size_t i = 0;
	size_t errors_before = d->errors;
	struct spec *s = NULL;
	struct err e = ERR_INIT;

	VEC_EACH (&o->specs, i, s) {
		struct env env = { .items = NULL };

		for (size_t k = 0; k < s->env_file.len; k++) {
			size_t before = d->errors;

			if (read_layer_env_file(s, s->env_file.items[k], reader, context, &env, d, &e) == 0 ||
				d->errors > before)
				continue;
			oxfile_about(o, d);
			if (may_be_absent)
				diags_warn(d, oxfile_place(s, "env_file"), "%s", e.text.ptr);
			else
				diags_error(d, oxfile_place(s, "env_file"), "%s", e.text.ptr);
		}
		env_release(&s->file_env);
		s->file_env = env;
	}
	oxfile_about(o, d);
	err_release(&e);
	return d->errors == errors_before ? 0 : -1;
}
