/*
 * Signals by name and by number.
 */
#ifndef OX_OS_SIG_H
#define OX_OS_SIG_H

/* 15 for "SIGTERM"; SIGRTMIN+N and SIGRTMAX-N too; -1 for what is none. */
int sig_number(const char *name);
/* "SIGTERM" for 15; NULL for realtime signals and what is none. */
const char *sig_name(int number);

#endif
