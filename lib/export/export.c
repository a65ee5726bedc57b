#include "export/export.h"

#include "base/str.h"

const struct exporter *const exporters[] = { &export_nginx, &export_haproxy, &export_caddy, NULL };

const struct exporter *exporter_find(const char *name)
{
	for (size_t i = 0; exporters[i]; i++)
		if (str_eq(exporters[i]->name, name))
			return exporters[i];
	return NULL;
}
