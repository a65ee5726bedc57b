/*
 * The rows.  They stand in the order of the manual; the sentence is what oxfile(5) and the editor show.
 */
#include "model/field_forms.h"
#include "model/fields.h"

/* A row whose kind does not fit its member does not compile. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member of a struct has no parentheses */
#define MEMBER(m, type) _Generic(((struct spec *)0)->m, type : offsetof(struct spec, m))
#define STRING(m)       .kind = FIELD_STRING, .offset = MEMBER(m, char *)
#define BOOL(m)         .kind = FIELD_BOOL, .offset = MEMBER(m, bool)
#define INT(m)          .kind = FIELD_INT, .offset = MEMBER(m, int64_t)
#define NUMBER(m)       .kind = FIELD_NUMBER, .offset = MEMBER(m, double)
#define MILLIS(m)       .kind = FIELD_DURATION, .unit = UNIT_MS, .offset = MEMBER(m, int64_t)
#define SECS(m)         .kind = FIELD_DURATION, .unit = UNIT_SECS, .offset = MEMBER(m, int64_t)
#define MEGABYTES(m)    .kind = FIELD_SIZE, .unit = UNIT_MB, .offset = MEMBER(m, int64_t)
#define WORD(m, list)   .kind = FIELD_WORD, .offset = MEMBER(m, int), .words = (list)
#define FORMED(m, f)    .kind = FIELD_FORMED, .offset = MEMBER(m, char *), .form = &(f)
#define STRINGS(m)      .kind = FIELD_STRINGS, .offset = MEMBER(m, struct strings)
#define INTS(m)         .kind = FIELD_INTS, .offset = MEMBER(m, struct ints)
#define COUNT(m)        .kind = FIELD_COUNT, .offset = MEMBER(m, struct count)
#define COMMAND(m)      .kind = FIELD_COMMAND, .offset = MEMBER(m, struct command)
#define ENV(m)          .kind = FIELD_ENV, .offset = MEMBER(m, struct env)
#define WATCH(m)        .kind = FIELD_WATCH, .offset = MEMBER(m, struct strings)

#define SECOND         1000LL
#define YEAR           (366LL * 24 * 3600 * SECOND)
#define MEGABYTE       (1024LL * 1024)
#define BETWEEN(a, b)  .min = (a), .max = (b)
#define A_WHILE        BETWEEN(0, 10 * YEAR)
#define MORE_THAN_ZERO BETWEEN(1, 10 * YEAR)

static const struct field_word restart_words[] = {
	{ .word = "on-failure", .value = RESTART_ON_FAILURE },
	{ .word = "on_failure", .value = RESTART_ON_FAILURE },
	{ .word = "always", .value = RESTART_ALWAYS },
	{ .word = "never", .value = RESTART_NEVER },
	{ .word = NULL },
};

static const struct field_word port_mode_words[] = {
	{ .word = "each", .value = PORT_EACH },
	{ .word = "shared", .value = PORT_SHARED },
	{ .word = NULL },
};

static const struct field_word gate_words[] = {
	{ .word = "auto", .value = GATE_AUTO },
	{ .word = "seccomp", .value = GATE_SECCOMP },
	{ .word = "preload", .value = GATE_PRELOAD },
	{ .word = "fds", .value = GATE_FDS },
	{ .word = "off", .value = GATE_OFF },
	{ .word = NULL },
};

static const struct field_word stop_to_words[] = {
	{ .word = "main", .value = STOP_TO_MAIN },
	{ .word = "tree", .value = STOP_TO_TREE },
	{ .word = NULL },
};

static const struct field_word ready_words[] = {
	{ .word = "auto", .value = READY_AUTO },
	{ .word = "alive", .value = READY_ALIVE },
	{ .word = "listen", .value = READY_LISTEN },
	{ .word = "health", .value = READY_HEALTH },
	{ .word = "notify", .value = READY_NOTIFY },
	{ .word = "notify-fd", .value = READY_NOTIFY_FD },
	{ .word = "ipc", .value = READY_IPC },
	{ .word = NULL },
};

const struct field fields[] = {
#include "model/fields.def"
};

const size_t fields_count = sizeof(fields) / sizeof(fields[0]);

/* Other names.  A bare number keeps the unit of the dialect that the name comes from. */
const struct field_alias field_aliases[] = {
#include "model/aliases.def"
};

const size_t field_aliases_count = sizeof(field_aliases) / sizeof(field_aliases[0]);
