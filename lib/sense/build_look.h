/*
 * The build that is on the disk now (model/build.h): a bounded number of files is looked at, of which only git's own small ones are opened.
 */
#ifndef OX_SENSE_BUILD_LOOK_H
#define OX_SENSE_BUILD_LOOK_H

#include "spawn/launch_env.h"

struct build;
struct build_query;

/* Programs are found by the PATH that a process would have which that caller starts.  Never NULL; to be freed. */
struct build *build_look(const struct build_query *q, const struct launch_env *caller);

#endif
