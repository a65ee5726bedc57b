#include "wire/keeper_msg.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "wire/keeper_msg_private.h"

enum {
	F_VERSION = 1 << 0,
	F_TICKET = 1 << 1,
	F_NAME = 1 << 2,
	F_PROCESS = 1 << 3,
	F_STATE = 1 << 4,
	F_STATUS = 1 << 5,
	F_TIMES = 1 << 6,
	F_FAILURE = 1 << 7,
	F_SIGNAL = 1 << 8,
	F_REACH = 1 << 9,
	F_GRACE = 1 << 10,
	F_ABOUT = 1 << 11,
	F_NUMBER = 1 << 12,
	F_WORDS = 1 << 13,
	F_SPAWN = 1 << 14,
	F_PATHS = 1 << 15,
	F_CPUS = 1 << 16, /* of a spawn whose flags say so; F_GATE, F_PLACE and F_HOOK too */
	F_GATE = 1 << 17,
	F_PLACE = 1 << 18,
	F_HOOK = 1 << 19,
	F_SOCKET = 1 << 20,
	F_LISTENS = 1 << 21,
	F_CHOSEN = 1 << 22,
};

static const struct {
	const char *word;
	unsigned int fields;
} kinds[] = {
#define X(name, word, fields) [KEEPER_##name] = { word, fields },
#include "wire/keeper_msg_kinds.def"
#undef X
};

static const char *const stages[] = {
#define X(name, words) [KEEPER_STAGE_##name] = (words),
#include "wire/spawn_stages.def"
#undef X
};

/* As the kernel's MAX_ERRNO. */
#define ERRNO_MAX    4095
#define ID_MAX       INT64_C(0xfffffffe) /* the last one means "leave it" to the kernel */
#define SLOT_MAX     INT64_C(0xffffffff)
#define SIGNAL_MAX   64
#define UNSIGNED_MAX INT64_MIN /* as least: any 64 bits will do */

#define AT(member) .offset = offsetof(struct keeper_msg, member)

const struct keeper_msg_field keeper_msg_fields[KEEPER_FIELD_ROWS] = {
	{ F_VERSION, SHAPE_NUMBER, AT(version), "version", 1, 1000000 },
	{ F_TICKET, SHAPE_NUMBER, AT(ticket.slot), "slot", 1, SLOT_MAX },
	{ F_TICKET, SHAPE_NUMBER, AT(ticket.generation), "generation", UNSIGNED_MAX, INT64_MAX },
	{ F_NAME, SHAPE_STRING, AT(name), "name", 1, KEEPER_NAME_MAX },
	{ F_PROCESS, SHAPE_NUMBER, AT(pid), "pid", 0, INT32_MAX },
	{ F_PROCESS, SHAPE_NUMBER, AT(start_time), "start time", UNSIGNED_MAX, INT64_MAX },
	{ F_STATE, SHAPE_NUMBER, AT(state), "state", 0, KEEPER_STATE_COUNT - 1 },
	{ F_STATE, SHAPE_NUMBER, AT(is_taken), "taken", 0, 1 },
	{ F_STATE, SHAPE_NUMBER, AT(is_gone), "gone", 0, 1 },
	{ F_STATUS, SHAPE_NUMBER, AT(status), "status", INT32_MIN, INT32_MAX },
	{ F_STATUS, SHAPE_NUMBER, AT(cpu_us), "processor time", 0, INT64_MAX },
	{ F_STATUS, SHAPE_NUMBER, AT(peak_kb), "peak memory", 0, INT64_MAX },
	{ F_TIMES, SHAPE_NUMBER, AT(at_ms), "time", 0, INT64_MAX },
	{ F_TIMES, SHAPE_NUMBER, AT(wall_ms), "wall time", INT64_MIN, INT64_MAX },
	{ F_FAILURE, SHAPE_NUMBER, AT(stage), "stage", 0, KEEPER_STAGE_COUNT - 1 },
	{ F_FAILURE | F_NUMBER, SHAPE_NUMBER, AT(number), "errno", 0, ERRNO_MAX },
	{ F_SIGNAL, SHAPE_NUMBER, AT(signal), "signal", 1, SIGNAL_MAX },
	{ F_REACH, SHAPE_NUMBER, AT(reach), "reach", 0, KEEPER_REACH_COUNT - 1 },
	{ F_GRACE, SHAPE_NUMBER, AT(grace_ms), "grace", 0, INT32_MAX },
	{ F_ABOUT, SHAPE_NUMBER, AT(about), "serial", UNSIGNED_MAX, INT64_MAX },
	{ F_WORDS, SHAPE_STRING, AT(words), "words", 0, KEEPER_WORDS_MAX },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.flags), "flags", 0, KEEPER_SPAWN_FLAGS },
	{ F_SPAWN, SHAPE_LIST, AT(spawn.programs), "programs", 1, KEEPER_PROGRAMS_MAX },
	{ F_SPAWN, SHAPE_LIST, AT(spawn.argv), "arguments", 1, KEEPER_LIST_MAX },
	{ F_SPAWN, SHAPE_LIST, AT(spawn.env), "environment", 0, KEEPER_LIST_MAX },
	{ F_SPAWN, SHAPE_STRING, AT(spawn.folder), "folder", 1, KEEPER_PATH_MAX },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.umask), "umask", 0, 0777 },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.nice), "nice", -20, 19 },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.oom_score_adj), "oom_score_adj", -1000, 1000 },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.uid), "uid", 0, ID_MAX },
	{ F_SPAWN, SHAPE_NUMBER, AT(spawn.gid), "gid", 0, ID_MAX },
	{ F_SPAWN, SHAPE_DESCRIPTORS, AT(spawn.descriptor_count), "descriptors", 0, KEEPER_DESCRIPTORS_MAX },
	{ F_SPAWN, SHAPE_RLIMITS, AT(spawn.rlimit_count), "limits", 0, KEEPER_RLIMITS_MAX },
	{ F_SPAWN, SHAPE_GROUPS, AT(spawn.group_count), "groups", 0, KEEPER_GROUPS_MAX },
	{ F_PATHS, SHAPE_STRING, AT(keeper_path), "keeper", 1, KEEPER_PATH_MAX },
	{ F_PATHS, SHAPE_STRING, AT(brain_path), "brain", 1, KEEPER_PATH_MAX },
	{ F_CPUS, SHAPE_CPUS, AT(spawn.cpus), "processors", 1, CPU_LIST_WORDS },
	{ F_GATE, SHAPE_NUMBER, AT(gate), "gate", 1, INT64_MAX },
	{ F_PLACE, SHAPE_NUMBER, AT(place), "place", 0, INT32_MAX },
	{ F_HOOK, SHAPE_NUMBER, AT(spawn.hook), "hook", 0, KEEPER_HOOK_COUNT - 1 },
	{ F_HOOK, SHAPE_PORTS, AT(spawn.port_count), "ports", 1, KEEPER_PORTS_MAX },
	{ F_SOCKET, SHAPE_NUMBER, AT(socket), "socket", 0, INT64_MAX },
	{ F_LISTENS, SHAPE_NUMBER, AT(index), "index", -1, INT32_MAX },
	{ F_LISTENS, SHAPE_NUMBER, AT(is_free), "free", 0, 1 },
	{ F_LISTENS, SHAPE_NUMBER, AT(is_chosen), "chosen", 0, 1 },
	{ F_CHOSEN, SHAPE_NUMBERS, AT(chosen), "sockets", 1, KEEPER_CHOSEN_MAX },
};

unsigned int keeper_msg_parts(const struct keeper_msg *m)
{
	unsigned int parts = kinds[m->kind].fields;

	if (!(parts & F_SPAWN))
		return parts;
	if (m->spawn.flags & KEEPER_SPAWN_CPUS)
		parts |= F_CPUS;
	if (m->spawn.flags & KEEPER_SPAWN_GATE)
		parts |= F_GATE | F_PLACE | F_HOOK;
	return parts;
}

size_t keeper_msg_size_max(enum keeper_msg_kind kind)
{
	return kind == KEEPER_SPAWN ? KEEPER_SPAWN_MAX : KEEPER_MSG_MAX;
}

const char *keeper_msg_kind_word(enum keeper_msg_kind kind)
{
	return kind < KEEPER_KIND_COUNT ? kinds[kind].word : "unknown";
}

const char *keeper_spawn_stage_words(enum keeper_spawn_stage stage)
{
	return stage < KEEPER_STAGE_COUNT ? stages[stage] : "cannot start it";
}

void keeper_msg_init(struct keeper_msg *m, enum keeper_msg_kind kind)
{
	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->name = m->words = m->spawn.folder = m->keeper_path = m->brain_path = "";
}

/* --- lists --- */

void keeper_list_add(struct buf *run, const char *text)
{
	buf_add(run, text, strlen(text) + 1);
}

struct keeper_list keeper_list_of(const struct buf *run)
{
	struct keeper_list list = { .bytes = run->ptr, .len = run->len };

	for (size_t i = 0; i < run->len; i++)
		list.count += run->ptr[i] == '\0';
	return list;
}

const char *keeper_list_next(const struct keeper_list *list, const char *previous)
{
	const char *next = previous ? previous + strlen(previous) + 1 : list->bytes;

	return list->count && next < list->bytes + list->len ? next : NULL;
}

void keeper_programs(struct buf *run, const char *name, const char *path)
{
	const char *folder = path ? path : KEEPER_PATH_DEFAULT;

	if (strchr(name, '/') || !*name) {
		keeper_list_add(run, name);
		return;
	}
	for (int i = 0; folder && i < KEEPER_PROGRAMS_MAX; i++) {
		size_t len = strcspn(folder, ":");

		buf_add(run, len ? folder : ".", len ? len : 1);
		buf_addc(run, '/');
		keeper_list_add(run, name);
		folder = folder[len] ? folder + len + 1 : NULL;
	}
}

/* --- what holds for both directions --- */

int keeper_check_range(const struct keeper_msg_field *f, int64_t value, struct err *e)
{
	if (value < f->least || value > f->most)
		return err_set(e, "%s: %" PRId64 " is outside %" PRId64 "..%" PRId64, f->word, value,
			f->least, f->most);
	return 0;
}

int keeper_check_list(const struct keeper_msg_field *f, const struct keeper_list *list, struct err *e)
{
	size_t counted = 0;

	for (size_t i = 0; i < list->len; i++)
		counted += list->bytes[i] == '\0';
	if (counted != list->count || (list->len && list->bytes[list->len - 1]))
		return err_set(e, "%s: the strings do not end where they should", f->word);
	return keeper_check_range(f, (int64_t)list->count, e);
}

static int check_env(const struct keeper_list *env, struct err *e)
{
	const char *entry = NULL;

	while ((entry = keeper_list_next(env, entry)))
		if (*entry == '=' || !strchr(entry, '='))
			return err_set(e, "environment: an entry is not NAME=value");
	return 0;
}

static int check_descriptor(const struct keeper_spawn *s, size_t at, struct err *e)
{
	const struct keeper_descriptor *d = &s->descriptors[at];
	bool wants_name = d->from == KEEPER_FROM_FIFO || d->from == KEEPER_FROM_HELD;

	if (d->target < 0 || d->target > KEEPER_TARGET_MAX || d->from < 0 || d->from >= KEEPER_FROM_COUNT ||
		d->index < 0 || d->index >= KEEPER_FDS_MAX)
		return err_set(e, "descriptors: number %zu is out of range", at);
	if ((d->from == KEEPER_FROM_HELD && strlen(d->name) > KEEPER_NAME_MAX) ||
		wants_name != (*d->name != '\0'))
		return err_set(e, "descriptors: the name of number %zu does not fit", at);
	for (size_t i = 0; i < at; i++)
		if (s->descriptors[i].target == d->target)
			return err_set(e, "descriptors: %" PRId64 " is asked for twice", d->target);
	return 0;
}

static int check_spawn(const struct keeper_spawn *s, struct err *e)
{
	for (size_t i = 0; i < s->descriptor_count; i++)
		if (check_descriptor(s, i, e) < 0)
			return -1;
	for (size_t i = 0; i < s->rlimit_count; i++)
		if (s->rlimits[i].resource < 0 || s->rlimits[i].resource >= KEEPER_RLIMITS_MAX)
			return err_set(e, "limits: there is no resource %" PRId64, s->rlimits[i].resource);
	for (size_t i = 0; i < s->group_count; i++)
		if (s->groups[i] < 0 || s->groups[i] > ID_MAX)
			return err_set(e, "groups: %" PRId64 " is no group", s->groups[i]);
	for (size_t i = 0; i < s->port_count; i++)
		if (s->ports[i] < 1 || s->ports[i] > UINT16_MAX)
			return err_set(e, "ports: %" PRId64 " is no port", s->ports[i]);
	return check_env(&s->env, e);
}

int keeper_check_whole(const struct keeper_msg *m, struct err *e)
{
	unsigned int has = kinds[m->kind].fields;

	if ((has & F_TICKET) && !m->ticket.generation)
		return err_set(e, "generation: 0 is none");
	return has & F_SPAWN ? check_spawn(&m->spawn, e) : 0;
}
