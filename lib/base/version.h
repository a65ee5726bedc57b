/*
 * What this build calls itself.  `make VERSION=1.2.3` says what.
 */
#ifndef OX_BASE_VERSION_H
#define OX_BASE_VERSION_H

extern const char ox_version[];

#endif
