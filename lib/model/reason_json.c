/*
 * A reason as JSON and back.
 */
#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "model/reason_pack.h"
#include "model/reason_private.h"
#include "model/spec.h"

static const char *const rule_words[REASON_RULE_COUNT] = {
#define RULE(id, word) [REASON_RULE_##id] = (word),
#include "model/reason_rules.def"
#undef RULE
};

static const char *const stands_words[REASON_STANDS_COUNT] = {
#define STANDS(id, word) [REASON_STANDS_##id] = (word),
#include "model/reason_stands.def"
#undef STANDS
};

static const char *const ready_words[] = {
	[READY_AUTO] = "",
	[READY_ALIVE] = "alive",
	[READY_LISTEN] = "listen",
	[READY_HEALTH] = "health",
	[READY_NOTIFY] = "notify",
	[READY_IPC] = "ipc",
	[READY_NOTIFY_FD] = "notify-fd",
};
enum { READY_COUNT = sizeof(ready_words) / sizeof(ready_words[0]) };

static void write_signal(const char *key, int64_t signal, struct buf *out)
{
	struct buf name = BUF_INIT;

	signal_name_add(&name, signal);
	emit_string(out, key, name.ptr);
	buf_release(&name);
}

static void write_ports(const char *key, const struct reason_ports *ports, struct buf *out)
{
	emit_open(out, key, '[');
	for (int k = 0; k < ports->len && k < REASON_PORTS_MAX; k++)
		emit_int(out, NULL, ports->items[k]);
	emit_close(out, ']');
}

static void write_field(const struct reason *r, const struct reason_field *f, struct buf *out)
{
	switch (f->type) {
	case COUNT:
	case INT:
		emit_int(out, f->key, reason_int_at(r, f));
		break;
	case SIGNAL:
		write_signal(f->key, reason_int_at(r, f), out);
		break;
	case RULE:
		emit_string(out, f->key, rule_words[reason_int_at(r, f)]);
		break;
	case STANDS:
		emit_string(out, f->key, stands_words[reason_int_at(r, f)]);
		break;
	case READY:
		emit_string(out, f->key, ready_words[reason_int_at(r, f)]);
		break;
	case NUMBER:
		emit_number(out, f->key, *(const double *)reason_at(r, f));
		break;
	case PORTS:
		write_ports(f->key, reason_at(r, f), out);
		break;
	case WORDS:
	case TEXT:
		emit_string(out, f->key, reason_words_at(r, f));
		break;
	case BOOL:
		emit_bool(out, f->key, true);
		break;
	case CAUSE:
		reason_write(reason_cause_at(r, f), f->key, NULL, out);
		break;
	}
}

void reason_write(const struct reason *r, const char *key, const char *text, struct buf *out)
{
	if (!r) {
		emit_null(out, key);
		return;
	}
	emit_open(out, key, '{');
	emit_string(out, "code", reason_code(r->kind));
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (reason_kind_has(r->kind, k) && reason_field_is_known(r, &reason_fields[k]) &&
			(!text || reason_fields[k].type != TEXT))
			write_field(r, &reason_fields[k], out);
	if (text)
		emit_string(out, "text", text);
	emit_close(out, '}');
}

static int64_t word_number(const char *const *words, int count, const struct json *j)
{
	int found = 0;

	return str_find(words, count, json_string(j, NULL), &found) ? found : 0;
}

static void read_ports(const struct json *j, struct reason_ports *ports)
{
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		int64_t port = 0;

		if (ports->len < REASON_PORTS_MAX && json_int(member, &port))
			ports->items[ports->len++] = (int)port;
	}
}

static void read_reason_field(struct reason *r, const struct reason_field *f, const struct json *j)
{
	void *to = reason_place(r, f);

	switch (f->type) {
	case COUNT:
		*(int64_t *)to = -1;
		(void)json_int(j, to);
		break;
	case INT:
		(void)json_int(j, to);
		break;
	case SIGNAL:
		*(int64_t *)to = signal_name_parse(json_string(j, ""));
		break;
	case RULE:
		*(int64_t *)to = word_number(rule_words, REASON_RULE_COUNT, j);
		break;
	case STANDS:
		*(int64_t *)to = word_number(stands_words, REASON_STANDS_COUNT, j);
		break;
	case READY:
		*(int64_t *)to = word_number(ready_words, READY_COUNT, j);
		break;
	case NUMBER:
		(void)json_number(j, to);
		break;
	case PORTS:
		read_ports(j, to);
		break;
	case WORDS:
	case TEXT:
		*(const char **)to = json_string(j, NULL);
		break;
	case BOOL:
		*(bool *)to = json_bool(j, false);
		break;
	case CAUSE:
		break; /* its turn comes */
	}
}

/* What is borrowed is of `j`.  False where there is none. */
static bool read_reason(struct reason *r, const struct json *j)
{
	const char *text = json_string(j, NULL);

	*r = (struct reason){ .kind = REASON_OTHER };
	if (!text && !json_is_object(j))
		return false;
	if (!text && reason_find_code(json_string(json_get(j, "code"), NULL), &r->kind) &&
		r->kind != REASON_OTHER) {
		for (size_t k = 0; k < FIELD_COUNT; k++)
			if (reason_kind_has(r->kind, k))
				read_reason_field(r, &reason_fields[k], json_get(j, reason_fields[k].key));
		return true;
	}
	r->text = text ? text : json_string(json_get(j, "text"), NULL);
	return r->text && *r->text;
}

struct reason *reason_read(const struct json *j)
{
	struct reason_chain chain;
	int len = 0;

	for (; len < REASON_DEPTH_MAX && read_reason(&chain.of[len], j); len++) {
		if (len)
			chain.of[len - 1].cause = &chain.of[len];
		j = reason_kind_has_cause(chain.of[len].kind) ? json_get(j, "cause") : NULL;
	}
	return len ? reason_copy(&chain.of[0]) : NULL;
}
