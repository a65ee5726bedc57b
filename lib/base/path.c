#include "base/path.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Appends the parts of `path`, each after a slash where something stands before it. */
static void path_add(struct buf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && *path == '.')) {
			if (out->len && out->ptr[out->len - 1] != '/')
				buf_addc(out, '/');
			buf_add(out, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
}

char *path_join(const char *folder, const char *name)
{
	struct buf out = BUF_INIT;
	bool is_absolute = *name == '/';

	if (is_absolute || *folder == '/')
		buf_addc(&out, '/');
	if (!is_absolute)
		path_add(&out, folder);
	path_add(&out, name);
	if (!out.len)
		buf_addc(&out, '.');
	return buf_detach(&out);
}

char *path_without_dots(const char *path)
{
	struct buf out = BUF_INIT;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (out.len && out.ptr[out.len - 1] != '/')
				buf_cut(&out, out.len - 1);
			buf_cut(&out, out.len ? out.len - 1 : 0);
		} else if (len && !(len == 1 && *path == '.')) {
			buf_addc(&out, '/');
			buf_add(&out, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
	if (!out.len)
		buf_addc(&out, '/');
	return buf_detach(&out);
}

char *path_folder(const char *path)
{
	size_t len = (size_t)(path_base(path) - path);

	if (!len)
		return mem_strdup(".");
	while (len > 1 && path[len - 1] == '/')
		len--;
	return mem_strndup(path, len);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
