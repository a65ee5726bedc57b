/*
 * A scene is a text file: what happens to a herd, line by line, and below each line all that the herd does and says about it.
 *
 *	# a crashed instance starts again after its delay
 *	$ oxfile
 *	| [processes.api]
 *	| command = "serve"
 *	$ deploy
 *	  spawn api:0 …
 *	$ exit api:0 1
 *	  event api:0 running -> backoff on crash: exit code 1, …
 *
 * scene_play() plays it and writes it anew with what really happened; where that is the same text, the promise holds.  After each line the herd is
 * written down and read again, and must say the same: what a brain leaves behind is all that the next one needs.
 */
#ifndef OX_TESTS_UNIT_SCENE_H
#define OX_TESTS_UNIT_SCENE_H

#include <stdbool.h>

#include "base/buf.h"

/* False when something was wrong beyond the text (which is then told in `out`): a herd that does not read what it wrote. */
bool scene_play(const char *text, struct buf *out);

#endif
