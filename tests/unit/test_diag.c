#include "base/diag.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "unit.h"

static struct diag *at(struct diags *d, size_t i)
{
	return d->list.items[i];
}

static struct place place(int line, int column)
{
	return (struct place){ .line = line, .column = column };
}

static void knows_its_place(void **state)
{
	static const char text[] = "first\nsecond\r\n\nlast";
	struct diags d = DIAGS_INIT;

	(void)state;
	diags_about(&d, "oxfile.toml", text, strlen(text));
	diags_error(&d, place(2, 3), "no '%s'", "x");
	diags_error(&d, place(3, 1), "empty");
	diags_warn(&d, place(4, 1), "last");
	diags_error(&d, place(5, 1), "beyond");
	diags_error(&d, place(0, 0), "the file as a whole");
	assert_string_equal(at(&d, 0)->file, "oxfile.toml");
	assert_string_equal(at(&d, 0)->text, "no 'x'");
	assert_string_equal(at(&d, 0)->line, "second");
	assert_int_equal(at(&d, 0)->at.line, 2);
	assert_int_equal(at(&d, 0)->at.column, 3);
	assert_string_equal(at(&d, 1)->line, "");
	assert_string_equal(at(&d, 2)->line, "last");
	assert_null(at(&d, 3)->line);
	assert_null(at(&d, 4)->line);
	diags_release(&d);
}

static void does_without_a_text(void **state)
{
	struct diags d = DIAGS_INIT;

	(void)state;
	diags_error(&d, place(1, 1), "nobody knows where");
	assert_string_equal(at(&d, 0)->file, "");
	assert_null(at(&d, 0)->line);
	diags_about(&d, "x", "", 0);
	diags_error(&d, place(1, 1), "an empty file");
	assert_string_equal(at(&d, 1)->line, "");
	diags_release(&d);
}

static void warnings_are_no_errors(void **state)
{
	struct diags d = DIAGS_INIT;

	(void)state;
	diags_warn(&d, place(1, 1), "careful");
	assert_int_equal(d.errors, 0);
	assert_true(at(&d, 0)->is_warning);
	diags_error(&d, place(1, 1), "wrong");
	assert_int_equal(d.errors, 1);
	assert_false(at(&d, 1)->is_warning);
	diags_release(&d);
	assert_int_equal(d.errors, 0);
}

static void takes_the_last_hint(void **state)
{
	struct diags d = DIAGS_INIT;

	(void)state;
	diag_hint(diags_error(&d, place(1, 1), "unknown key 'prot'"), "did you mean '%s'?", "part");
	diag_hint(at(&d, 0), "did you mean '%s'?", "port");
	assert_string_equal(at(&d, 0)->hint, "did you mean 'port'?");
	diags_error(&d, place(1, 1), "no hint");
	assert_null(at(&d, 1)->hint);
	diags_release(&d);
}

static void counts_what_it_does_not_keep(void **state)
{
	struct diags d = DIAGS_INIT;

	(void)state;
	for (int i = 0; i < DIAGS_MAX + 7; i++)
		diag_hint(diags_error(&d, place(i + 1, 1), "wrong"), "hint %d", i);
	diag_hint(diags_warn(&d, place(1, 1), "careful"), "hint");
	assert_int_equal(d.list.len, DIAGS_MAX);
	assert_int_equal(d.left_out, 8);
	assert_int_equal(d.errors, DIAGS_MAX + 7);
	diags_release(&d);
}

static void quotes_no_endless_line(void **state)
{
	struct diags d = DIAGS_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	buf_fill(&text, 'x', 100000);
	diags_about(&d, "x", text.ptr, text.len);
	diags_error(&d, place(1, 90000), "wrong");
	assert_true(strlen(at(&d, 0)->line) <= 400);
	diags_release(&d);
	buf_release(&text);
}

static void cuts_between_characters(void **state)
{
	struct diags d = DIAGS_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	buf_fill(&text, 'x', 399);
	buf_adds(&text, "\xf0\x9f\x90\x82 and more");
	diags_about(&d, "x", text.ptr, text.len);
	diags_error(&d, place(1, 1), "wrong");
	assert_int_equal(strlen(at(&d, 0)->line), 399);
	diags_release(&d);
	buf_release(&text);
}

static void sorts_as_a_reader_walks(void **state)
{
	static const char *const expected = "a:1:1 early|a:2:1 one|a:2:1 two|a:2:9 late|b:1:1 other|";
	struct diags d = DIAGS_INIT;
	struct buf order = BUF_INIT;
	const struct diag *complaint = NULL;
	size_t i = 0;

	(void)state;
	diags_about(&d, "b", NULL, 0);
	diags_error(&d, place(1, 1), "other");
	diags_about(&d, "a", NULL, 0);
	diags_error(&d, place(2, 9), "late");
	diags_error(&d, place(2, 1), "one");
	diags_warn(&d, place(2, 1), "two");
	diags_warn(&d, place(1, 1), "early");
	diags_sort(&d);
	VEC_EACH (&d.list, i, complaint)
		buf_addf(&order, "%s:%d:%d %s|", complaint->file, complaint->at.line, complaint->at.column,
			complaint->text);
	assert_string_equal(order.ptr, expected);
	buf_release(&order);
	diags_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a complaint knows its file, its place and its line", knows_its_place),
		PROMISE("a complaint needs no text to be about", does_without_a_text),
		PROMISE("warnings do not count as errors", warnings_are_no_errors),
		PROMISE("the last hint stays", takes_the_last_hint),
		PROMISE("beyond a hundred, complaints are counted and not kept",
			counts_what_it_does_not_keep),
		PROMISE("an endless line is not quoted whole", quotes_no_endless_line),
		PROMISE("a quoted line is cut between characters, not within one", cuts_between_characters),
		PROMISE("sorted complaints follow the file, in the order in which they came",
			sorts_as_a_reader_walks),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
