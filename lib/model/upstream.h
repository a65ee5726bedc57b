/*
 * Who serves an app, as a proxy sees it.
 */
#ifndef OX_MODEL_UPSTREAM_H
#define OX_MODEL_UPSTREAM_H

#include <stdbool.h>

#include "model/endpoint.h"

struct upstream_server {
	struct endpoint at;
	bool is_down; /* draining: named, but gets nothing new */
};

#endif
