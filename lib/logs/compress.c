#include "logs/compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/vec.h"
#include "logs/location.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/fd.h"
#include "os/folder.h"
#include "os/rights.h"

enum {
	COMPRESSOR_BLOCK = 64 * 1024,
	COMPRESSOR_NICE = 19,
	COMPRESSOR_WATCH_AGAIN_MS = 1000,
	/* A file of nothing can be made as large as one likes, and would take the thread for days. */
	HOLES_SIZE = 1 << 30,
	HOLES_SHARE = 64,
	COMPRESSOR_HEADER = 16 + MAX_WBITS, /* zlib's way to ask for a .gz */
	/* linux/ioprio.h: the class that has the disk only while it is idle. */
	IO_WHO_PROCESS = 1,
	IO_IDLE = 3 << 13,
};

struct job {
	char *path; /* of the plain file, wherever it is now */
	char *part; /* what is being made, in the same folder */
	struct rights *rights;
	int in, out;
	int ended; /* becomes readable when the thread is at its end */
	atomic_bool is_cancelled;
	int number; /* errno of what went wrong; ENODATA: zlib's own */
	pthread_t thread;
	bool is_running;
	bool is_unwatched; /* it was said that its end cannot be heard for now */
};

/*
 * An eventfd of the job's own, and not libev's way from thread to loop: where that cannot be made or watched, libev ends the program.
 */
struct compressor {
	struct ev_loop *loop;
	ev_io ended;
	ev_timer again;  /* the kernel had no room to watch `ended` */
	struct vec jobs; /* of struct job *, the first is being done */
};

/* --- in the thread: nothing of the job but the descriptors, is_cancelled and number ---------------------------------- */

struct press {
	z_stream z;
	unsigned char from[COMPRESSOR_BLOCK], to[COMPRESSOR_BLOCK];
};

static int squeeze(struct job *job, struct press *p, int flush)
{
	int rc = Z_OK;

	do {
		p->z.next_out = p->to;
		p->z.avail_out = sizeof(p->to);
		rc = deflate(&p->z, flush);
		if (rc == Z_STREAM_ERROR) {
			errno = ENODATA;
			return -1;
		}
		if (fd_write_all(job->out, p->to, sizeof(p->to) - p->z.avail_out) < 0)
			return -1;
	} while (!p->z.avail_out);
	return 0;
}

static int press_file(struct job *job, struct press *p)
{
	for (;;) {
		ssize_t len = read(job->in, p->from, sizeof(p->from));

		if (len < 0 || atomic_load(&job->is_cancelled))
			return -1;
		p->z.next_in = p->from;
		p->z.avail_in = (unsigned int)len;
		if (squeeze(job, p, len ? Z_NO_FLUSH : Z_FINISH) < 0)
			return -1;
		if (!len)
			break;
	}
	/* The plain file goes when this one is there: also after a loss of power. */
	return fsync(job->out);
}

static void *run_compression(void *argument)
{
	struct job *job = argument;
	struct press *p = mem_zalloc(1, sizeof(*p));

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), COMPRESSOR_NICE);
	(void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_IDLE);
	if (deflateInit2(&p->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, COMPRESSOR_HEADER, 8,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		job->number = ENOMEM;
	else if (press_file(job, p) < 0)
		job->number = errno ? errno : EIO;
	(void)deflateEnd(&p->z);
	mem_free(p);
	(void)eventfd_write(job->ended, 1);
	return NULL;
}

/* --- in the loop ------------------------------------------------------------------------------------------------------ */

static char *part_path(const char *path)
{
	struct buf part = BUF_INIT;
	const char *base = path_base(path);

	buf_add(&part, path, (size_t)(base - path));
	buf_addf(&part, ".%s.gz.part", base);
	return buf_detach(&part);
}

static void job_free(void *item)
{
	struct job *job = item;

	fd_close(&job->in);
	fd_close(&job->out);
	fd_close(&job->ended);
	mem_free(job->path);
	mem_free(job->part);
	rights_free(job->rights);
	mem_free(job);
}

static void remove_part(const char *part, const struct rights *rights)
{
	struct folder f;

	if (log_folder(&f, part, rights, 0, NULL) < 0)
		return;
	(void)folder_unlink(&f, f.name);
	folder_close(&f);
}

static int open_both(struct job *job, const struct folder *f, struct err *e)
{
	const char *part = path_base(job->part);
	struct stat st;

	job->in = folder_open_file(f, f->name, O_RDONLY, 0, e);
	if (job->in < 0)
		return -1;
	if (fstat(job->in, &st) < 0 || !S_ISREG(st.st_mode))
		return err_sys(e, EINVAL, "it is no regular file");
	if (st.st_size > HOLES_SIZE && st.st_blocks * 512 < st.st_size / HOLES_SHARE)
		return err_set(e, "it consists of holes");
	(void)folder_unlink(f, part);
	job->out = folder_open_file(f, part, O_WRONLY | O_CREAT | O_EXCL, 0600, e);
	if (job->out < 0)
		return -1;
	/* What is made with a user's rights is that user's. */
	if (f->kind != FOLDER_USERS)
		(void)!fchown(job->out, st.st_uid, st.st_gid);
	return fchmod(job->out, st.st_mode & 0777) < 0 ? err_sys(e, errno, "cannot set its mode") : 0;
}

static int open_all(struct job *job, struct err *e)
{
	struct folder f;
	int rc = 0;

	job->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (job->ended < 0)
		return err_sys(e, errno, "cannot make an event");
	if (log_folder(&f, job->path, job->rights, 0, e) < 0)
		return -1;
	rc = open_both(job, &f, e);
	folder_close(&f);
	return rc;
}

static int start_job(struct job *job, struct err *e)
{
	if (open_all(job, e) < 0)
		return -1;
	if (loop_thread_start(&job->thread, run_compression, job) < 0)
		return err_sys(e, errno, "cannot start a thread");
	job->is_running = true;
	return 0;
}

static void start_next(struct compressor *g)
{
	struct err e = ERR_INIT;

	while (g->jobs.len) {
		struct job *job = g->jobs.items[0];

		job->part = part_path(job->path);
		if (start_job(job, &e) == 0) {
			ev_io_set(&g->ended, job->ended, EV_READ);
			loop_watch(g->loop, &g->ended);
			break;
		}
		if (e.number != ENOENT)
			log_warn("cannot compress '%s': %s", job->path, e.text.ptr);
		if (job->out >= 0)
			remove_part(job->part, job->rights);
		job_free(vec_remove(&g->jobs, 0));
	}
	err_release(&e);
}

/* The compressed one gets its name before the plain one goes: there is no moment without either. */
static int finish_job(const struct job *job)
{
	struct buf name = BUF_INIT;
	struct err e = ERR_INIT;
	struct folder f;
	int rc = log_folder(&f, job->path, job->rights, 0, &e);
	int number = e.number;

	if (rc == 0) {
		buf_addf(&name, "%s.gz", f.name);
		rc = folder_rename(&f, path_base(job->part), name.ptr);
		if (rc == 0)
			rc = folder_unlink(&f, f.name);
		number = errno;
		folder_close(&f);
	}
	buf_release(&name);
	err_release(&e);
	errno = number;
	return rc;
}

static void end_first(struct compressor *g)
{
	struct job *job = vec_remove(&g->jobs, 0);
	bool is_cancelled = atomic_load(&job->is_cancelled);

	ev_io_stop(g->loop, &g->ended);
	ev_timer_stop(g->loop, &g->again);
	(void)pthread_join(job->thread, NULL);
	if (!is_cancelled && !job->number && finish_job(job) < 0)
		job->number = errno;
	if (is_cancelled || job->number)
		remove_part(job->part, job->rights);
	if (!is_cancelled && job->number)
		log_warn_sys(job->number, "cannot compress '%s'; it stays as it is", job->path);
	job_free(job);
}

/* libev has stopped watching for good; what the thread says stays said, so nothing is lost by hearing it later. */
static void watch_later(struct compressor *g)
{
	struct job *job = g->jobs.items[0];

	if (!job->is_unwatched)
		log_warn(
			"the kernel has no room to watch the compression of '%s'; it is asked again every %d ms",
			job->path, COMPRESSOR_WATCH_AGAIN_MS);
	job->is_unwatched = true;
	ev_timer_start(g->loop, &g->again);
}

static void on_compressor_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct compressor *g = w->data;

	(void)loop;
	if (events & EV_ERROR) {
		watch_later(g);
		return;
	}
	end_first(g);
	start_next(g);
}

static void on_watch_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct compressor *g = w->data;

	(void)events;
	loop_watch(loop, &g->ended);
}

struct compressor *compressor_new(struct ev_loop *loop)
{
	struct compressor *g = mem_zalloc(1, sizeof(*g));

	g->loop = loop;
	ev_init(&g->ended, on_compressor_ended);
	ev_timer_init(&g->again, on_watch_again, COMPRESSOR_WATCH_AGAIN_MS / 1000.0, 0);
	g->ended.data = g;
	g->again.data = g;
	return g;
}

void compressor_free(struct compressor *g)
{
	const struct job *first = NULL;

	if (!g)
		return;
	first = g->jobs.len ? g->jobs.items[0] : NULL;
	if (first && first->is_running) {
		compressor_removed(g, first->path);
		end_first(g);
	}
	vec_release_with(&g->jobs, job_free);
	mem_free(g);
}

static struct job *find_job(const struct compressor *g, const char *path, size_t *at)
{
	for (*at = 0; *at < g->jobs.len; ++*at) {
		struct job *job = g->jobs.items[*at];

		if (!strcmp(job->path, path) && !atomic_load(&job->is_cancelled))
			return job;
	}
	return NULL;
}

void compressor_add(struct compressor *g, const char *path, const struct rights *rights)
{
	size_t at = 0;
	struct job *job = find_job(g, path, &at);

	if (job)
		return;
	if (g->jobs.len >= COMPRESSOR_QUEUE_MAX) {
		log_warn("too many logs wait to be compressed: '%s' stays as it is for now", path);
		return;
	}
	job = mem_zalloc(1, sizeof(*job));
	job->path = mem_strdup(path);
	job->rights = rights_clone(rights);
	job->in = job->out = job->ended = -1;
	vec_push(&g->jobs, job);
	if (g->jobs.len == 1)
		start_next(g);
}

void compressor_moved(struct compressor *g, const char *from, const char *to)
{
	size_t at = 0;
	struct job *job = find_job(g, from, &at);

	if (!job)
		return;
	mem_free(job->path);
	job->path = mem_strdup(to);
}

void compressor_removed(struct compressor *g, const char *path)
{
	size_t at = 0;
	struct job *job = find_job(g, path, &at);

	if (!job)
		return;
	if (job->is_running)
		atomic_store(&job->is_cancelled, true);
	else
		job_free(vec_remove(&g->jobs, at));
}

void compressor_tidy(struct compressor *g, const char *path, const struct rights *rights)
{
	char *part = part_path(path);
	const struct job *first = g->jobs.len ? g->jobs.items[0] : NULL;

	/* Its file may have moved on; what it is being made in has not. */
	if (!first || strcmp(first->part, part) != 0)
		remove_part(part, rights);
	mem_free(part);
}
