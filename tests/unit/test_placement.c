#include "rules/placement.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

/* "api 3000 3001; worker -" or the complaints, for an oxfile's text on a machine with four processors. */
static char *place(const char *text)
{
	const struct oxfile_options options = { .path = "oxfile.toml", .folder = "/srv" };
	struct diags d = DIAGS_INIT;
	struct vec placements = VEC_INIT;
	struct buf out = BUF_INIT;
	struct oxfile *o = oxfile_read(text, strlen(text), &options, &d);
	const struct placement *p = NULL;
	size_t i = 0;

	assert_non_null(o);
	placement_make(o, 4, &placements, &d);
	VEC_EACH (&placements, i, p) {
		buf_addf(&out, "%s%s", i ? "; " : "", p->spec->name);
		for (int k = 0; k < p->instances; k++)
			buf_addf(&out, " %d", p->ports[k]);
	}
	for (i = 0; i < d.list.len; i++) {
		const struct diag *complaint = d.list.items[i];

		buf_addf(&out, "\n%d:%d %s", complaint->at.line, complaint->at.column, complaint->text);
	}
	vec_release_with(&placements, placement_free);
	oxfile_free(o);
	diags_release(&d);
	return buf_detach(&out);
}

static const struct {
	const char *promise;
	const char *text;
	const char *placed;
} cases[] = {
	{ "several instances without a port get a block from 3000 up",
		"[processes.api]\ncommand = \"x\"\ninstances = 4\n", "api 3000 3001 3002 3003" },
	{ "one instance without a port gets none", "[processes.a]\ncommand = \"x\"\n", "a 0" },
	{ "a written port is the first one's, and the step is kept",
		"[processes.a]\ncommand = \"x\"\ninstances = 3\nport = 80\nport_step = 10\n", "a 80 90 100" },
	{ "PORT in env is the base", "[processes.a]\ncommand = \"x\"\ninstances = 2\nenv.PORT = \"5000\"\n",
		"a 5000 5001" },
	{ "a PORT that is no port is the program's own business",
		"[processes.a]\ncommand = \"x\"\nenv.PORT = \"/run/x.sock\"\n", "a 0" },
	{ "instances that share a port have one",
		"[processes.a]\ncommand = \"x\"\ninstances = 3\nport = 80\nport_mode = \"shared\"\n"
		"[processes.b]\ncommand = \"x\"\nport = 81\n",
		"a 80 80 80; b 81" },
	{ "a shared port may be the one in the environment, and is owned all the same",
		"[processes.a]\ncommand = \"x\"\ninstances = \"max\"\nenv.PORT = 80\ncluster_mode = true\n"
		"[processes.b]\ncommand = \"x\"\nport = 80\n",
		"a 80 80 80 80; b 80\n8:8 'b' (80) and 'a' (80) both want port 80" },
	{ "blocks go around written ports",
		"[processes.a]\ncommand = \"x\"\ninstances = 2\n[processes.b]\ncommand = \"x\"\nport = 3001\n",
		"a 3002 3003; b 3001" },
	{ "max is what this process may use", "[processes.a]\ncommand = \"x\"\ninstances = \"max\"\n",
		"a 3000 3001 3002 3003" },
	{ "a disabled app has no place",
		"[processes.a]\ncommand = \"x\"\nport = 80\n[processes.b]\ncommand = \"x\"\nport = 80\n"
		"disabled = true\n",
		"a 80" },
	{ "owned ranges that overlap are an error that names both",
		"[processes.a]\ncommand = \"x\"\nport = 80\ninstances = 3\n[processes.b]\ncommand = \"x\"\nport = 82\n",
		"a 80 81 82; b 82\n7:8 'b' (82) and 'a' (80 to 82) both want port 82" },
	{ "a range that passes 65535 is an error",
		"[processes.a]\ncommand = \"x\"\ninstances = 2\nport = 65535\n",
		"a 65535 0\n4:8 the ports of 'a' end at 65536, beyond 65535" },
	{ "a block that fits nowhere is an error at what asked for so many",
		"[processes.a]\ncommand = \"x\"\nport_step = 10000\ninstances = 8\n",
		"a 0 0 0 0 0 0 0 0\n4:13 no 8 free ports in a row are left for 'a'" },
	{ "a range in the environment that passes 65535 is an error at the environment",
		"[processes.a]\ncommand = \"x\"\ninstances = 2\nenv.PORT = 65535\n",
		"a 65535 0\n4:1 the ports of 'a' end at 65536, beyond 65535" },
	{ "the first and the last port may be given by the environment",
		"[processes.a]\ncommand = \"x\"\nenv.PORT = 1\n[processes.b]\ncommand = \"x\"\nenv.PORT = 65535\n",
		"a 1; b 65535" },
	{ "a PORT that is 0, or too high, is the program's own business",
		"[processes.a]\ncommand = \"x\"\nenv.PORT = 0\n[processes.b]\ncommand = \"x\"\nenv.PORT = 65536\n",
		"a 0; b 0" },
	{ "a port that is passed on twice is a warning",
		"[processes.a]\ncommand = \"x\"\nenv.PORT = 80\n[processes.b]\ncommand = \"x\"\nenv.PORT = 80\n",
		"a 80; b 80\n6:1 'b' (80) and 'a' (80) are both given port 80 in their environment" },
};

static void every_app_gets_its_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *placed = place(cases[i].text);

		if (strcmp(placed, cases[i].placed) != 0)
			print_error("broken: %s\n", cases[i].promise);
		assert_string_equal(placed, cases[i].placed);
		mem_free(placed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every app of an oxfile gets its ports, or a complaint at the line that asked",
			every_app_gets_its_ports),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
