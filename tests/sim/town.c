/*
 * The apps of the simulated town, each with its versions: written ports, an automatic block, a port from env, none; chains of dependencies, a
 * one-shot, every policy and every way to be ready.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/fields.h"
#include "sim.h"

const char *const town_names[SIM_APPS] = { "db", "queue", "migrate", "api", "web", "worker", "cron", "side",
	"shop", "till" };

struct house {
	const char *command, *namespace;
	const char *needs[2];
	int instances, port, ready, restart;
	const char *env_port;
	int64_t max_restarts, stop_timeout_ms, ready_timeout_ms, start_delay_ms, crash_restart_limit;
	bool is_hasty; /* starts again without a delay */
	bool has_upstream;
	bool is_shared;
	int64_t check_ms, max_unavailable, stagger_ms;
};

static const struct house houses[SIM_APPS] = {
	{
		.command = "db",
		.namespace = "back",
		.instances = 1,
		.port = 3100,
		.ready = READY_LISTEN,
		.restart = RESTART_ALWAYS,
		.stop_timeout_ms = 3000,
		.ready_timeout_ms = 5000,
	},
	{
		.command = "queue",
		.stagger_ms = 300,
		.namespace = "back",
		.instances = 2,
		.port = 3110,
		.ready = READY_NOTIFY,
		.restart = RESTART_ON_FAILURE,
		.is_hasty = true,
		.stop_timeout_ms = 1000,
		.ready_timeout_ms = 2000,
	},
	{
		.command = "migrate",
		.namespace = "back",
		.needs = { "db" },
		.instances = 1,
		.ready = READY_ALIVE,
		.restart = RESTART_ON_FAILURE,
		.stop_timeout_ms = 500,
		.ready_timeout_ms = 2000,
		.max_restarts = 6,
	},
	{
		.command = "api",
		.stagger_ms = 500,
		.needs = { "db", "migrate" },
		.instances = 3,
		.port = 3000,
		.ready = READY_LISTEN,
		.restart = RESTART_ON_FAILURE,
		.stop_timeout_ms = 2000,
		.ready_timeout_ms = 3000,
		.max_restarts = 8,
		.has_upstream = true,
		.check_ms = 3000,
		.max_unavailable = 2,
	},
	{
		.command = "web",
		.needs = { "api" },
		.instances = 2,
		.ready = READY_AUTO,
		.restart = RESTART_ALWAYS,
		.stop_timeout_ms = 0,
		.ready_timeout_ms = 4000,
		.has_upstream = true,
	},
	{
		.command = "worker",
		.stagger_ms = 4000,
		.needs = { "queue", "db" },
		.instances = 3,
		.ready = READY_IPC,
		.restart = RESTART_ON_FAILURE,
		.env_port = "3150",
		.stop_timeout_ms = 1500,
		.ready_timeout_ms = 2500,
		.crash_restart_limit = 20,
	},
	{
		.command = "cron",
		.instances = 1,
		.ready = READY_ALIVE,
		.restart = RESTART_NEVER,
		.stop_timeout_ms = 700,
		.ready_timeout_ms = 3000,
		.start_delay_ms = 400,
	},
	{
		.command = "side",
		.namespace = "edge",
		.instances = 2,
		.ready = READY_HEALTH,
		.restart = RESTART_ALWAYS,
		.stop_timeout_ms = 900,
		.ready_timeout_ms = 1500,
		.max_restarts = 12,
		.check_ms = 2000,
	},
	{
		.command = "shop",
		.needs = { "db" },
		.instances = 3,
		.port = 3200,
		.is_shared = true,
		.ready = READY_HEALTH,
		.restart = RESTART_ON_FAILURE,
		.stop_timeout_ms = 1200,
		.ready_timeout_ms = 3000,
		.max_restarts = 9,
		.has_upstream = true,
		.check_ms = 1500,
	},
	{
		.command = "till",
		.namespace = "edge",
		.instances = 1,
		.env_port = "3210",
		.is_shared = true,
		.ready = READY_LISTEN,
		.restart = RESTART_ALWAYS,
		.stop_timeout_ms = 800,
		.ready_timeout_ms = 2500,
	},
};

int town_app(const char *name)
{
	for (int app = 0; app < SIM_APPS; app++)
		if (str_eq(town_names[app], name))
			return app;
	return -1;
}

bool town_needs(int app, int other)
{
	return str_eq(houses[app].needs[0], town_names[other]) ||
		str_eq(houses[app].needs[1], town_names[other]);
}

bool town_has_port(int app)
{
	return houses[app].port || houses[app].env_port;
}

int town_most_ill(int app)
{
	return houses[app].max_unavailable ? (int)houses[app].max_unavailable : 1;
}

bool town_parse(const char *name, int *app, int *number)
{
	const char *colon = strchr(name, ':');
	char text[24];
	int64_t value = 0;

	if (!colon || (size_t)(colon - name) >= sizeof(text) || !str_to_int(colon + 1, &value) || value < 0 ||
		value >= SIM_NUMBERS)
		return false;
	memcpy(text, name, (size_t)(colon - name));
	text[colon - name] = '\0';
	*app = town_app(text);
	*number = (int)value;
	return *app >= 0;
}

int town_count(int app, int version)
{
	return houses[app].instances + (version & 2 ? 1 : 0);
}

static const char *const commands[] = { NULL, "new --version", "bad --version", "late --version" };

enum { VERSION_CANARY = 32, VERSION_EACH = 256 };

/* What pauses on its way to another kind of port may wait for one that is not given up before somebody continues it. */
int town_version_of(int app, int version)
{
	return houses[app].is_shared && houses[app].port ? version & ~VERSION_CANARY
							 : version & ~VERSION_EACH;
}

bool town_shares(int app)
{
	return houses[app].is_shared;
}

int town_version(const struct spec *s)
{
	const struct house *house = &houses[town_app(s->name)];
	int version = (s->instances.value == house->instances ? 0 : 2) |
		(s->stop_timeout_ms == house->stop_timeout_ms ? 0 : 4) | (s->deploy.surge ? 0 : 16) |
		(s->deploy.canary ? 32 : 0) | (s->deploy.pre.argv ? 64 : 0) | (s->deploy.rollback ? 0 : 128) |
		(house->is_shared && s->port_mode == PORT_EACH ? VERSION_EACH : 0);

	for (int k = 1; k < 4; k++)
		if (str_eq(s->command.text, commands[k]))
			version |= (k & 1) | (k & 2 ? 8 : 0);
	return version;
}

int town_build(int version)
{
	return (version & 1) | (version & 8 ? 2 : 0);
}

int64_t town_stagger(const struct spec *s)
{
	return s->stagger_ms;
}

bool town_is_bad(const struct spec *s)
{
	return town_build(town_version(s)) >= 2;
}

static void set_deploy(struct spec *s, int app, int version)
{
	s->deploy.drain_ms = 1500;
	s->deploy.max_unavailable = town_most_ill(app);
	s->deploy.surge = version & 16       ? 0
		: app % 3 == 0               ? 2
		: houses[app].instances == 1 ? FIELD_AUTO_VALUE
					     : 1;
	s->deploy.canary = version & 32 ? 1 : 0;
	s->deploy.rollback = !(version & 128);
	if (version & 64) {
		command_from_line(&s->deploy.pre, "before", NULL);
		command_from_line(&s->deploy.post, "after", NULL);
	}
}

bool town_surge(const struct spec *s, int instances)
{
	if (s->deploy.surge >= 0)
		return s->deploy.surge > 0;
	return s->port || spec_has_gate(s) || (instances > 1 && s->restart != RESTART_NEVER);
}

/* Version 0 is the house as it stands; bits of others change what needs new processes, what does not, and how many there are. */
struct spec *town_spec(int app, int version)
{
	const struct house *house = &houses[app];
	struct spec *s = spec_new(town_names[app]);

	s->oxfile = mem_strdup("/town/oxfile.toml");
	s->folder = mem_strdup("/town");
	command_from_line(
		&s->command, town_build(version) ? commands[town_build(version)] : house->command, NULL);
	s->namespace = mem_strdup(house->namespace);
	s->instances = (struct count){ .kind = COUNT_NUMBER, .value = town_count(app, version) };
	s->port = house->port;
	s->port_mode = house->is_shared && !(version & VERSION_EACH) ? PORT_SHARED : PORT_EACH;
	if (house->env_port)
		env_put(&s->env, "PORT", house->env_port);
	for (size_t k = 0; k < 2 && house->needs[k]; k++)
		strings_add(&s->depends_on, house->needs[k]);
	s->ready = house->ready;
	s->restart = house->restart;
	s->max_restarts = house->max_restarts;
	s->crash_restart_limit = house->crash_restart_limit;
	if (house->is_hasty)
		s->restart_delay_ms = 0;
	s->stop_timeout_ms = house->stop_timeout_ms + (version & 4 ? 100 : 0);
	s->ready_timeout_ms = house->ready_timeout_ms;
	s->start_delay_ms = house->start_delay_ms;
	/* With the same bit, so that it changes while some wait. */
	s->stagger_ms = version & 4 ? house->stagger_ms / 2 : house->stagger_ms;
	set_deploy(s, app, version);
	/* Behind some of them stands a proxy that has to find out by itself. */
	s->deploy.fail_timeout_ms = app % 2 ? 3000 : 0;
	if (house->has_upstream)
		s->nginx.output = mem_strdup("/town/upstream.conf");
	s->health.tcp = house->check_ms > 0;
	s->health.interval_ms = house->check_ms ? house->check_ms : s->health.interval_ms;
	return s;
}
