/*
 * Compresses rotated logs beside the loop, one after the other, in a thread that runs only when nobody else wants the processor or the
 * disk.  The plain file is removed when the compressed one is whole and has its name; a kill leaves the plain one, and a hidden file that
 * gzip_tidy() removes.
 */
#ifndef OX_LOGS_COMPRESS_H
#define OX_LOGS_COMPRESS_H

struct ev_loop;
struct gzip;
struct rights;

enum {
	GZIP_QUEUE_MAX = 1024
}; /* files that wait; further ones stay plain until the next rotation of their log */

struct gzip *gzip_new(struct ev_loop *loop);
/* What is not finished stays plain. */
void gzip_free(struct gzip *g);
/* `path` becomes `path`.gz, with these rights (copied; NULL: the daemon's); once, however often it is said. */
void gzip_add(struct gzip *g, const char *path, const struct rights *rights);
/* Somebody renamed or removed a file: its compression goes on under the new name, or ends. */
void gzip_moved(struct gzip *g, const char *from, const char *to);
void gzip_removed(struct gzip *g, const char *path);
/* Removes what a killed brain left of a compression of `path`. */
void gzip_tidy(struct gzip *g, const char *path, const struct rights *rights);

#endif
