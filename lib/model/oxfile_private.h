/*
 * Between the parts of the oxfile reader: not for anybody else.
 */
#ifndef OX_MODEL_OXFILE_PRIVATE_H
#define OX_MODEL_OXFILE_PRIVATE_H

#include "base/toml.h"
#include "model/fields.h"
#include "model/oxfile.h"

/* What one read needs everywhere. */
struct oxfile_reading {
	const struct oxfile_options *options;
	struct field_context ctx;
	struct diags *d;
	struct spec *base; /* the defaults, then [logging] and [defaults] */
	bool profile_was_found;
};

/* Lays a table's keys over a spec; `prefix` is "" or "logs.".  Every mistake is a complaint. */
void layer_apply(
	struct oxfile_reading *r, struct spec *s, const char *prefix, const struct toml_value *table);
/* Where the row was written; NULL if it was not. */
struct row_place *oxfile_row_place(const struct spec *s, size_t row);
/* A copy that keeps the places. */
struct spec *layer_clone(const struct spec *s, const char *name);

/*
 * Rows that depend on each other: folds script into command, settles defaults, complains about what cannot
 * be.
 */
void settle_spec(struct oxfile_reading *r, struct spec *s);

/*
 * One port for all instances, and none is named: a complaint, or if that was said of all apps and this one is a single instance, "each".  Once its
 * env_files are known.
 */
void oxfile_settle_shared_port(struct spec *s, struct diags *d);

#endif
