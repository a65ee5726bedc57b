/*
 * What people may write into a file that nginx reads as root.  Whatever could end its directive or its block
 * is refused, not escaped.  Only the nginx exporter asks.
 */
#ifndef OX_EXPORT_NGINX_CHECK_H
#define OX_EXPORT_NGINX_CHECK_H

#include <stddef.h>

struct err;
struct export_app;

/* Names, ports and options; 0, or -1 with words. */
int nginx_check_upstreams(const struct export_app *upstreams, size_t count, struct err *e);
/* The directive in an option: without blanks around it and the ';' that people may or may not write. */
const char *nginx_option(const char *option, size_t *len);

#endif
