/*
 * Log lists: Chrome's v3 schema and Apple's v5, which share every member that matters here. A list is refused as a whole only
 * when it cannot be told what it says; one log that breaks a rule is left out with a sentence.
 */
#include "loglist.h"
#include "json_members.h"
#include "listed_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_LOGS_MAX 4096 /* all that ever were are some 400 */
#define LISTED_TEXT_MAX 512  /* descriptions and names */
#define LISTED_KEY_MAX 4096
#define MMD_S_MAX (366 * 86400) /* the longest that a list ever named is a week */

static const char *const LIFECYCLE_NAMES[] = {
	[LIFECYCLE_NONE] = "none",       [LIFECYCLE_PENDING] = "pending",   [LIFECYCLE_REJECTED] = "rejected",
	[LIFECYCLE_RETIRED] = "retired", [LIFECYCLE_READONLY] = "readonly", [LIFECYCLE_QUALIFIED] = "qualified",
	[LIFECYCLE_USABLE] = "usable",
};

/* Stages in the order in which a log passes them: where a list names several, the last counts. */
static const enum log_lifecycle STAGES[] = {
	LIFECYCLE_PENDING,  LIFECYCLE_QUALIFIED, LIFECYCLE_USABLE,
	LIFECYCLE_READONLY, LIFECYCLE_RETIRED,   LIFECYCLE_REJECTED,
};

/* LogIDs of the two logs in lists that Google serves to third-party enforcers (spec 3.1). */
static const char *const MIMIC_IDS[] = {
	"9EGV1vAOLbVUNcrdV3iS5T4VrUFwWPh44U/2uRh0FYk=",
	"si9+3rWvav5QPeBAgbLXTBJThJL+3yyypSZQPO9TztI=",
};

const char *log_lifecycle_name(enum log_lifecycle lifecycle)
{
	return LIFECYCLE_NAMES[lifecycle];
}

static void listed_log_deinit(struct listed_log *log)
{
	free(log->description);
	free(log->log_operator);
	free(log->url);
	free(log->submission_url);
	free(log->key);
}

void log_list_deinit(struct log_list *list)
{
	for (size_t i = 0; i < list->n_logs; i++)
		listed_log_deinit(&list->logs[i]);
	for (size_t i = 0; i < list->n_warnings; i++)
		free(list->warnings[i]);
	free(list->logs);
	free(list->warnings);
	free(list->version);
	*list = (struct log_list){ 0 };
}

static void warn(struct log_list *list, char *sentence)
{
	list->warnings = xreallocarray(list->warnings, list->n_warnings + 1, sizeof(*list->warnings));
	list->warnings[list->n_warnings++] = sentence;
}

/* An optional string, cut to what anybody would show; "" when it is absent. */
static char *copy_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	size_t len = json_string_length(value);

	return slice_dup_text(slice_of(json_string_value(value), len < LISTED_TEXT_MAX ? len : LISTED_TEXT_MAX));
}

static bool member_time(const json_t *object, const char *name, int64_t *out, struct error *err)
{
	struct slice text;

	if (!member_text(object, name, &text, err))
		return false;
	return time_parse_rfc3339(text, out) ||
	       error_set(err, ERR_MALFORMED, "member \"%s\" is not an RFC 3339 time", name);
}

static bool read_key(const json_t *item, struct listed_log *log, struct error *err)
{
	struct hash listed_id;
	struct slice text;

	if (!member_hash(item, "log_id", &log->log_id, err) || !member_text(item, "key", &text, err))
		return false;
	listed_id = log->log_id;
	log->key = xmalloc(text.len / 4 * 3 + 1);
	if (text.len > BASE64_LEN(LISTED_KEY_MAX) || !base64_decode(text, log->key, &log->key_len))
		return error_set(err, ERR_MALFORMED, "member \"key\" is not base64 of a key");

	struct log_key *key = log_key_new(slice_of(log->key, log->key_len), err);
	if (key == NULL)
		return false;
	log->log_id = log_key_id(key);
	log_key_free(key);
	return hash_equal(&log->log_id, &listed_id) ||
	       error_set(err, ERR_MALFORMED, "\"log_id\" is not the hash of its key");
}

/* One URL; LISTED_URL_DECOY is passed on, since a decoy is no mistake. */
static enum listed_url read_url(const json_t *item, const char *name, const struct log_list_hosts *hosts, char **out,
				struct error *err)
{
	struct slice text;

	if (!member_text(item, name, &text, err))
		return LISTED_URL_BROKEN;

	enum listed_url verdict = listed_url_judge(text, hosts->names, hosts->n);
	if (verdict == LISTED_URL_PLAIN)
		error_set(err, ERR_MALFORMED, "\"%s\" is not https and its host is neither this machine nor allowed",
			  name);
	if (verdict == LISTED_URL_BROKEN)
		error_set(err, ERR_MALFORMED, "\"%s\" is not a URL", name);
	if (verdict == LISTED_URL_GOOD)
		*out = slice_dup_text(listed_url_trim(text));
	return verdict;
}

static enum listed_url read_urls(const json_t *item, const struct log_list_hosts *hosts, struct listed_log *log,
				 struct error *err)
{
	if (log->protocol == LOG_RFC6962)
		return read_url(item, "url", hosts, &log->url, err);

	enum listed_url verdict = read_url(item, "monitoring_url", hosts, &log->url, err);
	return verdict == LISTED_URL_GOOD ? read_url(item, "submission_url", hosts, &log->submission_url, err)
					  : verdict;
}

static bool read_interval(const json_t *item, struct listed_log *log, struct error *err)
{
	const json_t *interval = json_object_get(item, "temporal_interval");

	log->interval_start_ms = INT64_MIN;
	log->interval_end_ms = INT64_MAX;
	if (interval == NULL || json_is_null(interval))
		return true;
	return member_time(interval, "start_inclusive", &log->interval_start_ms, err) &&
	       member_time(interval, "end_exclusive", &log->interval_end_ms, err);
}

static bool read_final_head(const json_t *stage, struct listed_log *log, struct error *err)
{
	const json_t *head = json_object_get(stage, "final_tree_head");
	const json_t *timestamp = json_object_get(head, "timestamp");

	if (head == NULL)
		return true;
	log->has_final_head = true;
	if (json_is_integer(timestamp) && json_integer_value(timestamp) > 0)
		log->final_head.timestamp_ms = (uint64_t)json_integer_value(timestamp);
	return member_uint(head, "tree_size", &log->final_head.tree_size, err) &&
	       member_hash(head, "sha256_root_hash", &log->final_head.root, err);
}

static bool read_lifecycle(const json_t *item, struct listed_log *log, struct error *err)
{
	const json_t *state = json_object_get(item, "state"), *stage = NULL;

	for (size_t i = 0; i < ARRAY_LEN(STAGES); i++) {
		const json_t *named = json_object_get(state, LIFECYCLE_NAMES[STAGES[i]]);

		if (named == NULL)
			continue;
		log->lifecycle = STAGES[i];
		stage = named;
	}
	if (stage != NULL && json_object_get(stage, "timestamp") != NULL &&
	    !member_time(stage, "timestamp", &log->lifecycle_since_ms, err))
		return false;
	return log->lifecycle != LIFECYCLE_READONLY || read_final_head(stage, log, err);
}

static enum log_type read_type(const json_t *item)
{
	const char *type = json_string_value(json_object_get(item, "log_type"));

	if (type != NULL && strcmp(type, "test") == 0)
		return LOG_TYPE_TEST;
	return type != NULL && strcmp(type, "monitoring_only") == 0 ? LOG_TYPE_MONITORING_ONLY : LOG_TYPE_PROD;
}

static bool read_mmd(const json_t *item, struct listed_log *log, struct error *err)
{
	uint64_t mmd;

	if (!member_uint(item, "mmd", &mmd, err))
		return false;
	if (mmd > MMD_S_MAX)
		return error_set(err, ERR_MALFORMED, "\"mmd\" is longer than a year");
	log->mmd_s = (int64_t)mmd;
	return true;
}

static bool is_mimic_id(const json_t *item)
{
	const char *id = json_string_value(json_object_get(item, "log_id"));

	for (size_t i = 0; id != NULL && i < ARRAY_LEN(MIMIC_IDS); i++)
		if (strcmp(id, MIMIC_IDS[i]) == 0)
			return true;
	return false;
}

/* Adds one log to the list, or a sentence about why not. */
static void add_log(struct log_list *list, const json_t *item, enum log_protocol protocol, const char *operator_name,
		    const struct log_list_hosts *hosts)
{
	struct listed_log log = { .protocol = protocol, .type = read_type(item) };
	struct error err;
	enum listed_url verdict;

	if (is_mimic_id(item))
		list->n_mimics++;
	log.description = copy_text(item, "description");
	log.log_operator = xstrdup(operator_name);
	verdict = read_urls(item, hosts, &log, &err);
	if (verdict == LISTED_URL_GOOD && read_key(item, &log, &err) && read_mmd(item, &log, &err) &&
	    read_interval(item, &log, &err) && read_lifecycle(item, &log, &err)) {
		list->logs[list->n_logs++] = log;
		return;
	}
	if (verdict == LISTED_URL_DECOY)
		list->n_decoys++;
	else
		warn(list, xasprintf("log \"%s\" of %s is left out: %s", log.description, operator_name, err.text));
	listed_log_deinit(&log);
}

static size_t count_logs(const json_t *operators)
{
	size_t i, n = 0;
	const json_t *entry;

	json_array_foreach(operators, i, entry) n +=
		json_array_size(json_object_get(entry, "logs")) + json_array_size(json_object_get(entry, "tiled_logs"));
	return n;
}

static void add_operator(struct log_list *list, const json_t *entry, size_t number, const struct log_list_hosts *hosts)
{
	char *name = copy_text(entry, "name");
	const json_t *item;
	size_t i;

	if (name[0] == '\0') {
		free(name);
		name = xasprintf("unnamed operator %zu", number);
		warn(list, xasprintf("operator %zu of the list has no name", number));
	}
	json_array_foreach(json_object_get(entry, "logs"), i, item) add_log(list, item, LOG_RFC6962, name, hosts);
	json_array_foreach(json_object_get(entry, "tiled_logs"), i, item) add_log(list, item, LOG_STATIC, name, hosts);
	free(name);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct hash *)a)->bytes, ((const struct hash *)b)->bytes, HASH_LEN);
}

static bool check_ids_differ(const struct log_list *list, struct error *err)
{
	struct hash *ids = xcalloc(list->n_logs + 1, sizeof(*ids));
	bool good = true;

	for (size_t i = 0; i < list->n_logs; i++)
		ids[i] = list->logs[i].log_id;
	qsort(ids, list->n_logs, sizeof(*ids), by_id);
	for (size_t i = 1; i < list->n_logs && good; i++) {
		char id[BASE64_LEN(HASH_LEN) + 1];

		if (!hash_equal(&ids[i - 1], &ids[i]))
			continue;
		base64_encode(ids[i].bytes, HASH_LEN, id);
		good = error_set(err, ERR_MALFORMED, "log %s is listed twice", id);
	}
	free(ids);
	return good;
}

static bool read_list(const json_t *root, const struct log_list_hosts *hosts, struct log_list *list, struct error *err)
{
	const json_t *operators = json_object_get(root, "operators"), *entry;
	size_t i, n;

	if (json_object_get(root, "logs") != NULL)
		return error_set(err, ERR_MALFORMED, "it is of the v1 schema of 2018, v3 is needed");
	if (!json_is_array(operators))
		return error_set(err, ERR_MALFORMED, "member \"operators\" is not an array");
	n = count_logs(operators);
	if (n > LISTED_LOGS_MAX || json_array_size(operators) > LISTED_LOGS_MAX)
		return error_set(err, ERR_MALFORMED, "it names %zu logs of %zu operators, at most %d are read", n,
				 json_array_size(operators), LISTED_LOGS_MAX);
	if (json_object_get(root, "log_list_timestamp") != NULL &&
	    !member_time(root, "log_list_timestamp", &list->timestamp_ms, err))
		return false;
	list->version = copy_text(root, "version");
	list->logs = xcalloc(n + 1, sizeof(*list->logs));
	json_array_foreach(operators, i, entry) add_operator(list, entry, i + 1, hosts);
	return check_ids_differ(list, err);
}

bool log_list_parse_allowing(struct slice json, const struct log_list_hosts *hosts, struct log_list *out,
			     struct error *err)
{
	struct log_list list = { 0 };
	json_t *root = answer_object(json, err);

	if (root == NULL)
		return error_context(err, "log list");
	bool good = read_list(root, hosts, &list, err);
	json_decref(root);
	if (!good) {
		log_list_deinit(&list);
		return error_context(err, "log list");
	}
	*out = list;
	return true;
}

bool log_list_parse(struct slice json, struct log_list *out, struct error *err)
{
	static const struct log_list_hosts none = { 0 };

	return log_list_parse_allowing(json, &none, out, err);
}
