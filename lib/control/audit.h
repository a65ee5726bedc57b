/*
 * One line in the daemon's log for each change that is asked for: what, about whom, by which user and from which program.  Before it is done, so
 * that it stands there whatever becomes of it.  Never an environment, a command or a text: they may hold secrets.
 */
#ifndef OX_CONTROL_AUDIT_H
#define OX_CONTROL_AUDIT_H

struct call;

enum { AUDIT_WORDS_MAX = 400 }; /* bytes of what it is about; the rest is left out */

void audit_write(const struct call *c);

#endif
