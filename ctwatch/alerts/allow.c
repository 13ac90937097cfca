/* See allow.h. */
#include "allow.h"

#include <stdlib.h>
#include <string.h>

#include "ct.h"
#include "dns.h"

#define ENTRIES_MAX 10000
#define CANARIES_MAX 100
#define WITHIN_MS (INT64_C(26) * 3600000)

enum allow_what { ALLOW_DOMAIN, ALLOW_CERTIFICATE, ALLOW_ISSUER, N_ALLOW };
static const char *const WHAT_KEYS[] = { "domain", "certificate", "issuer" };

struct allow_entry {
	enum allow_what what;
	char *value;
	struct hash sha256;               /* of ALLOW_CERTIFICATE */
	char *rule;                       /* a pattern, or NULL: every rule */
	char *why, *who;
	int64_t until_ms;
};

/*
 * What is known of a finding's certificates already, so that each new one of a busy domain is looked at alone rather than all 50 000
 * of them again. Of the store's thread only. A transaction that was undone leaves a count that does not fit the next event: then all
 * are looked at.
 */
#define MEMORIES 1024
struct memory {
	char id[FINDING_ID_LEN + 1];      /* of the finding; "": empty */
	bool has_others;                  /* some certificate is not allowed: that stays so */
	uint64_t n_allowed;               /* else all of so many are ... */
	int64_t until_ms;                 /* ... until then */
	const struct allow_entry *by;
};

struct allow_list {
	struct memory *memories;          /* by the hash of their id; NULL when no entry looks at certificates */
	struct allow_entry *items;
	size_t n, n_by_certificate;       /* those that a look at the certificates decides */
	char *canaries[CANARIES_MAX];
	size_t n_canaries;
	int64_t within_ms;
};

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool wrong(struct error *err, size_t i, const char *what)
{
	return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\" %s", i + 1, what);
}

static bool check_entry_keys(const json_t *object, size_t i, struct error *err)
{
	static const char *const known[] = { "domain", "certificate", "issuer", "rule", "why", "who", "until", NULL };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		bool found = key[0] == '_';

		for (const char *const *k = known; *k != NULL; k++)
			found = found || strcmp(*k, key) == 0;
		if (!found)
			return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\": there is no key \"%.100s\"", i + 1, key);
		if (key[0] != '_' && !json_is_string(value))
			return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\": \"%s\" wants a text", i + 1, key);
	}
	return true;
}

static char *dup_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? xstrdup(text) : NULL;
}

static bool read_value(struct allow_entry *entry, size_t i, struct error *err)
{
	struct given_name given;
	struct error why;

	if (entry->what == ALLOW_CERTIFICATE && !hex_decode(slice_text(entry->value), entry->sha256.bytes, HASH_LEN))
		return wrong(err, i, "names a certificate by something else than the 64 hex digits of a SHA-256");
	if (entry->what != ALLOW_DOMAIN)
		return true;
	if (!given_name_read(slice_text(entry->value), &given, &why))
		return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\": \"%.100s\" is no domain name: %.200s", i + 1, entry->value, why.text);
	free(entry->value);
	entry->value = xstrdup(given_name_without_www(&given));
	return true;
}

static bool read_entry(struct allow_list *list, const json_t *object, size_t i, struct error *err)
{
	struct allow_entry *entry = &list->items[list->n];
	size_t n = 0;

	if (!json_is_object(object))
		return wrong(err, i, "is no object");
	if (!check_entry_keys(object, i, err))
		return false;
	for (size_t k = 0; k < N_ALLOW; k++) {
		if (json_object_get(object, WHAT_KEYS[k]) == NULL)
			continue;
		entry->what = (enum allow_what)k;
		n++;
	}
	if (n != 1)
		return wrong(err, i, "wants one of \"domain\", \"certificate\" and \"issuer\"");
	list->n++;
	entry->value = dup_text(object, WHAT_KEYS[entry->what]);
	entry->rule = dup_text(object, "rule");
	entry->why = dup_text(object, "why");
	entry->who = dup_text(object, "who");
	entry->until_ms = INT64_MAX;
	list->n_by_certificate += entry->what != ALLOW_DOMAIN;
	if (entry->why == NULL || entry->why[0] == '\0')
		return wrong(err, i, "wants \"why\": reports say why something was put aside");
	const char *until = json_string_value(json_object_get(object, "until"));
	if (until != NULL && !time_parse_rfc3339(slice_text(until), &entry->until_ms))
		return wrong(err, i, "wants a date such as 2027-06-30 for \"until\"");
	return read_value(entry, i, err);
}

static bool read_allow(struct allow_list *list, const json_t *triage, struct error *err)
{
	const json_t *entries = json_object_get(triage, "allow");
	const char *key;
	json_t *value, *item;
	size_t i;

	json_object_foreach((json_t *)triage, key, value)
		if (key[0] != '_' && strcmp(key, "allow") != 0)
			return error_set(err, ERR_USAGE, "triage: there is no key \"%.100s\"; did you mean \"allow\"?", key);
	if (entries == NULL)
		return true;
	if (!json_is_array(entries) || json_array_size(entries) > ENTRIES_MAX)
		return error_set(err, ERR_USAGE, "triage: \"allow\" wants a list of at most %d entries", ENTRIES_MAX);
	list->items = xcalloc(json_array_size(entries), sizeof(*list->items));
	json_array_foreach((json_t *)entries, i, item)
		if (!read_entry(list, item, i, err))
			return false;
	return true;
}

/* In the form that the watch list's rules have: "watch/.example.com". */
static bool read_canary(struct allow_list *list, const char *name, struct error *err)
{
	struct given_name given;
	struct error why;

	if (!given_name_read(slice_text(name), &given, &why))
		return error_set(err, ERR_USAGE, "canary.names: \"%.100s\" is no domain name: %.200s", name, why.text);
	if (list->n_canaries == CANARIES_MAX)
		return error_set(err, ERR_USAGE, "canary.names: there are more than %d", CANARIES_MAX);
	list->canaries[list->n_canaries++] = xasprintf("%s%s", given.below ? "." : "", given.name);
	return true;
}

static bool read_canaries(struct allow_list *list, const json_t *canary, struct error *err)
{
	const char *within = json_string_value(json_object_get(canary, "within"));
	json_t *name;
	size_t i;

	list->within_ms = WITHIN_MS;
	if (within != NULL && !duration_parse(slice_text(within), &list->within_ms))
		return error_set(err, ERR_USAGE, "canary.within: \"%.40s\" is no duration", within);
	json_array_foreach(json_object_get(canary, "names"), i, name)
		if (json_is_string(name) && !read_canary(list, json_string_value(name), err))
			return false;
	return true;
}

bool allow_list_new(const struct config *config, struct allow_list **out, struct error *err)
{
	struct allow_list *list = xcalloc(1, sizeof(*list));

	if (!read_allow(list, config->triage, err) || !read_canaries(list, config->canary, err)) {
		allow_list_free(list);
		return false;
	}
	if (list->n_by_certificate > 0)
		list->memories = xcalloc(MEMORIES, sizeof(*list->memories));
	*out = list;
	return true;
}

void allow_list_free(struct allow_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].value);
		free(list->items[i].rule);
		free(list->items[i].why);
		free(list->items[i].who);
	}
	for (size_t i = 0; i < list->n_canaries; i++)
		free(list->canaries[i]);
	free(list->memories);
	free(list->items);
	free(list);
}

size_t allow_n_canaries(const struct allow_list *list)
{
	return list->n_canaries;
}

const char *allow_canary(const struct allow_list *list, size_t i)
{
	return list->canaries[i];
}

int64_t allow_canary_within_ms(const struct allow_list *list)
{
	return list->within_ms;
}

/* ---- judging ---------------------------------------------------------------------------------------------- */

static bool matches_a_rule(const char *pattern, const char *const *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (glob_match(pattern, rules[i]))
			return true;
	return false;
}

bool allow_check(const struct allow_list *list, const struct suffix_table *suffixes, const char *const *rules, size_t n_rules, struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct allow_entry *entry = &list->items[i];
		size_t suffix_at;

		if (entry->rule != NULL && !matches_a_rule(entry->rule, rules, n_rules))
			return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\": no rule is called \"%.100s\"; `ctwatch rules` lists them", i + 1, entry->rule);
		if (entry->what != ALLOW_DOMAIN)
			continue;
		ptrdiff_t at = suffix_registrable(suffixes, slice_text(entry->value), &suffix_at);
		if (at > 0)
			return error_set(err, ERR_USAGE, "triage: entry %zu of \"allow\": findings are by registrable domain: write \"%s\" instead of \"%.100s\"", i + 1,
					 entry->value + at, entry->value);
	}
	return true;
}

static bool applies(const struct allow_entry *entry, const struct finding *finding, int64_t now_ms)
{
	return now_ms < entry->until_ms && (entry->rule == NULL || glob_match(entry->rule, finding->rule));
}

static bool decide(struct state *st, const struct finding *finding, const char *action, const char *who, const char *what, const char *why, int64_t now_ms,
		   struct error *err)
{
	char *text = xasprintf("%s: %s", what, why);
	char *name = who != NULL ? xasprintf("%s (configuration)", who) : xstrdup("configuration");
	bool ok = state_triage(st, finding->id, action, name, text, now_ms, err);

	free(text);
	free(name);
	return ok;
}

static bool is_canary(const struct allow_list *list, const struct finding *finding)
{
	for (size_t i = 0; i < list->n_canaries; i++)
		if (strncmp(finding->rule, "watch/", 6) == 0 && strcmp(finding->rule + 6, list->canaries[i]) == 0)
			return true;
	return false;
}

/* The entry that allows the certificate, or NULL. */
static const struct allow_entry *allowed_by(const struct allow_list *list, const struct finding *finding, const struct state_certificate *certificate, int64_t now_ms)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct allow_entry *entry = &list->items[i];
		bool is = (entry->what == ALLOW_CERTIFICATE && (hash_equal(&entry->sha256, &certificate->sha256) || hash_equal(&entry->sha256, &certificate->tbs_sha256))) ||
			  (entry->what == ALLOW_ISSUER && glob_match(entry->value, certificate->issuer));

		if (is && applies(entry, finding, now_ms))
			return entry;
	}
	return NULL;
}

struct tally {
	const struct allow_list *list;
	const struct finding *finding;
	int64_t now_ms, until_ms;
	size_t n_allowed, n_others, n_seen;
	struct hash other;
	const struct allow_entry *by;
	const struct hash *only;          /* the one certificate to look at, or NULL: all */
	bool found;
};

#define NEWEST_MAX 16                /* among which a new certificate stands, unless another finding had it long ago */

static bool count_certificate(void *ctx, const struct state_certificate *certificate)
{
	struct tally *tally = ctx;

	if (tally->only != NULL && !hash_equal(tally->only, &certificate->tbs_sha256))
		return ++tally->n_seen < NEWEST_MAX;
	const struct allow_entry *entry = allowed_by(tally->list, tally->finding, certificate, tally->now_ms);

	tally->found = true;
	if (entry == NULL) {
		tally->n_others++;
		tally->other = certificate->tbs_sha256;
		return tally->only == NULL && tally->n_others < 2;
	}
	tally->n_allowed++;
	tally->by = entry;
	if (entry->until_ms < tally->until_ms)
		tally->until_ms = entry->until_ms;
	return tally->only == NULL;
}

static struct memory *memory_of(const struct allow_list *list, const char *id)
{
	uint32_t hash = 2166136261u;

	for (const char *c = id; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return &list->memories[hash % MEMORIES];
}

/* All but the newest are known to be allowed: is it? False when that cannot be told without looking at all. */
static bool tally_newest(const struct memory *memory, struct state *st, const struct state_event *event, struct tally *tally, struct error *err)
{
	struct hash newest;

	if (strcmp(memory->id, event->finding->id) != 0 || memory->has_others || memory->n_allowed + 1 != event->finding->certificate_count || tally->now_ms >= memory->until_ms ||
	    event->certificate == NULL || !hex_decode(slice_text(event->certificate), newest.bytes, HASH_LEN))
		return false;
	tally->only = &newest;
	tally->until_ms = memory->until_ms;
	bool ok = state_each_certificate(st, event->finding->id, count_certificate, tally, err);
	tally->only = NULL;
	if (!ok || !tally->found)
		return false;
	tally->n_allowed += memory->n_allowed;
	return true;
}

static void remember(struct memory *memory, const struct state_event *event, const struct tally *tally, bool is_news)
{
	*memory = (struct memory){ .has_others = tally->n_others > 0, .n_allowed = event->finding->certificate_count, .until_ms = tally->until_ms, .by = tally->by };
	/* news is told once: should its transaction be undone, it is news again */
	if (!is_news)
		snprintf(memory->id, sizeof(memory->id), "%s", event->finding->id);
}

static bool judge_certificates(const struct allow_list *list, struct state *st, const struct state_event *event, int64_t now_ms, enum allow_answer *answer,
			       struct error *err)
{
	struct memory *memory = memory_of(list, event->finding->id);
	struct tally tally = { .list = list, .finding = event->finding, .now_ms = now_ms, .until_ms = INT64_MAX };
	char hex[2 * HASH_LEN + 1];

	if (strcmp(memory->id, event->finding->id) == 0 && memory->has_others)
		return true;
	if (!tally_newest(memory, st, event, &tally, err)) {
		tally = (struct tally){ .list = list, .finding = event->finding, .now_ms = now_ms, .until_ms = INT64_MAX };
		if (!state_each_certificate(st, event->finding->id, count_certificate, &tally, err))
			return false;
	}
	hex_encode(tally.other.bytes, HASH_LEN, hex);
	bool is_news = tally.n_others == 1 && tally.n_allowed > 0 && event->certificate != NULL && strcmp(event->certificate, hex) == 0;
	remember(memory, event, &tally, is_news);
	if (is_news)
		*answer = ALLOW_TELL_AS_NEW;
	if (tally.n_others > 0 || tally.n_allowed == 0)
		return true;
	*answer = ALLOW_QUIET;
	return event->type != EVENT_FINDING ||
	       decide(st, event->finding, "note", tally.by->who, tally.by->what == ALLOW_ISSUER ? "issuer is allowed" : "certificate is allowed", tally.by->why, now_ms, err);
}

bool allow_judge(const struct allow_list *list, struct state *st, const struct state_event *event, int64_t now_ms, enum allow_answer *answer, struct error *err)
{
	const struct finding *finding = event->finding;

	*answer = ALLOW_TELL;
	if (finding == NULL || !finding->flagged)
		return true;
	if (is_canary(list, finding)) {
		*answer = ALLOW_QUIET;
		return decide(st, finding, "dismissed", NULL, "a canary", "expected regularly; its absence is told", now_ms, err);
	}
	for (size_t i = 0; i < list->n; i++) {
		const struct allow_entry *entry = &list->items[i];

		if (entry->what == ALLOW_DOMAIN && strcmp(entry->value, finding->registrable_domain) == 0 && applies(entry, finding, now_ms)) {
			*answer = ALLOW_QUIET;
			return decide(st, finding, "dismissed", entry->who, "domain is allowed", entry->why, now_ms, err);
		}
	}
	return list->n_by_certificate == 0 || judge_certificates(list, st, event, now_ms, answer, err);
}
