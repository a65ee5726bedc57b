/*
 * Who asks for a change.  Each gets one line in the daemon's log: what, about whom, by which user and from which program.  It is written before
 * the change is made, so that it stands there whatever becomes of it.  Never an environment, a command or a text: they may hold secrets.
 */
#ifndef OX_CONTROL_AUDIT_H
#define OX_CONTROL_AUDIT_H

struct buf;
struct call;

enum { AUDIT_WORDS_MAX = 400 }; /* bytes of what it is about; the rest is left out */

/* Of a method that changes something. */
void audit_write(const struct call *c);
/* Appends the user, the process and its command line: "uid 1000, pid 812 'oxctl stop api'".  An event keeps it. */
void audit_who(const struct call *c, struct buf *out);

#endif
