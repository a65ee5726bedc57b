/* How it is seen that a process behind the gate listens. */
#include "rules/gate_hook.h"

#include <string.h>

#include "unit.h"

static const struct gate_abilities all = { .has_seccomp = true, .is_without_nnp = true, .has_library = true };
static const struct gate_abilities as_user = { .has_seccomp = true, .has_library = true };
static const struct gate_abilities no_library = { .has_seccomp = true };
static const struct gate_abilities container = { .is_without_nnp = true, .has_library = true };
static const struct gate_abilities nothing = { .has_seccomp = false };

static void as_it_is_set(void **state)
{
	static const struct gate_abilities *const machines[] = { &all, &as_user, &no_library, &container,
		&nothing };

	(void)state;
	for (int hook = GATE_SECCOMP; hook <= GATE_FDS; hook++)
		for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
			for (enum program_kind kind = PROGRAM_UNKNOWN; kind <= PROGRAM_GO; kind++) {
				assert_int_equal(gate_hook_pick(hook, machines[i], kind), hook);
				assert_null(gate_hook_why(hook, machines[i], (enum gate_hook)hook));
			}
}

static void auto_is(
	const struct gate_abilities *can, enum program_kind program, enum gate_hook hook, const char *why)
{
	assert_int_equal(gate_hook_pick(GATE_AUTO, can, program), hook);
	assert_non_null(strstr(gate_hook_why(GATE_AUTO, can, hook), why));
}

static void as_root(void **state)
{
	(void)state;
	for (enum program_kind kind = PROGRAM_UNKNOWN; kind <= PROGRAM_GO; kind++)
		auto_is(&all, kind, GATE_SECCOMP, "it sees every program");
}

static void without_rights(void **state)
{
	(void)state;
	auto_is(&as_user, PROGRAM_DYNAMIC, GATE_PRELOAD, "setuid");
	auto_is(&as_user, PROGRAM_UNKNOWN, GATE_PRELOAD, "setuid");
	auto_is(&as_user, PROGRAM_STATIC, GATE_SECCOMP, "static");
	auto_is(&as_user, PROGRAM_GO, GATE_SECCOMP, "static");
	auto_is(&no_library, PROGRAM_DYNAMIC, GATE_SECCOMP, "not installed");
}

static void where_there_is_no_seccomp(void **state)
{
	(void)state;
	for (enum program_kind kind = PROGRAM_UNKNOWN; kind <= PROGRAM_GO; kind++) {
		auto_is(&container, kind, GATE_PRELOAD, "not available");
		/* The start says what is missing. */
		assert_int_equal(gate_hook_pick(GATE_AUTO, &nothing, kind), GATE_SECCOMP);
	}
}

static void words(void **state)
{
	(void)state;
	assert_string_equal(gate_hook_word(GATE_PRELOAD), "preload");
	assert_string_equal(gate_hook_word(GATE_FDS), "fds");
	assert_string_equal(gate_hook_word(GATE_SECCOMP), "seccomp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a hook that the app names is used wherever it runs", as_it_is_set),
		PROMISE("auto is seccomp where that takes no rights away", as_root),
		PROMISE("auto is the library for dynamic programs without root, and seccomp for static ones",
			without_rights),
		PROMISE("auto is the library where there is no seccomp", where_there_is_no_seccomp),
		PROMISE("each hook has the word of the key", words),
	};

	return cmocka_run_group_tests_name("gate hook", tests, NULL, NULL);
}
