/*
 * Log lists: Chrome's v3 schema and Apple's v5, which share every member that matters here. A list is refused as a whole only
 * when it cannot be told what it says; one log that breaks a rule is left out with a sentence, and one that is listed twice is read once.
 */
#include "loglist.h"
#include "json_members.h"
#include "listed_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_LOGS_MAX 4096 /* all that ever were are some 400 */

/* LogIDs of the two logs in lists that Google serves to third-party enforcers (spec 3.1). */
static const char *const MIMIC_IDS[] = {
	"9EGV1vAOLbVUNcrdV3iS5T4VrUFwWPh44U/2uRh0FYk=",
	"si9+3rWvav5QPeBAgbLXTBJThJL+3yyypSZQPO9TztI=",
};

static void unread_log_deinit(struct unread_log *log)
{
	free(log->description);
	free(log->log_operator);
	free(log->url);
	free(log->why);
}

void log_list_deinit(struct log_list *list)
{
	for (size_t i = 0; i < list->n_logs; i++)
		listed_log_deinit(&list->logs[i]);
	for (size_t i = 0; i < list->n_unread; i++)
		unread_log_deinit(&list->unread[i]);
	for (size_t i = 0; i < list->n_warnings; i++)
		free(list->warnings[i]);
	free(list->logs);
	free(list->unread);
	free(list->warnings);
	free(list->version);
	*list = (struct log_list){ 0 };
}

/* ---- a list that is being read ------------------------------------------------------------------------------ */

struct reading {
	struct log_list list;
	const struct log_list_hosts *hosts;
	size_t n_seen, n_beyond;          /* entries; of them, beyond what is read of one list */
};

static bool is_mimic_id(const json_t *item)
{
	const char *id = json_string_value(json_object_get(item, "log_id"));

	for (size_t i = 0; id != NULL && i < ARRAY_LEN(MIMIC_IDS); i++)
		if (strcmp(id, MIMIC_IDS[i]) == 0)
			return true;
	return false;
}

/* ---- listed twice --------------------------------------------------------------------------------------------- */

/*
 * Two entries for one key: the one with the better state counts. When both are as good, the log has both APIs, and tiles
 * cost it and us less.
 */
static bool counts_more(const struct listed_log *a, const struct listed_log *b)
{
	if (a->lifecycle != b->lifecycle)
		return a->lifecycle > b->lifecycle;
	return a->protocol == LOG_STATIC && b->protocol == LOG_RFC6962;
}

static struct listed_log *find_twin(struct log_list *list, const struct hash *log_id)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (hash_equal(&list->logs[i].log_id, log_id))
			return &list->logs[i];
	return NULL;
}

static void settle_twin(struct log_list *list, struct listed_log *known, struct listed_log *second)
{
	struct listed_log *loser = second;
	struct listed_log swap = *known;

	if (counts_more(second, known)) {
		*known = *second;
		*second = swap;
	}
	listed_warn(list, xasprintf("log \"%s\" of %s (%s, %s) is listed twice, also as \"%s\" of %s (%s, %s): it is read once, as the first of the two says",
				    known->description, known->log_operator, log_protocol_name(known->protocol), log_lifecycle_of(known), loser->description,
				    loser->log_operator, log_protocol_name(loser->protocol), log_lifecycle_of(loser)));
	listed_log_deinit(loser);
}

/* ---- one log ----------------------------------------------------------------------------------------------------- */

static void leave_out(struct log_list *list, const json_t *item, struct listed_log *log, const char *why)
{
	struct unread_log unread = {
		.log_id = log->log_id,
		.description = xstrdup(log->description),
		.log_operator = xstrdup(log->log_operator),
		.url = listed_text(item, log->protocol == LOG_STATIC ? "monitoring_url" : "url"),
		.why = xstrdup(why),
	};

	list->unread = xreallocarray(list->unread, list->n_unread + 1, sizeof(*list->unread));
	list->unread[list->n_unread++] = unread;
	listed_warn(list, xasprintf("log \"%s\" of %s is left out: %s", log->description, log->log_operator, why));
}

/* Adds one log to the list, or a sentence about why not. */
static void add_log(struct reading *r, const json_t *item, enum log_protocol protocol, const char *operator_name)
{
	struct log_list *list = &r->list;
	struct listed_log log, *known;
	struct error err;

	if (r->n_seen++ >= LISTED_LOGS_MAX) {
		r->n_beyond++;
		return;
	}
	if (is_mimic_id(item))
		list->n_mimics++;
	enum listed_verdict verdict = listed_log_read(item, protocol, operator_name, r->hosts, &log, list, &err);
	if (verdict == LISTED_GOOD) {
		known = find_twin(list, &log.log_id);
		if (known != NULL)
			settle_twin(list, known, &log);
		else
			list->logs[list->n_logs++] = log;
		return;
	}
	if (verdict == LISTED_DECOY)
		list->n_decoys++;
	else
		leave_out(list, item, &log, err.text);
	listed_log_deinit(&log);
}

/* ---- operators ----------------------------------------------------------------------------------------------------- */

static void add_logs(struct reading *r, const json_t *entry, const char *member, enum log_protocol protocol, const char *operator_name)
{
	const json_t *logs = json_object_get(entry, member), *item;
	size_t i;

	if (logs != NULL && !json_is_null(logs) && !json_is_array(logs))
		listed_warn(&r->list, xasprintf("member \"%s\" of %s is not an array: what it names is left out", member, operator_name));
	json_array_foreach(logs, i, item) add_log(r, item, protocol, operator_name);
}

static void add_operator(struct reading *r, const json_t *entry, size_t number)
{
	char *name = listed_text(entry, "name");

	if (!json_is_object(entry))
		listed_warn(&r->list, xasprintf("operator %zu of the list is not an object and is left out", number));
	else if (name[0] == '\0')
		listed_warn(&r->list, xasprintf("operator %zu of the list has no name", number));
	if (name[0] == '\0') {
		free(name);
		name = xasprintf("unnamed operator %zu", number);
	}
	add_logs(r, entry, "logs", LOG_RFC6962, name);
	add_logs(r, entry, "tiled_logs", LOG_STATIC, name);
	free(name);
}

static size_t count_logs(const json_t *operators)
{
	size_t i, n = 0;
	const json_t *entry;

	json_array_foreach(operators, i, entry) n +=
		json_array_size(json_object_get(entry, "logs")) + json_array_size(json_object_get(entry, "tiled_logs"));
	return n < LISTED_LOGS_MAX ? n : LISTED_LOGS_MAX;
}

/* ---- the list -------------------------------------------------------------------------------------------------------- */

/* Date and version of the list itself: an odd one costs only what would have been done with it. */
static void read_dates(const json_t *root, struct log_list *list)
{
	const json_t *version = json_object_get(root, "version");
	struct error err;

	list->version = listed_text(root, "version");
	if (version != NULL && !json_is_string(version))
		listed_warn(list, xstrdup("the list's own \"version\" is not a text; it is not shown"));
	if (json_object_get(root, "log_list_timestamp") == NULL || listed_time(root, "log_list_timestamp", &list->timestamp_ms, &err))
		return;
	list->timestamp_ms = 0;
	listed_warn(list, xasprintf("the list's own date cannot be read (%s): whether it is recent is judged by when it was fetched", err.text));
}

static bool read_list(const json_t *root, struct reading *r, struct error *err)
{
	const json_t *operators = json_object_get(root, "operators"), *entry;
	size_t i;

	if (json_object_get(root, "logs") != NULL)
		return error_set(err, ERR_MALFORMED, "it is of the v1 schema of 2018, v3 is needed");
	if (!json_is_array(operators))
		return error_set(err, ERR_MALFORMED, "member \"operators\" is not an array");
	read_dates(root, &r->list);
	r->list.logs = xcalloc(count_logs(operators) + 1, sizeof(*r->list.logs));
	json_array_foreach(operators, i, entry) add_operator(r, entry, i + 1);
	if (r->n_beyond > 0)
		listed_warn(&r->list, xasprintf("the list names %zu logs, more than the %d that are read of one list: the last %zu are left out",
						r->n_seen, LISTED_LOGS_MAX, r->n_beyond));
	return true;
}

/* Bytes that are no UTF-8 become question marks: they stand in some name, and no name may cost the list. malloc'd. */
static char *with_marks(struct slice json)
{
	char *text = xmalloc(json.len + 1), *out = text;
	uint32_t ignored;

	while (json.len > 0) {
		struct slice before = json;

		if (utf8_take(&json, &ignored)) {
			memcpy(out, before.data, before.len - json.len);
			out += before.len - json.len;
		} else {
			*out++ = '?';
			json = slice_sub(before, 1, before.len);
		}
	}
	*out = '\0';
	return text;
}

/* What is no strict JSON is read once more with patience: a member that stands twice, a zero or odd bytes in a name. */
static json_t *load(struct slice json, struct log_list *doubts, struct error *err)
{
	json_t *root = answer_object(json, err);
	struct slice text = slice_without_mark(json);

	if (root != NULL || text.len > RESPONSE_BYTES_MAX)
		return root;
	char *patched = with_marks(text);
	root = json_loads(patched, JSON_ALLOW_NUL, NULL);
	free(patched);
	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	listed_warn(doubts, xasprintf("the list is not quite JSON (%.200s): it is read all the same", err->text));
	return root;
}

bool log_list_parse_allowing(struct slice json, const struct log_list_hosts *hosts, struct log_list *out,
			     struct error *err)
{
	struct reading reading = { .hosts = hosts };
	json_t *root = load(json, &reading.list, err);

	if (root == NULL) {
		log_list_deinit(&reading.list);
		return error_context(err, "log list");
	}
	bool good = read_list(root, &reading, err);
	json_decref(root);
	if (!good) {
		log_list_deinit(&reading.list);
		return error_context(err, "log list");
	}
	*out = reading.list;
	return true;
}

bool log_list_parse(struct slice json, struct log_list *out, struct error *err)
{
	static const struct log_list_hosts none = { 0 };

	return log_list_parse_allowing(json, &none, out, err);
}
