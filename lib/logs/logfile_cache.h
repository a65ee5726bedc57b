/*
 * The log files that are in use, one of each path however many write to it, and what they share: the inflight area and the compressor.
 * When it is made, it ends what an earlier brain had on the way.
 */
#ifndef OX_LOGS_LOGFILE_CACHE_H
#define OX_LOGS_LOGFILE_CACHE_H

struct err;
struct ev_loop;
struct inflight;
struct logfile;
struct pump_calls;
struct rights;
struct shelf;

/* `calls` is borrowed and may be NULL.  NULL with words when another brain has the inflight area at this path. */
struct shelf *shelf_new(struct ev_loop *loop, const char *inflight, const struct pump_calls *calls,
	void *context, struct err *e);
void shelf_free(struct shelf *s);
struct inflight *shelf_inflight(const struct shelf *s);
/* As often as it is taken it is to be put back.  Its rights are those that were said last. */
struct logfile *shelf_take(struct shelf *s, const char *path, const struct rights *rights);
void shelf_put_back(struct shelf *s, struct logfile *l);
/* Something was dropped: it is tried from time to time whether that is over. */
void shelf_retry_later(struct shelf *s);

#endif
