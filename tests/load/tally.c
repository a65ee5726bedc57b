#include "tally.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define FAILURE(NAME, key) [FAILED_##NAME] = (key),
static const char *const keys[] = {
#include "failures.def"
};
#undef FAILURE

const char *tally_key(enum failure kind)
{
	return keys[kind];
}

void tally_init(struct tally *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < TALLY_NOTES_MAX; i++)
		t->notes[i] = (struct buf)BUF_INIT;
}

void tally_release(struct tally *t)
{
	for (size_t i = 0; i < TALLY_NOTES_MAX; i++)
		buf_release(&t->notes[i]);
}

/* Each power of two in TALLY_FINE parts: a time is known to two in a hundred, whatever its size. */
static size_t bucket_of(int64_t us)
{
	size_t power = 0;

	while (us >> power >= 2 * (int64_t)TALLY_FINE)
		power++;
	power = power * TALLY_FINE + (size_t)(us >> power);
	return power < TALLY_BUCKETS ? power : TALLY_BUCKETS - 1;
}

static int64_t time_of(size_t bucket)
{
	size_t power = bucket < 2 * (size_t)TALLY_FINE ? 0 : bucket / TALLY_FINE - 1;

	return (int64_t)(bucket - power * TALLY_FINE) << power;
}

void tally_ok(struct tally *t, int64_t took_us)
{
	t->ok++;
	t->by_status[200]++;
	t->buckets[bucket_of(took_us)]++;
	if (took_us > t->slowest_us)
		t->slowest_us = took_us;
}

void tally_failed(struct tally *t, enum failure kind, int status, const char *words)
{
	t->failed++;
	t->kinds[kind]++;
	if (status > 0 && status < TALLY_STATUS_MAX)
		t->by_status[status]++;
	if (t->notes_count < TALLY_NOTES_MAX)
		buf_adds(&t->notes[t->notes_count++], words);
}

/* In ms: so many in a thousand took no longer. */
static double quantile(const struct tally *t, int64_t in_thousand)
{
	int64_t wanted = (t->ok * in_thousand + 999) / 1000;
	int64_t seen = 0;

	for (size_t i = 0; i < TALLY_BUCKETS; i++) {
		seen += t->buckets[i];
		if (seen && seen >= wanted)
			return (double)time_of(i) / 1000;
	}
	return 0;
}

void tally_write(struct buf *out, const struct tally *t, int64_t ran_us)
{
	struct json *root = json_new_object();
	struct json *part = NULL;
	char status[16];

	json_set_int(root, "requests", t->ok + t->failed);
	json_set_int(root, "ok", t->ok);
	json_set_int(root, "failed", t->failed);
	for (size_t i = 0; i < FAILURES; i++)
		json_set_int(root, keys[i], t->kinds[i]);
	json_set_int(root, "retried", t->retried);
	json_set_int(root, "idle_closed", t->idle_closed);
	json_set_int(root, "connections", t->connections);
	part = json_set(root, "by_status", json_new_object());
	for (int i = 0; i < TALLY_STATUS_MAX; i++) {
		snprintf(status, sizeof(status), "%d", i);
		if (t->by_status[i])
			json_set_int(part, status, t->by_status[i]);
	}
	part = json_set(root, "latency_ms", json_new_object());
	json_set_number(part, "p50", quantile(t, 500));
	json_set_number(part, "p95", quantile(t, 950));
	json_set_number(part, "p99", quantile(t, 990));
	json_set_number(part, "max", (double)t->slowest_us / 1000);
	json_set_number(root, "late_ms", (double)t->worst_late_us / 1000);
	json_set_number(root, "secs", (double)ran_us / 1e6);
	part = json_set(root, "first_failures", json_new_array());
	for (size_t i = 0; i < t->notes_count; i++)
		json_push(part, json_new_string(t->notes[i].ptr));
	json_write(out, root);
	buf_addc(out, '\n');
	json_free(root);
}
