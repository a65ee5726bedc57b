#include "rules/ports.h"

#include <string.h>

#include "unit.h"

static void the_range_without_what_is_reserved(void **state)
{
	struct ephemeral_ports o = ephemeral_ports_read("32768\t60999\n", "40000,50000-50010\n");

	(void)state;
	assert_false(ephemeral_ports_has(&o, 32767));
	assert_true(ephemeral_ports_has(&o, 32768));
	assert_true(ephemeral_ports_has(&o, 60999));
	assert_false(ephemeral_ports_has(&o, 61000));
	assert_true(ephemeral_ports_has(&o, 39999));
	assert_false(ephemeral_ports_has(&o, 40000));
	assert_true(ephemeral_ports_has(&o, 40001));
	assert_false(ephemeral_ports_has(&o, 50000));
	assert_false(ephemeral_ports_has(&o, 50010));
	assert_true(ephemeral_ports_has(&o, 50011));
}

static void what_makes_no_sense_is_no_range(void **state)
{
	static const char *const texts[] = { "", "x", "40000", "5 4", "1 70000", "-3 9" };

	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		struct ephemeral_ports o = ephemeral_ports_read(texts[k], NULL);

		for (int port = 0; port <= 65536; port += 4)
			assert_false(ephemeral_ports_has(&o, port));
	}
}

static void it_says_what_to_do(void **state)
{
	struct ephemeral_ports o = ephemeral_ports_read("32768 60999", "8080\n");
	struct buf what = BUF_INIT;
	struct buf todo = BUF_INIT;

	(void)state;
	assert_false(ephemeral_ports_meet(&o, 3000, 4, 1, &what, &todo));
	assert_false(ephemeral_ports_meet(&o, 0, 4, 1, &what, &todo));
	assert_false(ephemeral_ports_meet(&o, 32764, 4, 1, &what, &todo));
	assert_int_equal(what.len + todo.len, 0);
	/* The last of them only. */
	assert_true(ephemeral_ports_meet(&o, 32760, 3, 4, &what, &todo));
	assert_string_equal(what.ptr,
		"port 32768 is among those that the kernel gives to outgoing connections (32768 to 60999), and may be taken at a start");
	assert_string_equal(todo.ptr,
		"choose a port outside, or keep it free: sysctl net.ipv4.ip_local_reserved_ports=8080,32760-32768");
	buf_clear(&todo);
	buf_clear(&what);
	/* Every other port, the last of them only. */
	assert_true(ephemeral_ports_meet(&o, 32764, 3, 2, &what, &todo));
	assert_non_null(strstr(what.ptr, "port 32768 is among those"));
	assert_non_null(strstr(todo.ptr, "=8080,32764-32768"));
	buf_clear(&todo);
	o = ephemeral_ports_read("32768 60999", "\n");
	assert_true(ephemeral_ports_meet(&o, 40000, 1, 1, &what, &todo));
	assert_string_equal(todo.ptr,
		"choose a port outside, or keep it free: sysctl net.ipv4.ip_local_reserved_ports=40000");
	buf_release(&what);
	buf_release(&todo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a port in ip_local_port_range is the kernel's, unless it is reserved",
			the_range_without_what_is_reserved),
		PROMISE("a range that makes no sense has no ports", what_makes_no_sense_is_no_range),
		PROMISE("the warning names such a port and what to do, reserved ones kept",
			it_says_what_to_do),
	};

	return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
