/*
 * oxctl scale: how many instances apps have; APP N, or any number of APP=N.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "daemon_call.h"
#include "options.h"
#include "result_text.h"

static bool waits;
static bool as_json;
static const char *timeout;

const struct opt scale_options[] = {
	{ .name = "wait",
		.kind = OPT_FLAG,
		.at = &waits,
		.help = "until the new ones are ready; exit 1 if one fails" },
	OPTION_TIMEOUT(&timeout, ""),
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

static int add_count_param(struct json *counts, const char *app, const char *count)
{
	int64_t number = 0;
	bool is_relative = *count == '+' || *count == '-';

	if (!*app || !*count)
		return daemon_call_fail(
			EXIT_USAGE, "'%s=%s' is no app and its count; say it as api=4", app, count);
	if (json_get(counts, app))
		return daemon_call_fail(EXIT_USAGE, "'%s' is there twice; say one count for it", app);
	if (!is_relative && str_to_int(count, &number))
		json_set_int(counts, app, number);
	else
		json_set_string(counts, app, count);
	return EXIT_DONE;
}

static int add_pair(struct json *counts, const char *word)
{
	const char *equals = strchr(word, '=');
	char *app = NULL;
	int code = EXIT_USAGE;

	if (!equals)
		return daemon_call_fail(code,
			"scale: how many instances of '%s'? Write 'oxctl scale %s 4', or +1, -1, max, 50%%",
			word, word);
	app = mem_strndup(word, (size_t)(equals - word));
	code = add_count_param(counts, app, equals + 1);
	mem_free(app);
	return code;
}

static int read_count_arguments(const struct opt_rest *rest, struct json *counts)
{
	int code = EXIT_DONE;

	if (rest->count == 2 && !strchr(rest->items[0], '=') && !strchr(rest->items[1], '='))
		return add_count_param(counts, rest->items[0], rest->items[1]);
	for (int i = 0; i < rest->count && code == EXIT_DONE; i++)
		code = add_pair(counts, rest->items[i]);
	return code;
}

int cmd_scale(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "scale", .timeout = timeout, .is_long = true, .e = ERR_INIT };
	int code = EXIT_DONE;

	t.params = json_new_object();
	code = read_count_arguments(rest, json_set(t.params, "counts", json_new_object()));
	if (waits)
		json_set_bool(t.params, "wait", true);
	if (code == EXIT_DONE)
		code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		result_text_scaled(t.result);
	daemon_call_release(&t);
	return out_finish(code);
}
