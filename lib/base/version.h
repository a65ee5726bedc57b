/*
 * What this build calls itself.  `make VERSION=1.2.3` overrides it.
 */
#ifndef OX_BASE_VERSION_H
#define OX_BASE_VERSION_H

#ifndef OX_VERSION
#define OX_VERSION "0.1.0"
#endif

#endif
