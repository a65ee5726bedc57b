/*
 * The build that is on the disk now (model/build.h): a bounded number of files is looked at, of which only git's own small ones are opened.
 */
#ifndef OX_SENSE_BUILD_LOOK_H
#define OX_SENSE_BUILD_LOOK_H

#include "spawn/launch_env.h"

struct build;

/*
 * With `own` it is looked at where that build was made; NULL: where the definition says.  Programs are found by the PATH that a process of it
 * would have.  Never NULL; to be freed.
 */
struct build *build_look(const struct spec *s, const struct launch_env *caller, const struct build *own);

#endif
