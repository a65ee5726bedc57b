/*
 * Between the files of this room: the herd as it would be after an apply or a scale, a change for each app.
 */
#ifndef OX_HERD_CHANGESET_H
#define OX_HERD_CHANGESET_H

#include "herd/herd_private.h"

/* Ports by instance number. */
struct port_row {
	int *ports;
	int len;
	enum port_source source;
};

struct change {
	struct app *app;         /* NULL: it is new */
	const struct spec *spec; /* borrowed */
	int64_t caller;          /* of a revision that is made of it */
	int was, count, scaled;  /* instances: before, and after */
	struct port_row ports;
	struct port_row back; /* of what its rollout may go back to, where that needs more than it has */
	enum rollout_kind kind;
	struct build *build; /* what is on the disk for it; NULL: nobody looked */
	char *build_words;   /* what is different in it; NULL: nothing */
	bool is_held;        /* that build is where somebody went back to */
	bool rolls;          /* also where nothing changed */
	bool is_new, is_changed, is_removed, is_rolled, cannot_grow;
	enum herd_did did;
	bool is_awaited; /* a scaling of it has what it waits for: the same app may be named twice */
};
struct change *change_add(struct vec *drafts, struct app *app, const struct spec *spec);
void change_free(void *draft);
void changeset_of(const struct herd *h, struct vec *drafts);
struct change *change_find(const struct vec *drafts, const char *name);
/* -1 with words for ranges that meet or end beyond the last port. */
int changeset_assign_ports(const struct herd *h, struct vec *drafts, struct err *e);
int changeset_check(const struct herd *h, struct vec *drafts, struct err *e);
/* Moves the herd to what the drafts say; cannot fail. */
void changeset_commit(struct herd *h, struct vec *drafts);
void change_plan(const struct change *d, struct plan *plan);

/* changeset_back.c */
/* Somebody scales it, and in the middle of a rollout that holds also when it goes back. */
bool change_is_scaled(const struct change *d);
/* From number `*have` on the revision that it may go back to has no ports, and up to `*need` it has to have some. */
bool change_lacks_back(const struct change *d, int *have, int *need);
/* By what the first one is; not for a block that nobody shares, whose ports may be anywhere. */
int64_t revision_next_port(const struct revision *r, int number);
/* Fills `back` with the ports that are there already, and those that follow from them; the rest is 0. */
void change_begin_back(struct change *d);
/* It has at least `end` ports, the new ones 0. */
void port_row_reach(struct port_row *row, int end);

/* Can the app go over to `r` as the herd is now?  Then `r` has its ports, and `*count` is how many it would have. */
int app_reaim(struct app *a, struct revision *r, int *count, struct err *e);

#endif
