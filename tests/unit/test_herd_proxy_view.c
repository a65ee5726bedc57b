/* What the proxy is known to believe, by the effects that it was sent and the answers to them. */
#include "base/mem.h"
#include "herd/proxy_view.h"
#include "model/spec.h"
#include "unit.h"

#define AT(number) ((const struct endpoint){ .port = (number) })

struct fixture {
	struct proxy_view v;
	struct spec *spec;
};

static int begin(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	f->spec = spec_new("api");
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	proxy_view_release(&f->v);
	spec_free(f->spec);
	mem_free(f);
	return 0;
}

/* One server; port 0: none is up. */
static uint64_t effect(struct fixture *f, int port)
{
	struct upstream_server *server = mem_zalloc(1, sizeof(*server));

	server->at.port = port ? port : 3000;
	server->is_down = !port;
	return proxy_view_wish(&f->v, f->spec, server, 1);
}

static void nothing_is_known_before_an_effect(void **state)
{
	struct fixture *f = *state;

	assert_true(proxy_view_may_name(&f->v, &AT(4000)));
	proxy_view_answer(&f->v, effect(f, 3000), UPSTREAM_UNSURE);
	assert_true(proxy_view_may_name(&f->v, &AT(4000)));
	proxy_view_answer(&f->v, effect(f, 3000), UPSTREAM_IN_EFFECT);
	assert_false(proxy_view_may_name(&f->v, &AT(4000)));
	assert_true(proxy_view_may_name(&f->v, &AT(3000)));
}

static void a_later_wish_may_hold_already(void **state)
{
	struct fixture *f = *state;
	uint64_t second = 0;

	proxy_view_answer(&f->v, effect(f, 3000), UPSTREAM_IN_EFFECT);
	second = effect(f, 3001);
	assert_true(proxy_view_may_name(&f->v, &AT(3000)));
	assert_true(proxy_view_may_name(&f->v, &AT(3001)));
	proxy_view_answer(&f->v, second, UPSTREAM_IN_EFFECT);
	assert_false(proxy_view_may_name(&f->v, &AT(3000)));
	assert_true(proxy_view_is_out(&f->v, second, &AT(3000)));
	assert_false(proxy_view_is_out(&f->v, second, &AT(3001)));
}

static void a_refused_wish_named_nobody(void **state)
{
	struct fixture *f = *state;
	uint64_t second = 0;

	proxy_view_answer(&f->v, effect(f, 3000), UPSTREAM_IN_EFFECT);
	second = effect(f, 3001);
	/* It is tried once more. */
	proxy_view_answer(&f->v, second, UPSTREAM_TAKEN_BACK);
	assert_true(proxy_view_may_name(&f->v, &AT(3001)));
	effect(f, 3000);
	proxy_view_answer(&f->v, second, UPSTREAM_TAKEN_BACK);
	assert_false(proxy_view_may_name(&f->v, &AT(3001)));
}

static void without_servers_it_keeps_what_it_has(void **state)
{
	struct fixture *f = *state;

	proxy_view_answer(&f->v, effect(f, 3000), UPSTREAM_IN_EFFECT);
	proxy_view_answer(&f->v, effect(f, 0), UPSTREAM_IN_EFFECT);
	assert_true(proxy_view_may_name(&f->v, &AT(3000)));
	assert_false(proxy_view_is_out(&f->v, f->v.serial, &AT(3000)));
	proxy_view_let_go(&f->v, f->v.serial);
	assert_true(proxy_view_is_out(&f->v, f->v.serial, &AT(3000)));
}

static void what_is_wished_for_is_compared_whole(void **state)
{
	struct fixture *f = *state;
	const struct upstream_server same = { .at = { .port = 3000 } };
	const struct upstream_server down = { .at = { .port = 3000 }, .is_down = true };

	assert_false(proxy_view_forget(&f->v));
	effect(f, 3000);
	assert_true(proxy_view_is_wished(&f->v, f->spec, &same, 1));
	assert_false(proxy_view_is_wished(&f->v, f->spec, &down, 1));
	assert_false(proxy_view_is_wished(&f->v, f->spec, &same, 0));
	assert_false(proxy_view_is_wished(&f->v, NULL, &same, 1));
	assert_true(proxy_view_forget(&f->v));
	assert_false(proxy_view_is_wished(&f->v, f->spec, &same, 1));
	assert_int_equal(f->v.serial, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(begin, end, "any port may be named until an effect was carried out",
			nothing_is_known_before_an_effect),
		PROMISE_IN(begin, end, "old and new servers may be named until the new ones are in effect",
			a_later_wish_may_hold_already),
		PROMISE_IN(begin, end, "an effect that was refused has named nobody once another follows it",
			a_refused_wish_named_nobody),
		PROMISE_IN(begin, end, "a proxy that is left without servers keeps those that it has",
			without_servers_it_keeps_what_it_has),
		PROMISE_IN(begin, end,
			"an effect is the same only with the same servers, states and definition",
			what_is_wished_for_is_compared_whole),
	};

	return cmocka_run_group_tests_name("herd_proxy_view", tests, NULL, NULL);
}
