/* The message that starts an instance, and what the refusals of the keeper mean. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/reason.h"
#include "spawn/launch.h"
#include "spawn/launch_gate.h"
#include "spawn/spawn_reason.h"
#include "unit.h"
#include "view/reason_text.h"

static struct spec *make_spec(void)
{
	struct spec *s = spec_new("web");
	char *argv[] = { (char *)"true", NULL };

	s->command.argv = mem_zalloc(2, sizeof(char *));
	s->command.argv[0] = mem_strdup(argv[0]);
	s->folder = mem_strdup("/");
	return s;
}

static void fill(struct launch *l, const struct spec *s, int64_t gate)
{
	const struct spawn_effect effect = {
		.ticket = { .slot = 3, .generation = 9 },
		.name = "web:2",
		.spec = s,
		.port = 3000,
		.instance = 2,
		.gate = gate,
		.place = 2,
	};

	assert_int_equal(
		launch_fill(l, &effect, NULL, &(struct launch_ends){ .out = "/o", .err = "/e" }, NULL), 0);
}

static void the_gates_part(void **state)
{
	struct spec *s = make_spec();
	struct launch l;

	(void)state;
	fill(&l, s, 7);
	assert_int_equal(l.message.spawn.flags, KEEPER_SPAWN_GATE);
	assert_int_equal(l.message.gate, 7);
	assert_int_equal(l.message.place, 2);
	assert_int_equal(l.message.spawn.hook, KEEPER_HOOK_SECCOMP);
	assert_int_equal(l.message.spawn.port_count, 1);
	assert_int_equal(l.message.spawn.ports[0], 3000);
	launch_release(&l);
	fill(&l, s, 0);
	assert_int_equal(l.message.spawn.flags, 0);
	assert_int_equal(l.message.spawn.port_count, 0);
	launch_release(&l);
	spec_free(s);
}

static const char *variable(const struct launch *l, const char *name)
{
	const char *at = NULL;

	while ((at = keeper_list_next(&l->message.spawn.env, at)))
		if (!strncmp(at, name, strlen(name)) && at[strlen(name)] == '=')
			return at + strlen(name) + 1;
	return NULL;
}

static void a_hook_that_is_named(void **state)
{
	struct spec *s = make_spec();
	struct launch l;

	(void)state;
	s->gate = GATE_SECCOMP;
	fill(&l, s, 7);
	assert_int_equal(l.message.spawn.hook, KEEPER_HOOK_SECCOMP);
	assert_null(variable(&l, "LD_PRELOAD"));
	launch_release(&l);
	s->gate = GATE_PRELOAD;
	fill(&l, s, 7);
	assert_int_equal(l.message.spawn.hook, KEEPER_HOOK_PRELOAD);
	launch_release(&l);
	spec_free(s);
}

static void assert_preloads(struct env *env, const char *words)
{
	launch_gate_preload(env, "/lib/liboxgate.so");
	assert_string_equal(env_get(env, "LD_PRELOAD"), words);
}

static void other_libraries(void **state)
{
	struct env env = { .items = NULL };

	(void)state;
	assert_preloads(&env, "/lib/liboxgate.so");
	assert_preloads(&env, "/lib/liboxgate.so");
	env_put(&env, "LD_PRELOAD", "libown.so other.so");
	assert_preloads(&env, "libown.so other.so:/lib/liboxgate.so");
	assert_preloads(&env, "libown.so other.so:/lib/liboxgate.so");
	env_put(&env, "LD_PRELOAD", "");
	assert_preloads(&env, "/lib/liboxgate.so");
	env_release(&env);
}

/* The sockets are descriptors from 3 on, as programs expect. */
static void sockets_come_first(void **state)
{
	struct spec *s = make_spec();
	const struct spawn_effect effect = {
		.ticket = { .slot = 3, .generation = 9 }, .name = "web:0", .spec = s, .port = 3000, .gate = 7
	};
	const struct launch_ends ends = { .out = "/o", .err = "/e", .notify_pipe = "n", .channel = "c" };
	struct launch l;

	(void)state;
	s->gate = GATE_FDS;
	assert_int_equal(launch_fill(&l, &effect, NULL, &ends, NULL), 0);
	assert_int_equal(l.message.spawn.hook, KEEPER_HOOK_FDS);
	assert_string_equal(variable(&l, "NOTIFY_FD"), "4");
	assert_string_equal(variable(&l, "NODE_CHANNEL_FD"), "5");
	launch_release(&l);
	spec_free(s);
}

static void assert_says(struct reason *why, const char *words)
{
	struct buf text = BUF_INIT;

	reason_text(why, &text);
	assert_string_equal(text.ptr, words);
	buf_release(&text);
	reason_free(why);
}

static void what_to_do_without_a_hook(void **state)
{
	struct spec *s = make_spec();

	(void)state;
	s->port_mode = PORT_SHARED;
	assert_says(spawn_reason(s, KEEPER_STAGE_HOOK, EBUSY),
		"cannot see where it listens (the daemon runs below a program that has the one filter of this kind); "
		"set gate = \"preload\" or port_mode = \"each\": Device or resource busy");
	assert_says(spawn_reason(s, KEEPER_STAGE_HOOK, EINVAL),
		"cannot see where it listens (the kernel has no seccomp notification: it needs Linux 5.9); set "
		"gate = \"preload\" or port_mode = \"each\": Invalid argument");
	spec_free(s);
}

static void an_older_keeper(void **state)
{
	struct spec *s = make_spec();

	(void)state;
	s->port_mode = PORT_SHARED;
	assert_says(spawn_refused_reason(s, EBADMSG, "nonsense"),
		"the daemon runs a version that does not know port_mode = \"shared\"; run 'oxctl daemon upgrade'");
	s->gate = GATE_OFF;
	assert_says(spawn_refused_reason(s, EBADMSG, "nonsense"), "nonsense");
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what is behind a gate says which one, its place and its port", the_gates_part),
		PROMISE("a hook that the app names is asked of the keeper", a_hook_that_is_named),
		PROMISE("libraries that a program preloads stay, before the one of the gate",
			other_libraries),
		PROMISE("sockets that a program is given come before its other descriptors",
			sockets_come_first),
		PROMISE("where a process cannot be caught, the words say what to do",
			what_to_do_without_a_hook),
		PROMISE("a keeper that does not know the gate is to be upgraded", an_older_keeper),
	};

	return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
