/* Several log lists as one, and what gives away a list that is not meant for monitors. */
#include "loglist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct listed_log *find(const struct log_list *list, const struct hash *log_id)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (hash_equal(&list->logs[i].log_id, log_id))
			return &list->logs[i];
	return NULL;
}

static struct listed_log copy(const struct listed_log *from)
{
	struct listed_log log = *from;

	log.description = xstrdup(from->description);
	log.log_operator = xstrdup(from->log_operator);
	log.url = xstrdup(from->url);
	log.submission_url = from->submission_url == NULL ? NULL : xstrdup(from->submission_url);
	log.lifecycle_word = from->lifecycle_word == NULL ? NULL : xstrdup(from->lifecycle_word);
	log.key = xmalloc(from->key_len);
	memcpy(log.key, from->key, from->key_len);
	return log;
}

/* Lifecycle, its date and the final head belong together; everything else stays as the first list says it. */
static void strengthen(struct listed_log *into, const struct listed_log *from)
{
	if (from->lifecycle > into->lifecycle) {
		free(into->lifecycle_word);
		into->lifecycle_word = from->lifecycle_word == NULL ? NULL : xstrdup(from->lifecycle_word);
		into->lifecycle = from->lifecycle;
		into->lifecycle_since_ms = from->lifecycle_since_ms;
		into->has_final_head = from->has_final_head;
		into->final_head = from->final_head;
	}
	if (from->lifecycle == into->lifecycle && !into->has_final_head) {
		into->has_final_head = from->has_final_head;
		into->final_head = from->final_head;
	}
	if (into->interval_start_ms == INT64_MIN && into->interval_end_ms == INT64_MAX) {
		into->interval_start_ms = from->interval_start_ms;
		into->interval_end_ms = from->interval_end_ms;
	}
}

void log_list_merge(struct log_list *into, const struct log_list *from, unsigned source)
{
	unsigned bit = 1u << source;

	into->logs = xreallocarray(into->logs, into->n_logs + from->n_logs + 1, sizeof(*into->logs));
	for (size_t i = 0; i < from->n_logs; i++) {
		struct listed_log *known = find(into, &from->logs[i].log_id);

		if (known == NULL) {
			known = &into->logs[into->n_logs++];
			*known = copy(&from->logs[i]);
			known->sources = bit;
		} else {
			strengthen(known, &from->logs[i]);
			known->sources |= bit;
		}
	}
	if (into->version == NULL && from->version != NULL)
		into->version = xstrdup(from->version);
	if (from->timestamp_ms > into->timestamp_ms)
		into->timestamp_ms = from->timestamp_ms;
	into->n_decoys += from->n_decoys;
	into->n_mimics += from->n_mimics;
}

bool log_list_is_mimic(const struct log_list *list, char *why, size_t why_len)
{
	size_t n_with_lifecycle = 0, n_live = 0;

	for (size_t i = 0; i < list->n_logs; i++) {
		n_with_lifecycle += list->logs[i].lifecycle != LIFECYCLE_NONE;
		n_live += list->logs[i].lifecycle > LIFECYCLE_READONLY;
	}
	if (list->n_mimics > 0)
		snprintf(why, why_len, "the list names %zu of the mimic logs that are served to enforcers",
			 list->n_mimics);
	else if (list->n_logs == 0 && list->n_unread > 0)
		snprintf(why, why_len, "none of the %zu logs of the list can be read, the first since %.120s", list->n_unread, list->unread[0].why);
	else if (list->n_logs == 0)
		snprintf(why, why_len, "the list names no log outside example.com");
	else if (n_with_lifecycle > 0 && n_live == 0)
		snprintf(why, why_len, "none of the %zu logs of the list is usable or qualified", list->n_logs);
	else
		return false;
	return true;
}
