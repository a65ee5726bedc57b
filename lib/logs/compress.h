/*
 * Compresses rotated logs beside the loop, one after the other, in a thread that runs only when nobody else wants the processor or the
 * disk.  The plain file is removed when the compressed one is whole and has its name; a kill leaves the plain one, and a hidden file that
 * compressor_tidy() removes.
 */
#ifndef OX_LOGS_COMPRESS_H
#define OX_LOGS_COMPRESS_H

struct ev_loop;
struct compressor;
struct rights;

enum {
	COMPRESSOR_QUEUE_MAX = 1024
}; /* files that wait; further ones stay plain until the next rotation of their log */

struct compressor *compressor_new(struct ev_loop *loop);
/* What is not finished stays plain. */
void compressor_free(struct compressor *g);
/* `path` becomes `path`.gz, with these rights (copied; NULL: the daemon's); once, however often it is said. */
void compressor_add(struct compressor *g, const char *path, const struct rights *rights);
/* Somebody renamed or removed a file: its compression continues under the new name, or ends. */
void compressor_moved(struct compressor *g, const char *from, const char *to);
void compressor_removed(struct compressor *g, const char *path);
/* Removes what a killed brain left of a compression of `path`. */
void compressor_tidy(struct compressor *g, const char *path, const struct rights *rights);

#endif
