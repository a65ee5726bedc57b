/*
 * Who serves an app, as a proxy sees it.
 */
#ifndef OX_MODEL_UPSTREAM_H
#define OX_MODEL_UPSTREAM_H

#include <stdbool.h>

struct upstream_server {
	int port;
	bool is_down; /* draining: named, but gets nothing new */
};

#endif
