#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/json_check.h"
#include "base/str.h"
#include "base/vec.h"

/* A struct json is cJSON's own node under a name of ours. */
static cJSON *node(const struct json *j)
{
	return (cJSON *)j;
}

/* Where a double tells every whole number from its neighbours; false for NaN too. */
static bool is_exact(double value)
{
	return value >= (double)-JSON_INT_MAX && value <= (double)JSON_INT_MAX;
}

/* cJSON gives NULL when memory runs out, and only then: as in base/mem, that is the end. */
static struct json *made(cJSON *item)
{
	if (item)
		return (struct json *)item;
	fputs("out of memory: JSON could not be built\n", stderr);
	abort();
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(json_key(a), json_key(b));
}

/* Sorted, twins stand side by side; no choice of keys makes that slow. */
static int refuse_twins(const struct json *object, struct err *e)
{
	struct vec members = VEC_INIT;
	const struct json *member = NULL;
	int rc = 0;

	JSON_EACH (object, member)
		vec_push(&members, (void *)member);
	vec_sort(&members, compare_keys);
	for (size_t i = 1; i < members.len && rc == 0; i++)
		if (compare_keys(members.items[i - 1], members.items[i]) == 0)
			rc = err_set(e, "key '%s' stands twice", json_key(members.items[i]));
	vec_release(&members);
	return rc;
}

/* What can only be judged in the tree; the checker has bounded its depth. */
static int check_tree(const struct json *j, struct err *e)
{
	const struct json *member = NULL;

	if (cJSON_IsNumber(node(j)) && !is_exact(node(j)->valuedouble))
		return err_set(e, "the number %.17g is beyond %lld; write it as a string",
			node(j)->valuedouble, node(j)->valuedouble < 0 ? -JSON_INT_MAX : JSON_INT_MAX);
	JSON_EACH (j, member)
		if (check_tree(member, e) < 0)
			return -1;
	return json_is_object(j) ? refuse_twins(j, e) : 0;
}

struct json *json_parse(const char *text, size_t len, size_t size_max, struct err *e)
{
	struct json *root = NULL;

	if (len > size_max) {
		err_set(e, "the text has %zu bytes, more than the %zu that are allowed", len, size_max);
		return NULL;
	}
	if (json_check(text, len, e) < 0)
		return NULL;
	root = made(cJSON_ParseWithLength(text, len));
	if (check_tree(root, e) == 0)
		return root;
	json_free(root);
	return NULL;
}

void json_free(struct json *j)
{
	cJSON_Delete(node(j));
}

bool json_is_object(const struct json *j)
{
	return cJSON_IsObject(node(j));
}

bool json_is_array(const struct json *j)
{
	return cJSON_IsArray(node(j));
}

bool json_is_null(const struct json *j)
{
	return cJSON_IsNull(node(j));
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!json_is_object(object))
		return NULL;
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(node(object), key);
}

const struct json *json_first(const struct json *j)
{
	return j ? (const struct json *)node(j)->child : NULL;
}

const struct json *json_next(const struct json *member)
{
	return (const struct json *)node(member)->next;
}

const char *json_key(const struct json *member)
{
	return node(member)->string;
}

size_t json_count(const struct json *j)
{
	const struct json *member = NULL;
	size_t count = 0;

	JSON_EACH (j, member)
		count++;
	return count;
}

const char *json_string(const struct json *j, const char *fallback)
{
	return cJSON_IsString(node(j)) ? node(j)->valuestring : fallback;
}

bool json_bool(const struct json *j, bool fallback)
{
	return cJSON_IsBool(node(j)) ? cJSON_IsTrue(node(j)) : fallback;
}

bool json_int(const struct json *j, int64_t *value)
{
	const char *digits = json_string(j, NULL);
	double number = 0;

	if (digits)
		return *digits != '+' && str_to_int(digits, value);
	if (!json_number(j, &number) || !is_exact(number) || number != (double)(int64_t)number)
		return false;
	*value = (int64_t)number;
	return true;
}

const char *json_get_string(const struct json *object, const char *key, const char *fallback)
{
	return json_string(json_get(object, key), fallback);
}

int64_t json_get_int(const struct json *object, const char *key, int64_t fallback)
{
	int64_t value = fallback;

	return json_int(json_get(object, key), &value) ? value : fallback;
}

int json_get_count(const struct json *object, const char *key)
{
	int64_t value = json_get_int(object, key, 0);

	return value > 0 && value < INT32_MAX ? (int)value : 0;
}

bool json_number(const struct json *j, double *value)
{
	if (!cJSON_IsNumber(node(j)))
		return false;
	*value = node(j)->valuedouble;
	return true;
}

/* The text as UTF-8: what is not becomes U+FFFD, byte by byte. */
static void add_clean(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		size_t step = str_utf8(text + at, len - at, NULL);

		if (step)
			buf_add(out, text + at, step);
		else
			buf_adds(out, "\xef\xbf\xbd");
		at += step ? step : 1;
	}
}

struct json *json_new_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *json_new_string(const char *text)
{
	struct buf clean = BUF_INIT;
	struct json *j = NULL;

	if (!text)
		return json_new_null();
	add_clean(&clean, text);
	j = made(cJSON_CreateString(clean.ptr));
	buf_release(&clean);
	return j;
}

struct json *json_new_int(int64_t value)
{
	char digits[32];

	if (value >= -JSON_INT_MAX && value <= JSON_INT_MAX)
		return json_new_number((double)value);
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	return json_new_string(digits);
}

struct json *json_new_number(double value)
{
	return isfinite(value) ? made(cJSON_CreateNumber(value)) : json_new_null();
}

struct json *json_new_bool(bool value)
{
	return made(cJSON_CreateBool(value));
}

struct json *json_new_null(void)
{
	return made(cJSON_CreateNull());
}

struct json *json_clone(const struct json *j)
{
	return made(cJSON_Duplicate(node(j), true));
}

struct json *json_set(struct json *object, const char *key, struct json *child)
{
	struct buf clean = BUF_INIT;
	bool is_done = false;

	add_clean(&clean, key);
	/* Two of one name would be a text that we refuse to read. */
	if (cJSON_GetObjectItemCaseSensitive(node(object), clean.ptr))
		is_done = cJSON_ReplaceItemInObjectCaseSensitive(node(object), clean.ptr, node(child));
	else
		is_done = cJSON_AddItemToObject(node(object), clean.ptr, node(child));
	buf_release(&clean);
	return made(is_done ? node(child) : NULL);
}

struct json *json_push(struct json *array, struct json *child)
{
	return made(cJSON_AddItemToArray(node(array), node(child)) ? node(child) : NULL);
}

void json_set_string(struct json *object, const char *key, const char *text)
{
	json_set(object, key, json_new_string(text));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	json_set(object, key, json_new_int(value));
}

void json_set_number(struct json *object, const char *key, double value)
{
	json_set(object, key, json_new_number(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	json_set(object, key, json_new_bool(value));
}
