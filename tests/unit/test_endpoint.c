#include "model/endpoint.h"

#include "unit.h"

static void a_place_is_an_address_and_a_port(void **state)
{
	const struct endpoint api = { .port = 3000, .ticket = { 1, 7 } };
	const struct endpoint written = { .address = "127.0.0.1", .port = 3000, .ticket = { 2, 8 } };
	const struct endpoint other = { .address = "127.0.0.2", .port = 3000, .ticket = { 1, 7 } };
	const struct endpoint next = { .port = 3001, .ticket = { 1, 7 } };

	(void)state;
	assert_true(endpoint_is_same_place(&api, &written));
	assert_false(endpoint_is_same_place(&api, &other));
	assert_false(endpoint_is_same_place(&api, &next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a place is an address and a port, whoever serves there",
			a_place_is_an_address_and_a_port),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
