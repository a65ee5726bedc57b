#include "export/export.h"

#include "base/json.h"
#include "base/str.h"

#define EXPORTER(id, side, about)                                                                            \
	const struct exporter export_##id = { #id, EXPORT_##side, about, id##_render };
#include "export/exporters.def"
#undef EXPORTER

const struct exporter *const exporters[] = {
#define EXPORTER(id, side, about) &export_##id,
#include "export/exporters.def"
#undef EXPORTER
	NULL,
};

const struct exporter *exporter_find(const char *name)
{
	for (size_t i = 0; exporters[i]; i++)
		if (str_eq(exporters[i]->name, name))
			return exporters[i];
	return NULL;
}

static void add_servers(struct json *servers, const struct export_app *app)
{
	for (size_t k = 0; k < app->servers_count; k++) {
		const struct upstream_server *s = &app->servers[k];
		struct json *server = json_push(servers, json_new_object());

		json_set_string(server, "address", endpoint_address(&s->at));
		json_set_int(server, "port", s->at.port);
		json_set_bool(server, "down", s->is_down);
	}
}

void export_json(struct buf *out, const struct export_app *apps, size_t count)
{
	struct json *root = json_new_object();
	struct json *list = NULL;

	json_set_int(root, "version", 1);
	list = json_set(root, "upstreams", json_new_array());
	for (size_t i = 0; i < count; i++) {
		struct json *object = json_push(list, json_new_object());

		json_set_string(object, "name", apps[i].name);
		add_servers(json_set(object, "servers", json_new_array()), &apps[i]);
	}
	json_write_pretty(out, root);
	json_free(root);
}
