#include "proxy/upstream_file.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/file.h"
#include "os/rights.h"

enum {
	SIZE_MAX_BYTES = 16 * 1024 * 1024,
	FILE_MODE = 0644,
	KEPT_MODE = 0600,
};

/* The first byte of what is kept: was there a file at all? */
static const char WAS_THERE = '+';
static const char WAS_NOT = '-';

void upstream_file_init(
	struct upstream_file *f, const char *path, const char *folder, const char *app, struct rights *rights)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s.before", app);
	f->path = mem_strdup(path);
	f->kept = path_join(folder, name.ptr);
	f->rights = rights;
	buf_release(&name);
}

void upstream_file_release(struct upstream_file *f)
{
	mem_free(f->path);
	mem_free(f->kept);
	rights_free(f->rights);
}

bool upstream_file_is_settled(const struct upstream_file *f, const struct buf *text)
{
	struct buf now = BUF_INIT;
	bool is_same = file_read_as(f->path, f->rights, SIZE_MAX_BYTES, &now, NULL) == 0 &&
		now.len == text->len && !memcmp(now.ptr, text->ptr, now.len);

	buf_release(&now);
	return is_same && !file_exists(f->kept);
}

/* What an earlier brain has kept is older than what is there now, and known to be good. */
static int keep_previous(const struct upstream_file *f, struct err *e)
{
	struct buf bytes = BUF_INIT;
	int rc = 0;

	if (file_exists(f->kept))
		return 0;
	if (file_exists(f->path)) {
		buf_addc(&bytes, WAS_THERE);
		rc = file_read_as(f->path, f->rights, SIZE_MAX_BYTES, &bytes, e);
	} else {
		buf_addc(&bytes, WAS_NOT);
	}
	if (rc == 0)
		rc = file_write(f->kept, bytes.ptr, bytes.len, KEPT_MODE, e);
	buf_release(&bytes);
	return rc;
}

int upstream_file_put(const struct upstream_file *f, const struct buf *text, struct err *e)
{
	if (keep_previous(f, e) < 0)
		return -1;
	return file_write_as(f->path, f->rights, text->ptr, text->len, FILE_MODE, e);
}

int upstream_file_restore(const struct upstream_file *f, struct err *e)
{
	struct buf bytes = BUF_INIT;
	int rc = file_read(f->kept, SIZE_MAX_BYTES, &bytes, e);

	if (rc == 0 && bytes.len && *bytes.ptr == WAS_THERE)
		rc = file_write_as(f->path, f->rights, bytes.ptr + 1, bytes.len - 1, FILE_MODE, e);
	else if (rc == 0)
		rc = file_remove_as(f->path, f->rights, e);
	if (rc == 0)
		upstream_file_settle(f);
	buf_release(&bytes);
	return rc;
}

void upstream_file_settle(const struct upstream_file *f)
{
	(void)unlink(f->kept);
}
