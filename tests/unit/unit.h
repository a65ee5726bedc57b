/*
 * What every unit test includes.  A test's title is the promise in a sentence:
 *
 *	static void grows_as_it_is_filled(void **state) { … }
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			PROMISE("a buf grows as it is filled", grows_as_it_is_filled),
 *		};
 *
 *		return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
 *	}
 */
#ifndef OX_TESTS_UNIT_H
#define OX_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PROMISE(sentence, function)                                                                          \
	{                                                                                                    \
		.name = (sentence), .test_func = (function),                                                 \
	}
/* The same, in a world that is made before and taken down after it. */
#define PROMISE_IN(before, after, sentence, function)                                                        \
	{                                                                                                    \
		.name = (sentence), .test_func = (function), .setup_func = (before),                         \
		.teardown_func = (after),                                                                    \
	}

#endif
