/*
 * Values as people write them: durations, sizes, signals, and every row's value as it would stand in an
 * oxfile.
 */
#include <string.h>

#include "base/argv.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "model/fields.h"

struct unit_name {
	const char *name;
	int64_t factor;
};

static const struct unit_name durations[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ "min", 60000 },
	{ "sec", 1000 },
	{ "secs", 1000 },
	{ "hour", 3600000 },
	{ "hours", 3600000 },
	{ "day", 86400000 },
	{ "days", 86400000 },
};

static const struct unit_name sizes[] = {
	{ "G", 1LL << 30 },
	{ "M", 1LL << 20 },
	{ "K", 1LL << 10 },
	{ "B", 1 },
	{ "GB", 1LL << 30 },
	{ "MB", 1LL << 20 },
	{ "KB", 1LL << 10 },
	{ "GiB", 1LL << 30 },
	{ "MiB", 1LL << 20 },
	{ "KiB", 1LL << 10 },
	{ "T", 1LL << 40 },
	{ "TB", 1LL << 40 },
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_same_letter(char a, char b)
{
	return (a | 0x20) == (b | 0x20);
}

/* The factor of the unit that text[0..len) names, whatever its case; 0 if there is no such unit. */
static int64_t unit_factor(const struct unit_name *units, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		size_t same = 0;

		if (strlen(units[i].name) != len)
			continue;
		while (same < len && is_same_letter(units[i].name[same], text[same]))
			same++;
		if (same == len)
			return units[i].factor;
	}
	return 0;
}

/* One "12" or "1.5" in front of a unit, in thousandths; moves *at behind it. */
static bool read_thousandths(const char **at, int64_t *thousandths)
{
	const char *c = *at;
	int64_t value = 0;
	int64_t place = 100;

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *c - '0', &value))
			return false;
	if (__builtin_mul_overflow(value, 1000, &value))
		return false;
	if (*c == '.') {
		for (c++; *c >= '0' && *c <= '9'; c++, place /= 10)
			value += (*c - '0') * place;
	}
	*at = c;
	*thousandths = value;
	return true;
}

/* Sums up "1h30m": every part is a number and a unit. */
static bool parts_parse(const struct unit_name *units, size_t count, const char *text, int64_t *total)
{
	int64_t sum = 0;

	if (!*text)
		return false;
	while (*text) {
		int64_t part = 0;
		int64_t factor = 0;
		size_t len = 0;

		if (!read_thousandths(&text, &part))
			return false;
		while (*text == ' ')
			text++;
		while (is_letter(text[len]))
			len++;
		factor = unit_factor(units, count, text, len);
		if (!factor || __builtin_mul_overflow(part, factor, &part) ||
			__builtin_add_overflow(sum, part / 1000, &sum))
			return false;
		text += len;
	}
	*total = sum;
	return true;
}

bool duration_parse(const char *text, int64_t *ms)
{
	return parts_parse(durations, sizeof(durations) / sizeof(durations[0]), text, ms);
}

bool size_parse(const char *text, int64_t *bytes)
{
	return parts_parse(sizes, sizeof(sizes) / sizeof(sizes[0]), text, bytes);
}

/* The largest of the first four units that divides the value exactly. */
static void unit_print(const struct unit_name *units, int64_t value, const char *smallest, struct buf *out)
{
	for (size_t i = 0; i < 4; i++) {
		if (value && value % units[i].factor == 0) {
			buf_addf(out, "%lld%s", (long long)(value / units[i].factor), units[i].name);
			return;
		}
	}
	buf_addf(out, "%lld%s", (long long)value, smallest);
}

void duration_print(int64_t ms, struct buf *out)
{
	unit_print(durations, ms, "ms", out);
}

void size_print(int64_t bytes, struct buf *out)
{
	unit_print(sizes, bytes, "B", out);
}

static char *realtime_parse(const char *name)
{
	int64_t number = 0;
	bool is_min = str_starts(name, "RTMIN");
	const char *rest = name + strlen("RTMIN");
	struct buf out = BUF_INIT;

	if (!is_min && !str_starts(name, "RTMAX"))
		return NULL;
	if (*rest &&
		(*rest != (is_min ? '+' : '-') || !str_to_int(rest + 1, &number) || number < 0 ||
			number > 30))
		return NULL;
	buf_addf(&out, "SIG%.5s", name);
	if (number)
		buf_addf(&out, "%c%d", is_min ? '+' : '-', (int)number);
	return buf_detach(&out);
}

char *signal_parse(const char *text)
{
	struct buf upper = BUF_INIT;
	struct buf found = BUF_INIT;
	const char *name = NULL;
	char *result = NULL;
	bool is_plain = false;

	for (const char *c = text; *c && upper.len < 16; c++)
		buf_addc(&upper, (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
	name = str_starts(upper.ptr, "SIG") ? upper.ptr + 3 : upper.ptr;
	buf_addf(&found, "SIG%s", name);
	is_plain = !str_starts(name, "RT") && signal_number(found.ptr) > 0;
	result = is_plain ? buf_detach(&found) : realtime_parse(name);
	buf_release(&found);
	buf_release(&upper);
	return result;
}

/* --- values as they would stand in an oxfile --------------------------------------------------------- */

static void print_text(const char *text, struct buf *out)
{
	static const struct {
		char c;
		const char *escaped;
	} escapes[] = {
		{ '"', "\\\"" },
		{ '\\', "\\\\" },
		{ '\n', "\\n" },
		{ '\r', "\\r" },
		{ '\t', "\\t" },
	};

	buf_addc(out, '"');
	for (; *text; text++) {
		const char *escaped = NULL;

		for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
			if (escapes[i].c == *text)
				escaped = escapes[i].escaped;
		if (escaped)
			buf_adds(out, escaped);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned char)*text);
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

static void print_words(char *const *items, size_t count, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_adds(out, i ? ", " : "");
		print_text(items[i], out);
	}
	buf_addc(out, ']');
}

static void print_ints(const struct ints *ints, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < ints->len; i++)
		buf_addf(out, "%s%lld", i ? ", " : "", (long long)ints->items[i]);
	buf_addc(out, ']');
}

static void print_count(const struct count *count, struct buf *out)
{
	if (count->kind == COUNT_NUMBER)
		buf_addf(out, "%lld", (long long)count->value);
	else if (count->kind == COUNT_PERCENT)
		buf_addf(out, "\"%lld%%\"", (long long)count->value);
	else if (count->value)
		buf_addf(out, "\"max%lld\"", (long long)count->value);
	else
		buf_adds(out, "\"max\"");
}

/* Names only: values may be secret. */
static void print_env_field(const struct env *env, struct buf *out)
{
	buf_adds(out, "{ ");
	for (size_t i = 0; i < env->len; i++)
		buf_addf(out, "%s%s", i ? ", " : "", env->items[i].name);
	buf_adds(out, env->len ? " }" : "}");
}

static void print_word(const struct field *f, int value, struct buf *out)
{
	for (const struct field_word *w = f->words; w->word; w++) {
		if (w->value == value) {
			print_text(w->word, out);
			return;
		}
	}
}

static void print_string(const struct field *f, const char *text, struct buf *out)
{
	if (!text)
		buf_adds(out, "(none)");
	else if (f->flags & FIELD_SECRET)
		buf_adds(out, "(hidden)");
	else
		print_text(text, out);
}

static void print_command(const struct command *command, struct buf *out)
{
	if (!command->argv)
		buf_adds(out, "(none)");
	else if (command->text)
		print_text(command->text, out);
	else
		print_words(command->argv, argv_count(command->argv), out);
}

void field_print(const struct field *f, const struct spec *s, struct buf *out)
{
	const void *member = field_member_const(f, s);
	const struct strings *strings = member;

	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_FORMED:
		print_string(f, *(char *const *)member, out);
		break;
	case FIELD_BOOL:
		buf_adds(out, *(const bool *)member ? "true" : "false");
		break;
	case FIELD_INT:
		if (f->flags & FIELD_AUTO && *(const int64_t *)member == FIELD_AUTO_VALUE)
			buf_adds(out, "\"auto\"");
		else
			buf_addf(out, "%lld", (long long)*(const int64_t *)member);
		break;
	case FIELD_NUMBER:
		buf_addf(out, "%g", *(const double *)member);
		break;
	case FIELD_DURATION:
		buf_addc(out, '"');
		duration_print(*(const int64_t *)member, out);
		buf_addc(out, '"');
		break;
	case FIELD_SIZE:
		buf_addc(out, '"');
		size_print(*(const int64_t *)member, out);
		buf_addc(out, '"');
		break;
	case FIELD_WORD:
		print_word(f, *(const int *)member, out);
		break;
	case FIELD_STRINGS:
	case FIELD_WATCH:
		print_words(strings->items, strings->len, out);
		break;
	case FIELD_INTS:
		print_ints(member, out);
		break;
	case FIELD_COUNT:
		print_count(member, out);
		break;
	case FIELD_COMMAND:
		print_command(member, out);
		break;
	case FIELD_ENV:
		print_env_field(member, out);
		break;
	}
}
