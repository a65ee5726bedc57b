/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits.  Without the key nobody can tell the hash of a text that he has not seen
 * with its hash.  No memory, no stdio: it may be used between fork and exec.
 */
#ifndef OX_BASE_SIPHASH_H
#define OX_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY = 16 };

uint64_t siphash(const unsigned char key[SIPHASH_KEY], const void *bytes, size_t len);

#endif
