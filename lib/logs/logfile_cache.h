/*
 * The log files that are in use, one of each path however many write to it, and what they share: the write journal and the compressor.
 * When it is made, it ends what an earlier brain had on the way.
 */
#ifndef OX_LOGS_LOGFILE_CACHE_H
#define OX_LOGS_LOGFILE_CACHE_H

struct err;
struct ev_loop;
struct write_journal;
struct logfile;
struct stream_calls;
struct rights;
struct logfile_cache;

/* `calls` is borrowed and may be NULL.  NULL with words when another brain has the write journal at this path. */
struct logfile_cache *logfile_cache_new(struct ev_loop *loop, const char *journal,
	const struct stream_calls *calls, void *context, struct err *e);
void logfile_cache_free(struct logfile_cache *s);
struct write_journal *logfile_cache_journal(const struct logfile_cache *s);
/* As often as it is taken it is to be put back.  Its rights are those that were said last. */
struct logfile *logfile_cache_take(struct logfile_cache *s, const char *path, const struct rights *rights);
void logfile_cache_put_back(struct logfile_cache *s, struct logfile *l);
/* Something was dropped: it is tried from time to time whether that is over. */
void logfile_cache_retry_later(struct logfile_cache *s);

#endif
