/*
 * What an oxfile comes to on this machine: how many instances of each app, and the port of each.
 */
#ifndef OX_RULES_PLACEMENT_H
#define OX_RULES_PLACEMENT_H

#include "base/diag.h"
#include "base/vec.h"
#include "model/oxfile.h"
#include "rules/ports.h"

struct placement {
	const struct spec *spec; /* borrowed from the oxfile */
	int instances;
	int *ports; /* one an instance, the same for all where they share it; 0: none */
	struct port_claim claim;
};

/*
 * Appends a placement for every enabled app, in the order of the file.  Ports that overlap or do not fit are
 * complaints about the line where the port was written.  0, or -1 with errors.  The env_files must have been
 * read before.
 */
int placement_make(const struct oxfile *o, int cpus, struct vec *placements, struct diags *d);
void placement_free(void *placement);

#endif
