/*
 * How a complaint about somebody's file looks:
 *
 *	oxfile.toml:7:12: unknown key 'restart_dealy_ms'
 *	    7 | api = { restart_dealy_ms = 5 }
 *	      |         ^
 *	      = did you mean 'restart_delay_ms'?
 *
 * A line that is too long is cut around the place, so that everything stays within COMPLAINT_COLUMNS.
 */
#ifndef OX_VIEW_COMPLAINT_H
#define OX_VIEW_COMPLAINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"

enum { COMPLAINT_COLUMNS = 100 };

/*
 * All of them in the order of the list, and "… and 12 more" about those that were left out.  Made safe for a
 * terminal.
 */
void complaint_render(struct buf *out, const struct diags *d, bool colour);
void complaint_render_one(struct buf *out, const struct diag *complaint, bool colour);

#endif
