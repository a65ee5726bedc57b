/*
 * One line per event, in one grammar: `api:2: starting -> running on ready (1.24 s)`.  The level is tested
 * before anything is formatted; control characters in what is logged are escaped, so nobody's name or output
 * can forge a line or move a terminal's cursor.  Where lines go is a function, so that tests can catch them.
 */
#ifndef OX_BASE_LOG_H
#define OX_BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* `line` has no newline and is valid only during the call. */
typedef void (*log_sink)(void *context, enum log_level level, const char *line, size_t len);

/* Until this is called nothing is logged anywhere. */
void log_to(log_sink sink, void *context, enum log_level least);
const char *log_level_name(enum log_level level);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As log_warn, with ": <strerror(number)>" at the end. */
void log_warn_sys(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
