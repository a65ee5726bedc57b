/*
 * The stage of the tests of liboxgate.so: programs that are started with it, at one port.
 */
#ifndef OX_TESTS_STAGE_LIBRARY_H
#define OX_TESTS_STAGE_LIBRARY_H

#include "stage_gate.h"

/* Where they listen.  Programs of tests run at the same time: each that is not the only one says another in main(). */
extern int library_port;
/* The same as text; the next call writes over it. */
const char *library_port_text(void);

/* Behind the gate by the library at `path`, or the built one. */
void order_library_at(struct spawn_order *w, int place, const char *path);
/* A program of Python, with the port as its argument; its output goes to *out if that is not NULL. */
void library_python(struct stage *s, uint64_t generation, int place, const char *script, int *out);
/* Those of stage_gate.h. */
struct note *library_node(struct stage *s, uint64_t generation, int place);
struct note *library_actor(struct stage *s, uint64_t generation, int place);

/* What every script begins with. */
#define BEGIN                                                                                                \
	"import ctypes, os, socket, struct, sys, threading, time\n"                                          \
	"libc = ctypes.CDLL(None, use_errno=True); port = int(sys.argv[1]); os.dup2(1, 2)\n"                 \
	"def new():\n"                                                                                       \
	" s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); return s\n"          \
	"def serve(s, n):\n"                                                                                 \
	" while True:\n"                                                                                     \
	"  c = s.accept()[0]; c.recv(999); c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\ngeneration %d' % n); c.close()\n"

#endif
