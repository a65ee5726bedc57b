/*
 * One definition of an app, by its number: what was asked for, whose environment it is started in, and the ports that go with it.  Shared by
 * the app and by every instance that runs by it, and gone with the last of them, so an old instance is stopped by the rules that it
 * was started by.
 *
 * Its build is what was on the disk when it was made.  The newest revision runs where its definition says, whatever a link there leads to when a
 * process starts.  One that another has taken the place of is pinned: its processes start in the folder that it was made in.
 */
#ifndef OX_HERD_REVISION_H
#define OX_HERD_REVISION_H

#include <stdint.h>

#include "model/build.h"
#include "model/spec.h"
#include "rules/ports.h"

struct revision {
	int refs;
	int number; /* from 1, never used twice by one app */
	struct spec *spec;
	int64_t caller; /* the engine's number for an environment; 0: none */
	int *ports;     /* by instance number, as many as it ever had */
	int ports_len;
	enum port_source port_source;
	struct build *build; /* NULL: nobody looked */
	bool is_pinned;      /* another has replaced it */
	bool is_held;        /* somebody went back to it: a reload stays in its folder too */
};

/* Takes the spec over; one reference. */
struct revision *revision_new(struct spec *spec, int number);
struct revision *revision_ref(struct revision *r);
/* NULL does nothing. */
void revision_drop(struct revision *r);
/* `*to` gives up what it has, and refers to `r`. */
void revision_set(struct revision **to, struct revision *r);
/* 0: none is known. */
int revision_port(const struct revision *r, int number);
/* Another replaces it. */
void revision_pin(struct revision *r);
/* The build in whose folder its processes start; NULL: they start where its definition says. */
const struct build *revision_own(const struct revision *r);
/* Takes the build over: this is what its processes run from now on. */
void revision_take_build(struct revision *r, struct build *b);
/* Its ports are checked before a start, and nobody else may have them. */
bool revision_owns_ports(const struct revision *r);

#endif
