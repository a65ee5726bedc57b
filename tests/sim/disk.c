/*
 * The disk of the simulated machine: each app has releases, and a link that leads to one of them.  People switch the link, put other files in the
 * place of a release, and remove old ones.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "herd/herd_private.h"
#include "sim.h"

/* The number at the end of "/town/api/rel/2"; -1: none. */
static int release_of(const char *folder)
{
	return folder && *folder ? folder[strlen(folder) - 1] - '0' : -1;
}

static char *folder_of(int app, int release)
{
	struct buf path = BUF_INIT;

	buf_addf(&path, "/town/%s/rel/%d", town_names[app], release);
	return buf_detach(&path);
}

struct build *disk_look(void *context, const struct build_query *effect)
{
	const struct sim *s = context;
	int app = town_app(effect->spec->name);
	int release = effect->own ? release_of(effect->own->folder) : s->disks[app].link;
	const struct disk *d = &s->disks[app];
	struct buf named = BUF_INIT;
	struct build *b = NULL;

	buf_addf(&named, "/town/%s/current", town_names[app]);
	b = build_new(named.ptr);
	if (d->age[release] >= 0) {
		struct build_file file = { .name = (char *)"serve", .mtime_ns = d->age[release] };

		b->folder = folder_of(app, release);
		file.path = b->folder;
		build_add(b, &file);
	}
	buf_release(&named);
	return b;
}

void disk_edit(struct sim *s, uint64_t *random)
{
	struct disk *d = &s->disks[sim_draw(random, SIM_APPS)];
	int release = (int)sim_draw(random, SIM_RELEASES);

	if (sim_chance(random, 60))
		d->link = release;
	else if (sim_chance(random, 50) && release != d->link)
		d->age[release] = -1;
	else
		d->age[release] = ++s->files;
	if (d->age[d->link] < 0)
		d->age[d->link] = ++s->files;
}

/* Only the newest revision follows the link. */
void disk_check_spawn(struct sim *s, const struct instance *i, const struct spawn_effect *effect)
{
	if (i && !effect->own && effect->revision < i->app->last_revision)
		sim_fail(s, "%s starts by revision %d through the link, and revision %d is the newest",
			effect->name, effect->revision, i->app->last_revision);
}

void disk_check_deployed(struct sim *s, int app)
{
	const struct app *a = app_find(s->h, town_names[app]);
	const struct build_query effect = { .spec = a ? a->spec : NULL };
	struct build *now = NULL;
	struct buf words = BUF_INIT;

	/* Where it failed at once, as what it depends on did, the old revision is there again. */
	if (!a || a->is_deleting || s->turned_back[app] == s->steps + 1)
		return;
	now = disk_look(s, &effect);
	if (build_differs(a->target->build, now, &words))
		sim_fail(
			s, "%s was deployed, and is not what is on the disk: %s", town_names[app], words.ptr);
	buf_release(&words);
	build_free(now);
}

static bool is_lost(const struct sim *s, int app, const struct revision *r)
{
	const struct build *b = r ? r->build : NULL;
	int release = b ? release_of(b->folder) : -1;

	return release >= 0 && s->disks[app].age[release] != b->files[0].mtime_ns;
}

bool disk_has_lost_back(const struct sim *s, int app)
{
	const struct app *a = app_find(s->h, town_names[app]);

	return a && !a->rollout && is_lost(s, app, a->previous);
}

void disk_check_went_back(struct sim *s, int app, const char *words)
{
	const struct app *a = s->h ? app_find(s->h, town_names[app]) : NULL;
	bool is_told = strstr(words, "what starts runs the files that are there now") != NULL;

	if (!a || (!strstr(words, "; it went back, ") && !strstr(words, "; nothing was touched, ")))
		return;
	if (is_told != is_lost(s, app, a->current))
		sim_fail(s, "%s keeps its old revision, and its files are %s: %s", town_names[app],
			is_told ? "there" : "gone", words);
}
