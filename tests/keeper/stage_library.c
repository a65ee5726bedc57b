#include "stage_library.h"

#include <stdio.h>

int library_port = 4811;

const char *library_port_text(void)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "%d", library_port);
	return text;
}

/* Behind the gate by the library at `path`, or the built one. */
void order_library_at(struct spawn_order *w, int place, const char *path)
{
	char built[512], variable[640];

	stage_program(built, sizeof(built), "liboxgate.so");
	(void)snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", path ? path : built);
	keeper_list_add(&w->env, variable);
	order_gate(w, place, library_port);
	w->m.spawn.hook = KEEPER_HOOK_PRELOAD;
}

void library_python(struct stage *s, uint64_t generation, int place, const char *script, int *out)
{
	struct spawn_order w;

	order_program(&w, generation, out, WORDS("python3", "-uc", script, library_port_text()));
	order_library_at(&w, place, NULL);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
}

struct note *library_node(struct stage *s, uint64_t generation, int place)
{
	static const char script[] =
		"const [name, port] = process.argv.slice(1);"
		"require('http').createServer((q, r) => {"
		" r.setHeader('connection', 'close'); r.end('generation ' + name); }).listen(port, '127.0.0.1')";
	char name[24];
	struct spawn_order w;

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)generation);
	order_program(&w, generation, NULL, WORDS("node", "-e", script, name, library_port_text()));
	order_library_at(&w, place, NULL);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	return stage_expect(s, KEEPER_LISTENS, generation);
}

struct note *library_actor(struct stage *s, uint64_t generation, int place)
{
	struct spawn_order w;

	order_actor(&w, generation, NULL, WORDS("--listen", library_port_text()));
	order_library_at(&w, place, NULL);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	return stage_expect(s, KEEPER_LISTENS, generation);
}
