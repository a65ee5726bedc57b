/*
 * oxctl validate: is this oxfile right, and what does it define?
 */
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "options.h"
#include "oxfile_doubts.h"
#include "view/human.h"

static const char *profile;
static bool as_json;
static const char *config;

const struct opt validate_options[] = {
	OPTION_CONFIG(&config, "the oxfile to read"),
	OPTION_PROFILE(&profile),
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

static void print_valid(const struct loaded *l, const char *path)
{
	const char **names = mem_zalloc(l->oxfile->specs.len, sizeof(*names));
	struct buf out = BUF_INIT;
	const struct spec *s = NULL;
	size_t i = 0;

	VEC_EACH (&l->oxfile->specs, i, s) {
		names[i] = s->name;
	}
	human_tint(&out, TINT_GREEN, out_has_colour());
	buf_adds(&out, "✓");
	human_untint(&out, out_has_colour());
	buf_addf(&out, " %s is valid\n", path);
	human_count(&out, l->oxfile->specs.len, "process", "processes");
	buf_adds(&out, " defined: ");
	human_join(&out, names, l->oxfile->specs.len, ", ", ", ");
	buf_addc(&out, '\n');
	out_write(&out);
	buf_release(&out);
	mem_free(names);
}

static struct json *complaints_to_json(const struct diags *d, bool warnings)
{
	struct json *list = json_new_array();
	const struct diag *complaint = NULL;
	size_t i = 0;

	VEC_EACH (&d->list, i, complaint) {
		struct json *object = NULL;

		if (complaint->is_warning != warnings)
			continue;
		object = json_push(list, json_new_object());
		json_set_string(object, "file", complaint->file);
		json_set_int(object, "line", complaint->at.line);
		json_set_int(object, "column", complaint->at.column);
		json_set_string(object, "text", complaint->text);
		json_set_string(object, "hint", complaint->hint);
	}
	return list;
}

static void add_file(struct json *files, struct loaded *l, const char *path, bool is_valid)
{
	struct json *file = json_push(files, json_new_object());
	struct json *names = NULL;
	const struct spec *s = NULL;
	size_t i = 0;

	diags_sort(&l->diags);
	json_set_string(file, "file", path);
	json_set_bool(file, "valid", is_valid);
	names = json_set(file, "processes", json_new_array());
	for (i = 0; l->oxfile && i < l->oxfile->specs.len; i++) {
		s = l->oxfile->specs.items[i];
		json_push(names, json_new_string(s->name));
	}
	json_set(file, "errors", complaints_to_json(&l->diags, false));
	json_set(file, "warnings", complaints_to_json(&l->diags, true));
}

static int validate_one(const char *path, struct json *files)
{
	struct loaded l;
	int code = load_oxfile(&l, path, profile);

	if (code == EXIT_DONE)
		oxfile_doubts(&l);
	if (files) {
		add_file(files, &l, path, code == EXIT_DONE);
	} else {
		daemon_call_complaints(&l.diags);
		if (code == EXIT_DONE)
			print_valid(&l, path);
	}
	load_release(&l);
	return code;
}

static int validate_found(struct json *files)
{
	struct err e = ERR_INIT;
	char *path = load_find(config, &e);
	int code = path ? validate_one(path, files) : daemon_call_fail(EXIT_USAGE, "%s", e.text.ptr);

	mem_free(path);
	err_release(&e);
	return code;
}

int cmd_validate(const struct opt_rest *rest)
{
	struct json *root = as_json ? json_new_object() : NULL;
	struct json *files = NULL;
	struct buf out = BUF_INIT;
	int worst = EXIT_DONE;

	if (root) {
		json_set_int(root, "version", 1);
		files = json_set(root, "files", json_new_array());
	}
	if (!rest->count || config)
		worst = validate_found(files);
	for (int i = 0; i < rest->count; i++) {
		int code = validate_one(rest->items[i], files);

		worst = code > worst ? code : worst;
	}
	if (root) {
		json_write_pretty(&out, root);
		out_write(&out);
		json_free(root);
		buf_release(&out);
	}
	return out_finish(worst);
}
