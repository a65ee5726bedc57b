/*
 * Threads for what would hold up a loop: a disk, a processor.  They share nothing with it but what they are given.
 */
#ifndef OX_OS_THREAD_H
#define OX_OS_THREAD_H

#include <pthread.h>

/* With a small stack, and deaf to signals: those are for the loop.  -1 with errno. */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
