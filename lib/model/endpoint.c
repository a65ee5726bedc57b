#include "model/endpoint.h"

#include <string.h>

const char *endpoint_address(const struct endpoint *e)
{
	return e->address ? e->address : "127.0.0.1";
}

bool endpoint_is_same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !strcmp(endpoint_address(a), endpoint_address(b));
}
