/* See listed_log.h. */
#include "listed_log.h"
#include "json_members.h"
#include "listed_url.h"

#include <stdlib.h>
#include <string.h>

#define LISTED_TEXT_MAX 512  /* descriptions and names */
#define LISTED_WORD_MAX 40   /* a lifecycle that this version does not know */
#define LISTED_KEY_MAX 4096
#define LISTED_WARNINGS_MAX 100
#define MMD_S_MAX (366 * 86400) /* the longest that a list ever named is a week */

static const char *const LIFECYCLE_NAMES[] = {
	[LIFECYCLE_NONE] = "none",       [LIFECYCLE_PENDING] = "pending",   [LIFECYCLE_REJECTED] = "rejected",
	[LIFECYCLE_RETIRED] = "retired", [LIFECYCLE_READONLY] = "readonly", [LIFECYCLE_UNKNOWN] = "unknown",
	[LIFECYCLE_QUALIFIED] = "qualified", [LIFECYCLE_USABLE] = "usable",
};

/* Stages in the order in which a log passes them: where a list names several, the last counts. */
static const enum log_lifecycle STAGES[] = {
	LIFECYCLE_PENDING,  LIFECYCLE_QUALIFIED, LIFECYCLE_USABLE,
	LIFECYCLE_READONLY, LIFECYCLE_RETIRED,   LIFECYCLE_REJECTED,
};

const char *log_lifecycle_name(enum log_lifecycle lifecycle)
{
	return LIFECYCLE_NAMES[lifecycle];
}

const char *log_lifecycle_of(const struct listed_log *log)
{
	return log->lifecycle == LIFECYCLE_UNKNOWN && log->lifecycle_word != NULL ? log->lifecycle_word : LIFECYCLE_NAMES[log->lifecycle];
}

void listed_log_deinit(struct listed_log *log)
{
	free(log->description);
	free(log->log_operator);
	free(log->url);
	free(log->submission_url);
	free(log->lifecycle_word);
	free(log->key);
}

/* ---- members ------------------------------------------------------------------------------------------- */

void listed_warn(struct log_list *list, char *sentence)
{
	if (list->n_warnings > LISTED_WARNINGS_MAX) {
		free(sentence);
		return;
	}
	if (list->n_warnings == LISTED_WARNINGS_MAX) {
		free(sentence);
		sentence = xstrdup("there is more that is odd in this list than is shown here");
	}
	list->warnings = xreallocarray(list->warnings, list->n_warnings + 1, sizeof(*list->warnings));
	list->warnings[list->n_warnings++] = sentence;
}

char *listed_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (len > LISTED_TEXT_MAX)
		for (len = LISTED_TEXT_MAX; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;       /* not in the middle of a letter */
	return slice_dup_text(slice_of(text, len));
}

bool listed_time(const json_t *object, const char *name, int64_t *out, struct error *err)
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
	struct hash id = log_key_id(key);
	log_key_free(key);
	return hash_equal(&id, &listed_id) || error_set(err, ERR_MALFORMED, "\"log_id\" is not the hash of its key");
}

/* One URL, normalised; LISTED_URL_DECOY is passed on, since a decoy is no mistake. */
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
		*out = listed_url_normal(text);
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
	if (!json_is_object(interval))
		return error_set(err, ERR_MALFORMED, "member \"temporal_interval\" is not an object");
	if (!listed_time(interval, "start_inclusive", &log->interval_start_ms, err) ||
	    !listed_time(interval, "end_exclusive", &log->interval_end_ms, err))
		return false;
	return log->interval_start_ms < log->interval_end_ms ||
	       error_set(err, ERR_MALFORMED, "its \"temporal_interval\" ends before it begins");
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

/* ---- lifecycle ------------------------------------------------------------------------------------------ */

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

/* A word that the schema has got since this program was made: the log is rather read than left out. */
static void take_unknown(const char *word, struct listed_log *log, struct log_list *doubts)
{
	size_t len = strlen(word);

	if (len > LISTED_WORD_MAX)
		for (len = LISTED_WORD_MAX; len > 0 && ((unsigned char)word[len] & 0xc0) == 0x80; len--)
			;
	log->lifecycle = LIFECYCLE_UNKNOWN;
	log->lifecycle_word = slice_dup_text(slice_of(word, len));
	listed_warn(doubts, xasprintf("log \"%s\" of %s has the state \"%s\", which this version does not know: it is read like a usable one",
				      log->description, log->log_operator, log->lifecycle_word));
}

static const json_t *find_stage(const json_t *state, struct listed_log *log, struct log_list *doubts)
{
	const json_t *stage = NULL;
	const char *word;
	json_t *value;

	for (size_t i = 0; i < ARRAY_LEN(STAGES); i++) {
		const json_t *named = json_object_get(state, LIFECYCLE_NAMES[STAGES[i]]);

		if (named == NULL)
			continue;
		log->lifecycle = STAGES[i];
		stage = named;
	}
	json_object_foreach((json_t *)state, word, value) {
		if (stage != NULL)
			break;
		take_unknown(word, log, doubts);
		stage = value;
	}
	return stage;
}

static bool read_lifecycle(const json_t *item, struct listed_log *log, struct log_list *doubts, struct error *err)
{
	const json_t *state = json_object_get(item, "state");

	if (state == NULL || json_is_null(state))
		return true;
	if (!json_is_object(state))
		return error_set(err, ERR_MALFORMED, "member \"state\" is not an object");
	const json_t *stage = find_stage(state, log, doubts);
	/* what is inside a stage that is not known may be anything */
	if (log->lifecycle == LIFECYCLE_UNKNOWN || stage == NULL)
		return true;
	if (json_object_get(stage, "timestamp") != NULL && !listed_time(stage, "timestamp", &log->lifecycle_since_ms, err))
		return false;
	return log->lifecycle != LIFECYCLE_READONLY || read_final_head(stage, log, err);
}

static enum log_type read_type(const json_t *item, const struct listed_log *log, struct log_list *doubts)
{
	const json_t *value = json_object_get(item, "log_type");
	const char *type = json_string_value(value);

	if (value == NULL || json_is_null(value) || (type != NULL && strcmp(type, "prod") == 0))
		return LOG_TYPE_PROD;
	if (type != NULL && strcmp(type, "test") == 0)
		return LOG_TYPE_TEST;
	if (type != NULL && strcmp(type, "monitoring_only") == 0)
		return LOG_TYPE_MONITORING_ONLY;
	listed_warn(doubts, xasprintf("log \"%s\" of %s has the log_type \"%.*s\", which this version does not know: it counts as an ordinary log",
				      log->description, log->log_operator, LISTED_WORD_MAX, type != NULL ? type : "(no text)"));
	return LOG_TYPE_PROD;
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

/* Every log is called something, so that a sentence about it can be understood. */
static char *name_of(const json_t *item)
{
	static const char *const members[] = { "description", "monitoring_url", "url", "submission_url", "log_id" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		char *text = listed_text(item, members[i]);

		if (text[0] != '\0')
			return text;
		free(text);
	}
	return xstrdup("(without a name)");
}

static bool read_rest(const json_t *item, struct listed_log *log, struct log_list *doubts, struct error *err)
{
	if (!read_key(item, log, err) || !read_mmd(item, log, err) || !read_interval(item, log, err))
		return false;
	log->type = read_type(item, log, doubts);
	return read_lifecycle(item, log, doubts, err);
}

enum listed_verdict listed_log_read(const json_t *item, enum log_protocol protocol, const char *operator_name, const struct log_list_hosts *hosts,
				    struct listed_log *out, struct log_list *doubts, struct error *err)
{
	struct error ignored;

	*out = (struct listed_log){ .protocol = protocol, .description = name_of(item), .log_operator = xstrdup(operator_name) };
	if (!json_is_object(item)) {
		error_set(err, ERR_MALFORMED, "its entry is not an object");
		return LISTED_BROKEN;
	}
	/* known also where the rest is broken: the log may have been read before */
	member_hash(item, "log_id", &out->log_id, &ignored);
	enum listed_url url = read_urls(item, hosts, out, err);
	if (url == LISTED_URL_DECOY)
		return LISTED_DECOY;
	return url == LISTED_URL_GOOD && read_rest(item, out, doubts, err) ? LISTED_GOOD : LISTED_BROKEN;
}
