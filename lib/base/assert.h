/*
 * What must be true, checked always, in releases too.  A check is one comparison; keep it so.
 *
 *	ASSERT(slot->generations <= 2, "%s has %u generations", slot->name, slot->generations);
 *
 * A failed assertion is logged as one line with file, line, condition and words.  Then the program's handler decides: without one, and
 * in the brain and oxctl, the program aborts.  The keeper must live: there it is logged, counted and reported to the brain, and ASSERT
 * returns.  So code that the keeper runs uses ASSERT_OR wherever it could not continue, and refuses the operation:
 *
 *	if (!ASSERT_OR(slot->is_child, "%s is no child", slot->name))
 *		return;
 *
 * What a user, a file, a client or another build can cause is an error, never an assertion.
 */
#ifndef OX_BASE_ASSERT_H
#define OX_BASE_ASSERT_H

#include <stdbool.h>

/* `line` is what was logged; valid only during the call.  Returns only where the program is to continue. */
typedef void (*assert_handler)(void *context, const char *line);

/* NULL: print the line to standard error and abort. */
void assert_to(assert_handler handler, void *context);

/* Aborts; for a program whose log is its standard error already. */
void assert_abort(void *context, const char *line);

/* So that this one believes it too. */
#ifdef __cppcheck__
#include <stdlib.h>
#define ASSERT(condition, ...)                                                                               \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			abort();                                                                             \
	} while (0)
#else
#define ASSERT(condition, ...)                                                                               \
	(__builtin_expect(!!(condition), 1) ? (void)0                                                        \
					    : assert_failed(__FILE__, __LINE__, #condition, __VA_ARGS__))
#endif

/* As ASSERT; gives whether it holds, for the caller to refuse what it was asked for. */
#define ASSERT_OR(condition, ...)                                                                            \
	(__builtin_expect(!!(condition), 1) || assert_refused(__FILE__, __LINE__, #condition, __VA_ARGS__))

/* So that the analyzer believes what was asserted. */
#ifdef __clang__
#define ASSERT_ENDS __attribute__((analyzer_noreturn))
#else
#define ASSERT_ENDS
#endif

void assert_failed(const char *file, int line, const char *condition, const char *format, ...)
	__attribute__((cold, format(printf, 4, 5))) ASSERT_ENDS;
/* Always false. */
bool assert_refused(const char *file, int line, const char *condition, const char *format, ...)
	__attribute__((cold, format(printf, 4, 5)));

#endif
