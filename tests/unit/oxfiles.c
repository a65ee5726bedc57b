#include "oxfiles.h"

#include <string.h>

static char home[] = "HOME=/home/me";
static char token[] = "TOKEN=s3cret";
static char nothing[] = "NOTHING=";
static char *environment[] = { home, token, nothing, NULL };

struct oxfile *read_with(const char *text, const char *profile, struct diags *d)
{
	const struct oxfile_options options = {
		.path = "oxfile.toml",
		.folder = "/srv/app",
		.profile = profile,
		.environment = environment,
	};

	return oxfile_read(text, strlen(text), &options, d);
}
