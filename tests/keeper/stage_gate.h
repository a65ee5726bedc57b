/*
 * The stage of the tests of the gate: programs that say who they are to everybody who connects, and probes that ask.
 */
#ifndef OX_TESTS_STAGE_GATE_H
#define OX_TESTS_STAGE_GATE_H

#include "stage.h"

enum {
	GATE = 7,
	NOBODY = -1, /* no answer */
};

/* Behind gate GATE, at that place and port. */
void order_gate(struct spawn_order *w, int place, int port);
/* Starts node on 127.0.0.1, which answers with its generation, and waits until it listens. */
struct note *gate_node(struct stage *s, uint64_t generation, int place, int port);
/* The same at another address. */
struct note *gate_node_at(struct stage *s, uint64_t generation, int place, int port, const char *host);
/* The actor there, which never accepts. */
struct note *gate_actor(struct stage *s, uint64_t generation, int place, int port);
/* A program of Python, with the port as its argument; its output goes to *out if that is not NULL. */
void gate_python(struct stage *s, uint64_t generation, int place, int port, const char *script, int *out);
/* The pid of its SPAWNED. */
pid_t gate_pid(const struct stage *s, uint64_t generation);
/* SIGKILL, and waits until it is known. */
void gate_kill(struct stage *s, uint64_t generation);
/* 0 ends them. */
uint64_t gate_choose_all(struct stage *s, const int64_t *sockets);
uint64_t gate_drop_one(struct stage *s, int64_t socket);
/* The keeper has done all that was said before. */
void gate_done(struct stage *s);

#define SOCKETS(...)                                                                                         \
	(const int64_t[])                                                                                    \
	{                                                                                                    \
		__VA_ARGS__, 0                                                                               \
	}

/* As stage_read(), and answers the keeper meanwhile. */
void gate_read(struct stage *s, int fd, struct buf *text, const char *words);

/* Connected to 127.0.0.1, from the mark of that index, or, with -1, without one; -1 with errno. */
int gate_connect(int port, int index);
/* Its question and the answer: the generation, or NOBODY. */
void gate_ask(int fd);
int gate_answer(int *fd);
/* All of it. */
int gate_who(int port, int index);
/* The same over ::1, whose mark is another one. */
int gate_who_over_ipv6(int port, int index);
enum { GATE_LOAD_LEAST = 50 };

/* A process that asks one question after the other, GATE_LOAD_LEAST at least. */
struct gate_load {
	pid_t pid;
	int stop, counts; /* pipes */
};

struct gate_load gate_load_start(int port);
/* Ends it: so many were answered; the others were refused, cut or never answered. */
int gate_load_end(struct gate_load *load, int *failed);
/* Of so many connections without a mark, how many that generation got. */
int gate_share(int port, int connections, int generation);

#endif
