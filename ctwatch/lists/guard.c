/* The guards: shared/spec/ct-protocols.md 3.1 and 3.5. Pure. */
#include "guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "governor.h"

#define REMOVED_LEAST 2                   /* one log that goes is ordinary life, also where few are followed */

const struct listed_log *lists_find(const struct log_list *list, const struct hash *log_id)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (hash_equal(&list->logs[i].log_id, log_id))
			return &list->logs[i];
	return NULL;
}

bool lists_is_decoy(const char *url)
{
	char host[128];

	governor_host(url, host, sizeof(host));
	size_t len = strcspn(host, ":"), decoy = strlen("example.com");
	return len >= decoy && strncasecmp(host + len - decoy, "example.com", decoy) == 0 && (len == decoy || host[len - decoy - 1] == '.');
}

static const struct listed_log *find_url(const struct log_list *list, const char *url)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (strcasecmp(list->logs[i].url, url) == 0)
			return &list->logs[i];
	return NULL;
}

static bool removes_many(const struct log_list *old, const struct log_list *fresh, const struct config *config, int64_t now_ms, char *sentence, size_t len)
{
	size_t n_read = 0, n_removed = 0;

	for (size_t i = 0; i < old->n_logs; i++) {
		struct follow_decision decision;

		lists_decide(&old->logs[i], config, now_ms, &decision);
		if (decision.how == FOLLOW_NOT)
			continue;
		n_read++;
		n_removed += lists_find(fresh, &old->logs[i].log_id) == NULL;
	}
	snprintf(sentence, len, "the new list lacks %zu of the %zu logs that are read; the old one stays in use", n_removed, n_read);
	return n_removed >= REMOVED_LEAST && n_removed * 3 > n_read;
}

static bool changes_a_key(const struct log_list *old, const struct log_list *fresh, char *sentence, size_t len)
{
	for (size_t i = 0; i < old->n_logs; i++) {
		const struct listed_log *was = &old->logs[i], *is = find_url(fresh, was->url);

		if (is == NULL || hash_equal(&is->log_id, &was->log_id) || lists_find(fresh, &was->log_id) != NULL)
			continue;
		snprintf(sentence, len, "the new list has another key behind %.200s; the old list stays in use", was->url);
		return true;
	}
	return false;
}

enum guard_verdict lists_guard(const struct log_list *old, const struct log_list *fresh, const struct config *config, int64_t now_ms,
			       const char **class_name, char *sentence, size_t len)
{
	char was[TIME_TEXT_LEN], is[TIME_TEXT_LEN];

	*class_name = "LIST_MIMIC";
	if (log_list_is_mimic(fresh, sentence, len))
		return GUARD_REFUSE;
	if (old == NULL)
		return GUARD_ACCEPT;
	*class_name = "LIST_ROLLBACK";
	/* a list whose own date cannot be read is said to be odd already; it is not called old */
	if (fresh->timestamp_ms != 0 && fresh->timestamp_ms < old->timestamp_ms) {
		snprintf(sentence, len, "the list is of %s, older than the one in use (%s)", time_format_rfc3339(fresh->timestamp_ms, is),
			 time_format_rfc3339(old->timestamp_ms, was));
		return GUARD_REFUSE;
	}
	*class_name = "KEY_CHANGED";
	if (changes_a_key(old, fresh, sentence, len))
		return GUARD_SUSPECT;
	*class_name = "LIST_MASS_REMOVAL";
	return removes_many(old, fresh, config, now_ms, sentence, len) ? GUARD_SUSPECT : GUARD_ACCEPT;
}
