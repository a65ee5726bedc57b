/*
 * One app as it was asked for: the nouns of the oxfile, after defaults, profile and aliases.  A spec is a
 * value: it is read (oxfile), cloned, compared and written as JSON through the rows of model/fields, and
 * never changes while something runs by it.
 */
#ifndef OX_MODEL_SPEC_H
#define OX_MODEL_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/strings.h"

struct json;
struct err;

enum {
	APP_NAME_MAX = 64,
	APP_PORT_MAX = 65535,
	APP_INSTANCES_MAX = 10000,
	OXFILE_APPS_MAX = 10000,
	LIST_ITEMS_MAX = 4096, /* members of one array, variables of one env */
};

/* cpus: instance k gets the k-th processor that the daemon may use. */
#define CPUS_ONE_EACH "one-each"

enum restart_policy { RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_NEVER };
enum port_mode { PORT_EACH, PORT_SHARED };
/* How it is seen that a process listens (gate). */
enum gate_hook { GATE_AUTO, GATE_SECCOMP, GATE_PRELOAD, GATE_FDS, GATE_OFF };
/* Who gets the stop signal first. */
enum stop_to { STOP_TO_MAIN, STOP_TO_TREE };
/*
 * AUTO: the health check if there is one, else LISTEN if `port` was written or is shared, else ALIVE; spec_ready()
 * resolves it.
 */
/* Remembered as numbers: later ones stand at the end. */
enum ready_kind {
	READY_AUTO,
	READY_ALIVE,
	READY_LISTEN,
	READY_HEALTH,
	READY_NOTIFY,
	READY_IPC,
	READY_NOTIFY_FD,
};

struct ints {
	int64_t *items;
	size_t len;
};

/* "4", "max", "max-1", "50%": how many, once it is known how many processors there are. */
struct count {
	enum { COUNT_NUMBER, COUNT_MAX, COUNT_PERCENT } kind;
	int64_t value; /* the number; what is added to max (0 or less); the percentage */
};

struct command {
	char *text;  /* as written; NULL for an array of words */
	char **argv; /* what is exec'd: the words, or /bin/sh -c text; NULL when no command was written */
};

struct env_var {
	char *name;
	char *value;
};

/* In the order of the file; a name stands once. */
struct env {
	struct env_var *items;
	size_t len;
};

/* Where a row of model/fields was written. */
struct row_place {
	size_t row;
	struct place at;
	bool is_inherited; /* from [defaults] or [logging], by an app */
};

struct spec {
	char *name;
	char *oxfile; /* the file it came from, absolute; NULL for an app started without one */
	char *folder; /* what relative paths are relative to; absolute */

	struct command command;
	char *script, *interpreter; /* other dialects' way to say it; folded into command when read */
	struct strings args;
	char *working_dir;
	struct count instances;
	int64_t port; /* 0: not written */
	int64_t port_step;
	int port_mode;
	int gate; /* enum gate_hook */
	char *instance_var;
	struct env env;
	struct strings env_file;
	struct env file_env; /* what the env_files held when they were last read; env wins over it */
	char *user, *group;
	bool inherit_env;
	char *umask; /* octal digits; NULL: the caller's */
	int64_t nice, oom_score_adj;
	char *cpus; /* "0-3,5" or CPUS_ONE_EACH; NULL: those of the daemon */

	int restart;
	int64_t restart_delay_ms, restart_delay_max_ms, restart_window_ms;
	bool is_delay_written; /* restart_delay_ms stands in the oxfile, perhaps with the value of the default */
	int64_t max_restarts, crash_restart_limit;
	struct ints stop_exit_codes;
	char *stop_signal;
	int64_t stop_timeout_ms, start_delay_ms, stagger_ms;
	int stop_signal_to; /* enum stop_to */
	bool shutdown_with_message;

	struct strings depends_on;
	int64_t start_order;
	char *namespace;
	bool disabled;

	int ready;
	int64_t ready_timeout_ms, watchdog_ms;
	bool wait_ready;
	struct {
		char *endpoint;
		bool tcp;
		struct command command;
		int64_t interval_ms, timeout_ms, initial_delay_ms;
		int64_t healthy_threshold, unhealthy_threshold;
	} health;
	struct {
		int64_t surge, max_unavailable, canary, min_healthy_ms, drain_ms, hook_timeout_ms;
		int64_t fail_timeout_ms;
		bool rollback;
		struct command pre, post;
	} deploy;
	struct {
		char *upstream, *output;
		struct command reload, test;
		struct strings options;
	} nginx;

	struct strings watch, watch_extensions, watch_ignore, ignore_watch;
	int64_t watch_delay_ms;
	struct {
		int64_t memory_bytes;
		double cpu_percent;
		int64_t cpu_window_ms, nofile, nproc;
		bool cgroup_enforce, deny_gpu, reuse_port;
	} limits;
	struct {
		char *out, *err, *combined, *date_format;
		int64_t max_size_bytes, max_files;
		bool compress, unified, merge;
	} logs;
	struct {
		char *restart, *schedule, *timezone, *on_failure;
		bool run_once, catch_up;
		int64_t timeout_ms;
	} cron;
	struct {
		bool enabled;
		int64_t port;
		char *secret, *branch;
		struct strings on_push;
	} webhook;
	struct {
		char *repo, *ref, *pull_secret;
	} git;

	/* For complaints: where rows of model/fields were written; none when not read from a file. */
	struct row_place *places;
	size_t places_len;
	struct place at; /* where the app's name stands */
};

/* Every row at its default; `name` is copied. */
struct spec *spec_new(const char *name);
void spec_free(struct spec *s);
/* A deep copy, without the places. */
struct spec *spec_clone(const struct spec *s);
/* Same definition: every row of the table, and the names. */
bool spec_equal(const struct spec *a, const struct spec *b);
/* The same but for the folder: of two that are named differently, and may be one. */
bool spec_equal_elsewhere(const struct spec *a, const struct spec *b);

bool spec_has_health(const struct spec *s);
/* Is there a limit that something has to look at? */
bool spec_has_limits(const struct spec *s);
/* How many instances a count means; `cpus` is what this process may really use.  At least 1, at most APP_INSTANCES_MAX, but a written 0 stays 0. */
int count_resolve(struct count count, int cpus);
/* Never READY_AUTO. */
enum ready_kind spec_ready(const struct spec *s);
/* Its instances share a port, and the gate stands in front of it. */
bool spec_has_gate(const struct spec *s);
/* The port in PORT of env or else of the env_files; 0: none is there, or it is no port but the program's own business. */
int spec_env_port(const struct spec *s);
/* The value of a variable in env, else in the env_files, else NULL; borrowed. */
const char *spec_env(const struct spec *s, const char *name);
/*
 * 1 to APP_NAME_MAX letters, digits, '-', '_' and '.', starting with a letter or digit; says why not in `e`.
 */
int spec_check_name(const char *name, struct err *e);

/* Only rows that differ from their default; secrets included: the caller keeps the file private. */
struct json *spec_to_json(const struct spec *s);
/* Numbers out of their bounds, as of a damaged file, are brought within them: an interval of 0 would never end. */
struct spec *spec_from_json(const struct json *j, struct err *e);

/* Helpers for the value types above; each frees or copies the contents, not the struct. */
void env_put(struct env *env, const char *name, const char *value);
const char *env_get(const struct env *env, const char *name);
struct json *env_to_json(const struct env *env); /* an object */
/* "SIGTERM", if its definition says nothing else. */
const char *spec_stop_signal(const struct spec *s);
/* Whatever the order. */
bool env_equal(const struct env *a, const struct env *b);
/* `to` is overwritten, not released. */
void env_copy(struct env *to, const struct env *from);
void env_release(struct env *env);
void command_copy(struct command *to, const struct command *from);
void command_release(struct command *c);
/* Words for a line: exec'd directly when it holds no shell syntax, else through /bin/sh -c. */
int command_from_line(struct command *c, const char *line, struct err *e);
/*
 * What is exec'd for an instance with this port (NULL: none), freed with argv_free(): `$PORT` and `${PORT}` are replaced where they
 * are the only shell syntax, so that no shell stays between us and the program.  In an array of words they are replaced in each word
 * that has no blanks or other shell syntax; `$$PORT` stands for `$PORT` there.
 */
char **command_words(const struct command *c, const char *port);
/* Something in it is to be replaced. */
bool command_wants_port(const struct command *c);

#endif
