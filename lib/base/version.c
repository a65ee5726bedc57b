/* A file of its own: a build with another version differs in this one object. */
#include "base/version.h"

#ifndef OX_VERSION
#define OX_VERSION "0.0.0"
#endif

const char ox_version[] = OX_VERSION;
