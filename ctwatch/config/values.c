/* The types of configuration values: from JSON or text to the member of struct config, with a sentence when it does not fit. */
#include "key.h"
#include "dns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_ITEMS_MAX 10000
#define TEXT_BYTES_MAX 4096

/* ---- helpers ----------------------------------------------------------------------------------- */

static struct slice trim(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t' || s.data[0] == '\n' || s.data[0] == '\r'))
		s = slice_sub(s, 1, s.len);
	while (s.len > 0 && strchr(" \t\r\n", s.data[s.len - 1]) != NULL)
		s = slice_sub(s, 0, s.len - 1);
	return s;
}

static const char *json_type_name(const json_t *value)
{
	static const char *const names[] = { "an object", "a list", "a text", "a number", "a number", "true", "false", "null" };

	return names[json_typeof(value)];
}

static bool want_text(const json_t *value, const char *expected, struct error *err)
{
	if (!json_is_string(value))
		return error_set(err, ERR_USAGE, "expected %s, found %s", expected, json_type_name(value));
	if (json_string_length(value) > TEXT_BYTES_MAX || strlen(json_string_value(value)) != json_string_length(value))
		return error_set(err, ERR_USAGE, "expected %s of at most %d bytes without NUL", expected, TEXT_BYTES_MAX);
	return true;
}

static bool refuse(const json_t *value, const char *expected, struct error *err)
{
	char shown[120];

	text_escape(slice_text(json_string_value(value)), shown, sizeof(shown));
	return error_set(err, ERR_USAGE, "expected %s, found \"%s\"", expected, shown);
}

static void put_text(void *out, char *text)
{
	char **member = out;

	if (member == NULL) {
		free(text);
		return;
	}
	free(*member);
	*member = text;
}

static json_t *text_from_text(const char *text, struct error *err)
{
	json_t *value = json_string(text);

	if (value == NULL)
		error_set(err, ERR_USAGE, "expected UTF-8 text");
	return value;
}

static char *resolve(const char *directory, const char *path)
{
	if (path[0] == '/' || path[0] == '\0')
		return xstrdup(path);
	return xasprintf("%s/%s", directory, path);
}

bool quantity_split(struct slice text, uint64_t *number, struct slice *unit)
{
	size_t n = 0;

	text = trim(text);
	while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9')
		n++;
	if (!uint64_parse(slice_sub(text, 0, n), number))
		return false;
	*unit = trim(slice_sub(text, n, text.len));
	return true;
}

struct unit {
	const char *name;
	uint64_t n_bytes, per;            /* n_bytes for each `per` of them: bits are 1 for 8 */
};

static bool units_parse(struct slice text, const struct unit *units, uint64_t *out)
{
	uint64_t number;
	struct slice unit;

	if (!quantity_split(text, &number, &unit))
		return false;
	for (; units->name != NULL; units++) {
		if (strlen(units->name) != unit.len || strncasecmp(units->name, (const char *)unit.data, unit.len) != 0)
			continue;
		if (number > UINT64_MAX / 2 / units->n_bytes)
			return false;
		*out = number * units->n_bytes / units->per;
		return true;
	}
	return false;
}

bool size_parse(struct slice text, uint64_t *n_bytes)
{
	static const struct unit units[] = {
		{ "", 1, 1 },        { "B", 1, 1 },        { "kB", 1000, 1 },      { "MB", 1000000, 1 },  { "GB", 1000000000, 1 },
		{ "KiB", 1024, 1 },  { "MiB", 1 << 20, 1 }, { "GiB", 1 << 30, 1 }, { NULL, 0, 0 },
	};

	return units_parse(text, units, n_bytes);
}

bool bandwidth_parse(struct slice text, uint64_t *bytes_per_second)
{
	static const struct unit units[] = {
		{ "bit/s", 1, 8 },  { "kbit/s", 1000, 8 },  { "Mbit/s", 1000000, 8 },  { "Gbit/s", 1000000000, 8 },
		{ "B/s", 1, 1 },    { "kB/s", 1000, 1 },    { "MB/s", 1000000, 1 },    { "GB/s", 1000000000, 1 },
		{ "KiB/s", 1024, 1 }, { "MiB/s", 1 << 20, 1 }, { NULL, 0, 0 },
	};
	struct slice trimmed = trim(text);

	if (slice_equal_text(trimmed, "none")) {
		*bytes_per_second = 0;
		return true;
	}
	return units_parse(trimmed, units, bytes_per_second) && *bytes_per_second > 0;
}

bool count_parse(struct slice text, uint64_t *n)
{
	struct slice unit;

	if (!quantity_split(text, n, &unit))
		return false;
	return unit.len == 0 || slice_starts_with(unit, SLICE_LITERAL("per "));
}

/* ---- texts ------------------------------------------------------------------------------------- */

static bool apply_text(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	(void)row;
	(void)directory;
	if (!want_text(value, "a text", err))
		return false;
	put_text(out, xstrdup(json_string_value(value)));
	return true;
}
const struct key_type TYPE_TEXT = { "text", apply_text, text_from_text };

static bool apply_contact(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	if (!want_text(value, "an e-mail address or an https:// URL", err))
		return false;
	const char *text = json_string_value(value);
	if (text[0] != '\0' && strchr(text, '@') == NULL && strncmp(text, "https://", 8) != 0)
		return refuse(value, "an e-mail address or an https:// URL", err);
	if (strcasestr(text, "example.com") != NULL)
		return refuse(value, "an address of yours (logs treat example.com as no address)", err);
	return apply_text(row, value, directory, out, err);
}
const struct key_type TYPE_CONTACT = { "e-mail address or URL", apply_contact, text_from_text };

static bool apply_path(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	(void)row;
	if (!want_text(value, "a path", err))
		return false;
	if (json_string_length(value) == 0)
		return refuse(value, "a path", err);
	put_text(out, resolve(directory, json_string_value(value)));
	return true;
}
const struct key_type TYPE_PATH = { "path", apply_path, text_from_text };

static bool apply_url(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	if (!want_text(value, "an http:// or https:// URL", err))
		return false;
	const char *text = json_string_value(value);
	if ((strncmp(text, "https://", 8) != 0 || text[8] == '\0') && (strncmp(text, "http://", 7) != 0 || text[7] == '\0'))
		return refuse(value, "an http:// or https:// URL", err);
	return apply_text(row, value, directory, out, err);
}
const struct key_type TYPE_URL = { "URL", apply_url, text_from_text };

static bool apply_address(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	uint64_t port;

	if (!want_text(value, "an address and a port, such as 127.0.0.1:8080", err))
		return false;
	const char *text = json_string_value(value), *colon = strrchr(text, ':');
	bool v6_bare = text[0] != '[' && strchr(text, ':') != colon;
	if (strcmp(text, "none") != 0 &&
	    (colon == NULL || v6_bare || !uint64_parse(slice_text(colon + 1), &port) || port > 65535))
		return refuse(value, "an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or none", err);
	return apply_text(row, value, directory, out, err);
}
const struct key_type TYPE_ADDRESS = { "address:port", apply_address, text_from_text };

static bool apply_weekday(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	static const char *const days[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "never" };

	if (!want_text(value, "a weekday", err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (strcmp(days[i], json_string_value(value)) == 0)
			return apply_text(row, value, directory, out, err);
	return refuse(value, "monday, tuesday, ... sunday or never", err);
}
const struct key_type TYPE_WEEKDAY = { "weekday", apply_weekday, text_from_text };

static bool apply_clock(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	if (!want_text(value, "a time such as 07:00", err))
		return false;
	const char *t = json_string_value(value);
	bool digits = strlen(t) == 5 && strspn(t, "0123456789") == 2 && t[2] == ':' && strspn(t + 3, "0123456789") == 2;
	if (!digits || strncmp(t, "24", 2) >= 0 || t[3] > '5')
		return refuse(value, "a time from 00:00 to 23:59", err);
	return apply_text(row, value, directory, out, err);
}
const struct key_type TYPE_CLOCK = { "time of day", apply_clock, text_from_text };

#define ZONEINFO "/usr/share/zoneinfo"

static bool apply_timezone(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	if (!want_text(value, "a time zone", err))
		return false;
	const char *name = json_string_value(value);
	size_t plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
	char *path = xasprintf(ZONEINFO "/%s", name);
	/* where the time zone database is missing, only the spelling can be checked */
	struct stat st;
	bool known = strcmp(name, "UTC") == 0 || access(ZONEINFO, R_OK) != 0 || (stat(path, &st) == 0 && S_ISREG(st.st_mode));
	free(path);
	if (name[0] == '\0' || name[0] == '/' || name[plain] != '\0' || !known)
		return refuse(value, "a time zone such as UTC or Europe/Berlin", err);
	return apply_text(row, value, directory, out, err);
}
const struct key_type TYPE_TIMEZONE = { "time zone", apply_timezone, text_from_text };

static bool apply_start(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	enum start_mode *mode = out;
	int64_t time_ms = 0;

	(void)row;
	(void)directory;
	if (!want_text(value, "end, beginning or a time", err))
		return false;
	const char *text = json_string_value(value);
	enum start_mode m = START_TIME;
	if (strcmp(text, "end") == 0)
		m = START_END;
	else if (strcmp(text, "beginning") == 0)
		m = START_BEGINNING;
	else if (!time_parse_rfc3339(slice_text(text), &time_ms))
		return refuse(value, "end, beginning or a time such as 2026-11-22T08:00:00Z", err);
	*mode = m;
	CONTAINER_OF(mode, struct config, start)->start_time_ms = time_ms;
	return true;
}
const struct key_type TYPE_START = { "end, beginning or a time", apply_start, text_from_text };

/* ---- quantities --------------------------------------------------------------------------------- */

static bool in_bounds(const struct key_row *row, const json_t *value, uint64_t n, const char *(*format)(int64_t, char *), struct error *err)
{
	char least[TIME_TEXT_LEN], most[TIME_TEXT_LEN], shown[80];

	if ((row->min == 0 && row->max == 0) || (n <= INT64_MAX && (int64_t)n >= row->min && (int64_t)n <= row->max))
		return true;
	text_escape(slice_text(json_is_string(value) ? json_string_value(value) : "that number"), shown, sizeof(shown));
	return error_set(err, ERR_USAGE, "expected %s to %s, found %s", format(row->min, least), format(row->max, most), shown);
}

static const char *format_duration(int64_t n, char *out)
{
	return duration_format(n, out);
}

static const char *format_bytes(int64_t n, char *out)
{
	return bytes_format((uint64_t)n, out);
}

static const char *format_count(int64_t n, char *out)
{
	return count_format((uint64_t)n, out);
}

static bool apply_duration(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	int64_t ms;

	(void)directory;
	if (!want_text(value, "a duration such as 90s, 12h or 7d", err))
		return false;
	if (!duration_parse(slice_text(json_string_value(value)), &ms))
		return refuse(value, "a duration such as 90s, 12h or 7d", err);
	if (!in_bounds(row, value, (uint64_t)ms, format_duration, err))
		return false;
	if (out != NULL)
		*(int64_t *)out = ms;
	return true;
}
const struct key_type TYPE_DURATION = { "duration", apply_duration, text_from_text };

static bool apply_size(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	uint64_t n;

	(void)directory;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		n = (uint64_t)json_integer_value(value);
	else if (!want_text(value, "a size such as 32 MiB", err))
		return false;
	else if (!size_parse(slice_text(json_string_value(value)), &n))
		return refuse(value, "a size such as 32 MiB", err);
	if (!in_bounds(row, value, n, format_bytes, err))
		return false;
	if (out != NULL)
		*(uint64_t *)out = n;
	return true;
}
const struct key_type TYPE_SIZE = { "size", apply_size, text_from_text };

static bool apply_bandwidth(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	uint64_t n;

	(void)row;
	(void)directory;
	if (!want_text(value, "a bandwidth such as 40 Mbit/s", err))
		return false;
	if (!bandwidth_parse(slice_text(json_string_value(value)), &n))
		return refuse(value, "a bandwidth such as 40 Mbit/s or 5 MB/s, or none", err);
	if (out != NULL)
		*(uint64_t *)out = n;
	return true;
}
const struct key_type TYPE_BANDWIDTH = { "bandwidth", apply_bandwidth, text_from_text };

static bool apply_count(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	uint64_t n;

	(void)directory;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		n = (uint64_t)json_integer_value(value);
	else if (!want_text(value, "a count such as 1000", err))
		return false;
	else if (!count_parse(slice_text(json_string_value(value)), &n))
		return refuse(value, "a count such as 1000 or \"1000 per log\"", err);
	if (!in_bounds(row, value, n, format_count, err))
		return false;
	if (out != NULL)
		*(uint64_t *)out = n;
	return true;
}
const struct key_type TYPE_COUNT = { "count", apply_count, text_from_text };

/* ---- lists and objects ---------------------------------------------------------------------------- */

static void string_list_deinit(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){ 0 };
}

static bool apply_items(const json_t *value, const char *directory, bool paths, void *out, struct error *err)
{
	struct string_list list = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) > LIST_ITEMS_MAX)
		return error_set(err, ERR_USAGE, "expected a list of at most %d texts, found %s", LIST_ITEMS_MAX, json_type_name(value));
	list.items = xcalloc(json_array_size(value) + 1, sizeof(*list.items));
	json_array_foreach(value, i, item) {
		if (!want_text(item, "a text", err)) {
			string_list_deinit(&list);
			return error_context(err, "item %zu", i + 1);
		}
		const char *text = json_string_value(item);
		size_t len = strlen(text);
		bool is_path = strstr(text, "://") == NULL && (strchr(text, '/') != NULL || (len > 5 && strcmp(text + len - 5, ".json") == 0));
		list.items[list.n++] = paths && is_path ? resolve(directory, text) : xstrdup(text);
	}
	if (out == NULL) {
		string_list_deinit(&list);
		return true;
	}
	string_list_deinit(out);
	*(struct string_list *)out = list;
	return true;
}

static bool apply_list(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	(void)row;
	return apply_items(value, directory, false, out, err);
}

static bool apply_paths(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	(void)row;
	return apply_items(value, directory, true, out, err);
}

static json_t *json_from_text(const char *text, struct error *err)
{
	json_error_t where;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &where);

	if (value == NULL)
		error_set(err, ERR_USAGE, "expected JSON: %s (character %d)", where.text, where.position);
	return value;
}

/* A JSON list, or words with commas or white space between them. */
static json_t *list_from_text(const char *text, struct error *err)
{
	if (text[strspn(text, " \t\r\n")] == '[')
		return json_from_text(text, err);
	json_t *list = json_array();
	while (*(text += strspn(text, ", \t\r\n")) != '\0') {
		size_t len = strcspn(text, ",\n");
		struct slice word = trim(slice_of(text, len));

		if (json_array_append_new(list, json_stringn((const char *)word.data, word.len)) != 0) {
			json_decref(list);
			error_set(err, ERR_USAGE, "expected UTF-8 text");
			return NULL;
		}
		text += len;
	}
	return list;
}
const struct key_type TYPE_LIST = { "list of texts", apply_list, list_from_text };

/* A host out of whatever was given; a pattern stays as it is, as long as it can fit a host at all. NULL with `err`. */
static char *host_of(const char *text, struct error *err)
{
	struct given_name given;

	if (text[strcspn(text, "*?")] == '\0')
		return given_name_read(slice_text(text), &given, err) ? xstrdup(given.name) : NULL;
	if (text[strcspn(text, "/:@ ")] == '\0')
		return xstrdup(text);
	error_set(err, ERR_USAGE, "expected a host such as log.example.org or a pattern such as *.example.org, without scheme, port and path");
	return NULL;
}

static bool apply_hosts(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	struct string_list *list = out;

	if (!apply_list(row, value, directory, out, err))
		return false;
	for (size_t i = 0; i < list->n; i++) {
		char *host = host_of(list->items[i], err);

		if (host == NULL)
			return error_context(err, "item %zu", i + 1);
		free(list->items[i]);
		list->items[i] = host;
	}
	return true;
}
const struct key_type TYPE_HOSTS = { "list of hosts", apply_hosts, list_from_text };

static bool apply_mailboxes(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	size_t i;
	json_t *item;

	if (!apply_list(row, value, directory, out, err))
		return false;
	json_array_foreach(value, i, item) {
		const char *at = strrchr(json_string_value(item), '@');

		if (at == NULL || at == json_string_value(item) || at[1] == '\0')
			return refuse(item, "a mail address such as soc@example.org", err) || error_context(err, "item %zu", i + 1);
	}
	return true;
}
const struct key_type TYPE_MAILBOXES = { "list of mail addresses", apply_mailboxes, list_from_text };
const struct key_type TYPE_PATHS_OR_NAMES = { "list of names, paths or URLs", apply_paths, list_from_text };

static bool apply_formats(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	size_t i;
	json_t *item;

	if (!apply_list(row, value, directory, out, err))
		return false;
	json_array_foreach(value, i, item) {
		const char *f = json_string_value(item);

		if (strcmp(f, "html") != 0 && strcmp(f, "md") != 0 && strcmp(f, "csv") != 0 && strcmp(f, "json") != 0)
			return refuse(item, "html, md, csv or json", err);
	}
	return true;
}
const struct key_type TYPE_FORMATS = { "list of formats", apply_formats, list_from_text };

static bool put_json(const json_t *value, void *out)
{
	json_t **member = out;

	if (member != NULL) {
		json_decref(*member);
		*member = json_deep_copy(value);
	}
	return true;
}

static bool apply_object(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	(void)row;
	(void)directory;
	if (!json_is_object(value))
		return error_set(err, ERR_USAGE, "expected an object, found %s", json_type_name(value));
	return put_json(value, out);
}
const struct key_type TYPE_OBJECT = { "object", apply_object, json_from_text };

static bool apply_objects(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err)
{
	size_t i;
	json_t *item;

	(void)row;
	(void)directory;
	if (!json_is_array(value))
		return error_set(err, ERR_USAGE, "expected a list of objects, found %s", json_type_name(value));
	json_array_foreach(value, i, item) {
		if (!json_is_object(item))
			return error_set(err, ERR_USAGE, "item %zu: expected an object, found %s", i + 1, json_type_name(item));
		if (!json_is_string(json_object_get(item, "type")))
			return error_set(err, ERR_USAGE, "item %zu: expected a \"type\", such as \"webhook\"", i + 1);
	}
	return put_json(value, out);
}
const struct key_type TYPE_OBJECTS = { "list of objects", apply_objects, json_from_text };
