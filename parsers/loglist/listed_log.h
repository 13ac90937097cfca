/*
 * One entry of a log list (Chrome's v3 schema, Apple's v5), private to parsers/. What breaks a rule costs this log only, and is said
 * with its name.
 */
#ifndef CTWATCH_PARSERS_LISTED_LOG_H
#define CTWATCH_PARSERS_LISTED_LOG_H

#include <jansson.h>

#include "loglist.h"

enum listed_verdict {
	LISTED_GOOD,
	LISTED_DECOY,                     /* below example.com: no mistake, and no log */
	LISTED_BROKEN,                    /* `err` says which rule it breaks */
};

/*
 * Reads one entry; `out` holds what could be read whatever the verdict, name and operator always, and wants listed_log_deinit.
 * `doubts` gets a sentence about each thing that is odd and does no harm; each begins with the log's name.
 */
enum listed_verdict listed_log_read(const json_t *item, enum log_protocol protocol, const char *operator_name, const struct log_list_hosts *hosts,
				    struct listed_log *out, struct log_list *doubts, struct error *err);
void listed_log_deinit(struct listed_log *log);
/* An optional text, cut to what anybody would show; "" when it is absent or of another type. malloc'd. */
char *listed_text(const json_t *object, const char *name);
/* An RFC 3339 time. */
bool listed_time(const json_t *object, const char *name, int64_t *out, struct error *err);
/* A sentence (malloc'd, taken over) about the list; only the first hundred are kept, the rest is counted. */
void listed_warn(struct log_list *list, char *sentence);

#endif
