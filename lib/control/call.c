#include "control/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "control/audit.h"

enum method call_method(const struct call *c)
{
	return c->params.method;
}

const char *call_key(const struct call *c)
{
	return method_changes(call_method(c)) ? c->key : NULL;
}

int64_t call_timeout_ms(const struct call *c)
{
	const struct param_int *timeout = params_member(&c->params, "timeout_ms", PARAM_INT);

	return timeout ? timeout->value : 0;
}

/* --- answers --- */

void call_answer(struct call *c, const struct buf *result)
{
	c->transport->answer(c, result);
}

void call_answer_text(struct call *c, const char *result)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, result);
	call_answer(c, &text);
	buf_release(&text);
}

__attribute__((format(printf, 4, 0))) static void fail(
	struct call *c, int code, const struct buf *data, const char *format, va_list args)
{
	struct buf words = BUF_INIT;

	buf_addfv(&words, format, args);
	c->transport->fail(c, code, words.ptr, data);
	buf_release(&words);
}

void call_fail(struct call *c, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(c, code, NULL, format, args);
	va_end(args);
}

void call_fail_with(struct call *c, int code, const struct buf *data, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(c, code, data, format, args);
	va_end(args);
}

void call_refuse_as(struct call *c, int code, const struct err *e)
{
	call_fail_with(c, e->number == ENOENT ? RPC_NO_TARGET : code, e->about.len ? &e->about : NULL, "%s",
		e->text.ptr);
}

void call_refuse(struct call *c, const struct err *e)
{
	call_refuse_as(c, e->number == EINVAL ? RPC_PARAMS : RPC_FAILED, e);
}

/* --- rights --- */

static void forbid(struct call *c, const char *what, const char *needs)
{
	const struct call_router *router = c->router;

	if (c->transport->logs_refusal(c))
		log_warn("control: refused %s to uid %u, pid %d", method_name(call_method(c)),
			(unsigned int)c->caller.uid, (int)c->caller.pid);
	call_fail(c, RPC_FORBIDDEN, "permission denied: %s needs %s; you are in group '%s' with right '%s'",
		what, needs, router->group_name ? router->group_name : "",
		router->group_rights ? router->group_rights : "control");
}

void call_forbid(struct call *c, const char *what, ...)
{
	struct buf words = BUF_INIT;
	char needs[64];
	va_list args;

	va_start(args, what);
	buf_addfv(&words, what, args);
	va_end(args);
	(void)snprintf(needs, sizeof(needs), "the owner (uid %u)", (unsigned int)geteuid());
	forbid(c, words.ptr, needs);
	buf_release(&words);
}

static void forbid_param(struct call *c, const char *param)
{
	if (call_method(c) == METHOD_START && c->params.start.name)
		call_forbid(c, "'start' of a new app");
	else
		call_forbid(c, "'%s' with '%s'", method_command(call_method(c)), param);
}

static void forbid_method(struct call *c)
{
	enum method method = call_method(c);
	char what[128], needs[128];

	(void)snprintf(what, sizeof(what), "'%s'", method_command(method));
	(void)snprintf(needs, sizeof(needs), "the right '%s' or '%s'",
		method_rights(method) == METHOD_READ ? "read" : "control", method_name(method));
	forbid(c, what, needs);
}

/* False after it was answered with who may. */
static bool check_rights(struct call *c)
{
	const bool *group_may = c->router->group_may;
	const char *param = params_owners(&c->params);

	if (c->caller.is_owner)
		return true;
	if (method_is_owners(call_method(c)))
		call_forbid(c, "'%s'", method_command(call_method(c)));
	else if (group_may && !group_may[call_method(c)])
		forbid_method(c);
	else if (param)
		forbid_param(c, param);
	else
		return true;
	return false;
}

void call_begin(struct call *c)
{
	const struct call_router *router = c->router;
	call_handler handle = router->handlers[call_method(c)];

	if (!handle) {
		call_fail(c, RPC_METHOD, "'%s' is not supported yet", method_name(call_method(c)));
		return;
	}
	if (!check_rights(c) || (call_key(c) && router->repeat && router->repeat(router->context, c)))
		return;
	if (method_changes(call_method(c)))
		audit_write(c);
	handle(router->context, c);
}

/* --- before the answer --- */

void call_progress(struct call *c, const struct buf *params)
{
	if (!c->is_gone)
		c->transport->progress(c, params);
}

void call_note(struct call *c, const char *name, const struct buf *params)
{
	if (!c->is_gone)
		c->transport->note(c, name, params);
}

void call_on_room(struct call *c, void (*room)(void *context, struct call *c), void *context)
{
	c->room = room;
	c->room_context = context;
	if (!c->is_gone)
		c->transport->want_room(c);
}

bool call_wants_room(const struct call *c)
{
	return c->room != NULL;
}

void call_offer_room(struct call *c)
{
	void (*room)(void *context, struct call *c) = c->room;

	c->room = NULL;
	if (room)
		room(c->room_context, c);
}

void call_on_gone(struct call *c, void (*gone)(void *context, struct call *c), void *context)
{
	if (c->is_gone && gone) {
		gone(context, c);
		return;
	}
	c->gone = gone;
	c->gone_context = context;
}

void call_lose_client(struct call *c)
{
	void (*gone)(void *context, struct call *c) = c->gone;

	c->is_gone = true;
	c->gone = NULL;
	c->room = NULL;
	/* It may answer in there, which ends the call. */
	if (gone)
		gone(c->gone_context, c);
}

int64_t call_listen(struct call *c, bool listens)
{
	return c->is_gone ? 0 : c->transport->listen(c, listens);
}
