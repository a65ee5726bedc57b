/*
 * For those who have watchers of their own in the loop (loop/loop.h): libev's, which nobody else includes.  What is to be known of them:
 *
 * - A watcher is a member of its owner's struct, and `data` is the owner.
 * - ev_io_start() may fail without a word: loop_watch() and loop_mind() are there for that.
 * - There is no default loop, as that one would reap every child of the process.
 */
#ifndef OX_LOOP_WATCHERS_H
#define OX_LOOP_WATCHERS_H

#include <ev.h> /* IWYU pragma: export */

#endif
