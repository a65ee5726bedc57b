#include "control/audit.h"

#include "base/json.h"
#include "base/log.h"
#include "control/rpc_session.h"
#include "os/procfs.h"

static void add_words(struct buf *out, const char *words)
{
	if (out->len < AUDIT_WORDS_MAX)
		buf_addf(out, " %.120s", words);
}

static void add_list(struct buf *out, const struct json *list)
{
	const struct json *member = NULL;

	JSON_EACH (list, member)
		add_words(out, json_string(member, ""));
}

/* "api=3 web=+1" */
static void add_counts(struct buf *out, const struct json *counts)
{
	const struct json *member = NULL;

	JSON_EACH (counts, member) {
		int64_t number = 0;

		if (out->len >= AUDIT_WORDS_MAX)
			break;
		buf_addf(out, " %.120s=", json_key(member));
		if (json_int(member, &number) && !json_string(member, NULL))
			buf_addf(out, "%lld", (long long)number);
		else
			buf_addf(out, "%.20s", json_string(member, ""));
	}
}

void audit_write(const struct request *r)
{
	static const char *const plain[] = { "signal", "name", "oxfile", "profile", "oxherd", "brain" };
	const struct json *params = r->rpc.params;
	struct buf about = BUF_INIT;
	char program[PROCFS_NAME_MAX];

	if (!method_changes(r->method))
		return;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (json_string(json_get(params, plain[i]), NULL))
			add_words(&about, json_string(json_get(params, plain[i]), ""));
	add_list(&about, json_get(params, "only"));
	add_list(&about, json_get(params, "targets"));
	add_list(&about, json_get(params, "oxfiles"));
	add_counts(&about, json_get(params, "counts"));
	procfs_name(r->peer.pid, program);
	log_info("control: %s%s by uid %u, pid %d '%s'", method_name(r->method), about.ptr,
		(unsigned int)r->peer.uid, (int)r->peer.pid, program);
	buf_release(&about);
}
