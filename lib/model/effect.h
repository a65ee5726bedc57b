/*
 * What the herd asks the rest of the brain to do, and what can come of it: the things that pass between the herd, which decides
 * (herd/herd_effects.h), and the rooms that act.
 */
#ifndef OX_MODEL_EFFECT_H
#define OX_MODEL_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/spec.h"
#include "model/ticket.h"
#include "model/upstream.h"

struct build;

struct spawn_effect {
	struct ticket ticket;
	const char *name; /* "api:2": travels with the process, so that a later brain knows it again */
	const struct spec *spec;
	int instance;            /* OXHERD_INSTANCE */
	int port;                /* PORT; 0: none is given */
	bool owns_port;          /* false: passed on only */
	int instances;           /* how many the app has now */
	int revision;            /* OXHERD_REVISION */
	int64_t caller;          /* whose environment: the number that herd_apply() got */
	const struct build *own; /* where it runs, if that is there; NULL: where its definition says */
	int64_t gate;            /* the number of the gate that it is behind; 0: none */
	int place;               /* there; who comes after it gets the same */
};

/* Which build is asked for (model/build.h). */
struct build_query {
	const struct spec *spec;
	int64_t caller;          /* whose PATH finds its program */
	const char *path;        /* NULL, or a PATH that counts in place of the caller's */
	const struct build *own; /* looked at where this one was made; NULL: where its definition says */
};

/* Who serves an app that has nginx.output.  What is not named gets nothing; what is marked down gets nothing new. */
struct upstream_effect {
	const char *app;
	const struct spec *spec;
	const struct upstream_server *servers; /* by instance; none: nobody serves now */
	size_t count;
	uint64_t serial; /* counts up with every upstream effect of the app */
	bool is_gone;    /* the app is deleted, or has no nginx.output any more; not answered */
};

/* An app's gate as it should be: the sockets that are held in front of its instances. */
struct gate_effect {
	int64_t gate; /* its number, never another app's */
	int port; /* where what comes next listens: free sockets at other ports are closed; 0: nothing comes */
	const struct ticket *chosen; /* who gets new connections, in equal shares; none: nothing changes */
	size_t chosen_count;
	const int *
		places; /* rising: sockets there wait for the next process when theirs has ended; all others are closed then */
	size_t place_count;
};

enum upstream_outcome {
	UPSTREAM_IN_EFFECT,
	UPSTREAM_UNSURE,     /* not verified, but nginx may have read it */
	UPSTREAM_TAKEN_BACK, /* nginx has not read it: the file from before is still in effect */
};

/* A command of [deploy], run beside the herd. */
struct hook_effect {
	const char *app;
	uint64_t rollout; /* comes back with the answer */
	const struct spec *spec;
	bool is_post; /* deploy.post, else deploy.pre */
	int revision;
	int64_t caller;
	const struct build *own; /* as for a spawn */
};

/* What one check of an instance's health came to. */
enum probe_answer {
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_STRANGER, /* somebody else has its port, or answers on it */
	PROBE_UNKNOWN,  /* nothing: the check itself was held up */
};

enum reach { REACH_MAIN, REACH_TREE };

enum { LOOK_PORTS_MAX = 4 };

/* What can be seen of a process tree from outside. */
struct process_look {
	int ports[LOOK_PORTS_MAX]; /* TCP ports that it listens on, rising; further ones are left out */
	int ports_len;
	bool is_first_thread_over; /* of the main process, while others of its threads live */
};

/* A process of a service that lives on when the service has ended with 0. */
struct left_behind {
	int64_t pid; /* 0: nothing lives on that belongs to it, or nobody has looked */
	int port;    /* that it listens on; 0: none */
	const char *command;
};

#endif
