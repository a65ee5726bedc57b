#include "os/cpu.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/affinity.h"

/* A cgroup file or a line of /proc/self/cgroup is never longer. */
enum { CGROUP_FILE_MAX = 64 * 1024 };

static int read_small(const char *root, const char *path, struct buf *out)
{
	struct buf whole = BUF_INIT;
	FILE *file = NULL;
	int c = 0;

	buf_addf(&whole, "%s%s", root, path);
	file = fopen(whole.ptr, "re");
	buf_release(&whole);
	if (!file)
		return -1;
	while ((c = fgetc(file)) != EOF && out->len < CGROUP_FILE_MAX)
		buf_addc(out, (char)c);
	fclose(file);
	return 0;
}

/* The quota of one cgroup v2 folder in whole processors, rounded up; INT_MAX for none. */
static int quota_of(const char *root, const char *folder)
{
	struct buf path = BUF_INIT;
	struct buf text = BUF_INIT;
	char *end = NULL;
	long long quota = 0;
	long long period = 0;
	int cpus = INT_MAX;

	buf_addf(&path, "/sys/fs/cgroup%s/cpu.max", folder);
	if (read_small(root, path.ptr, &text) == 0 && strncmp(text.ptr, "max", 3) != 0) {
		quota = strtoll(text.ptr, &end, 10);
		period = strtoll(end, NULL, 10);
		if (quota > 0 && period > 0 && quota / period < INT_MAX - 1)
			cpus = (int)((quota + period - 1) / period);
	}
	buf_release(&path);
	buf_release(&text);
	return cpus;
}

int cpu_quota(const char *root)
{
	struct buf text = BUF_INIT;
	char *line = NULL;
	int cpus = INT_MAX;

	/* The unified hierarchy is the line "0::/its/folder"; every folder on the way up may limit it. */
	if (read_small(root, "/proc/self/cgroup", &text) == 0)
		line = strstr(text.ptr, "0::/");
	if (line) {
		char *folder = mem_strndup(line + 3, strcspn(line + 3, "\n"));

		while (*folder) {
			int here = quota_of(root, folder);
			char *slash = strrchr(folder, '/');

			cpus = here < cpus ? here : cpus;
			*(slash ? slash : folder) = '\0';
		}
		mem_free(folder);
	}
	buf_release(&text);
	return cpus;
}

static int cpu_affinity(void)
{
	struct cpu_list own;

	return affinity_get(&own) == 0 ? cpu_list_count(&own) : 1;
}

int cpu_usable(void)
{
	int affinity = cpu_affinity();
	int quota = cpu_quota("");

	return quota < affinity ? quota : affinity;
}
