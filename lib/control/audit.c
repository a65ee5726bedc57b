#include "control/audit.h"

#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "control/call.h"
#include "os/procfs.h"

enum { WHO_COMMAND_MAX = 80 };

static void add_param(struct buf *out, const char *words)
{
	if (out->len < AUDIT_WORDS_MAX)
		buf_addf(out, " %.120s", words);
}

static void add_param_list(struct buf *out, const struct param_strings *list)
{
	for (size_t i = 0; list && i < list->count; i++)
		add_param(out, list->items[i]);
}

/* "api=3 web=+1" */
static void add_counts(struct buf *out, const struct param_counts *counts)
{
	for (size_t i = 0; counts && i < counts->count && out->len < AUDIT_WORDS_MAX; i++) {
		const struct param_named_count *named = &counts->items[i];

		buf_addf(out, " %.120s=", named->name);
		if (named->count.text)
			buf_addf(out, "%.20s", named->count.text);
		else
			buf_addf(out, "%lld", (long long)named->count.number);
	}
}

void audit_write(const struct call *c)
{
	static const char *const plain[] = { "signal", "name", "oxfile", "profile", "oxherd", "brain" };
	static const char *const lists[] = { "only", "targets", "oxfiles" };
	struct buf about = BUF_INIT;
	char program[PROCFS_NAME_MAX];

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		const char *const *words = params_member(&c->params, plain[i], PARAM_STRING);

		if (words && *words)
			add_param(&about, *words);
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		add_param_list(&about, params_member(&c->params, lists[i], PARAM_STRINGS));
	add_counts(&about, params_member(&c->params, "counts", PARAM_COUNTS));
	procfs_name(c->caller.pid, program);
	log_info("control: %s%s by uid %u, pid %d '%s'", method_name(call_method(c)), about.ptr,
		(unsigned int)c->caller.uid, (int)c->caller.pid, program);
	buf_release(&about);
}

/* The words of a command line up to the first that may hold a secret, such as NAME=value. */
static void add_command(pid_t pid, struct buf *out)
{
	struct buf command = BUF_INIT;
	size_t len = 0;

	if (!procfs_command(pid, &command, WHO_COMMAND_MAX) || !command.len) {
		buf_release(&command);
		return;
	}
	len = strcspn(command.ptr, "=");
	while (len < command.len && len && command.ptr[len - 1] != ' ')
		len--;
	while (len && command.ptr[len - 1] == ' ')
		len--;
	if (len)
		buf_addf(out, " '%.*s%s'", (int)len, command.ptr, len < command.len ? " ..." : "");
	buf_release(&command);
}

void audit_who(const struct call *c, struct buf *out)
{
	buf_addf(out, "uid %d, pid %d", (int)c->caller.uid, (int)c->caller.pid);
	add_command(c->caller.pid, out);
}
