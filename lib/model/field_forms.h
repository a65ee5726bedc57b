/*
 * Text of a form of its own, such as the name of a signal: how it is read, what it wants to be, and what a schema says of it.  A new form is
 * one member of this list, and a row of fields.def that names it.
 */
#ifndef OX_MODEL_FIELD_FORMS_H
#define OX_MODEL_FIELD_FORMS_H

#include <stdbool.h>

struct err;

struct field_form {
	const char *wants;   /* "the name of a signal, such as \"SIGTERM\"" */
	const char *pattern; /* of a schema; NULL: any text */
	bool takes_lists;    /* 3 and [0, "2-5"] too, which are read as "3" and "0,2-5" */
	/* As it is kept, to be freed.  NULL: it has not that form; with words where `wants` does not say what is wrong. */
	char *(*read)(const char *text, struct err *e);
};

extern const struct field_form form_signal; /* "TERM" and "term" are kept as "SIGTERM" */
extern const struct field_form form_variable;
extern const struct field_form form_umask; /* "0027" is kept as "027" */
extern const struct field_form form_cpus;  /* "3,0-2" is kept as "0-3", CPUS_ONE_EACH as it is */

#endif
