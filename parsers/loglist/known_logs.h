/* Logs known at build time, as script/make-known-logs writes them; private to parsers/. */
#ifndef CTWATCH_PARSERS_KNOWN_LOGS_H
#define CTWATCH_PARSERS_KNOWN_LOGS_H

#include "loglist.h"

struct known_log {
	const char *log_operator, *description;
	const char *url, *submission_url;       /* submission_url: static logs, else NULL */
	const char *key;                        /* base64: x and y of a P-256 point, or any longer SPKI */
	enum log_lifecycle lifecycle;
	enum log_type type;
	int64_t mmd_s;
	const char *interval_start, *interval_end, *since;      /* RFC 3339, or NULL */
	uint64_t final_size;
	const char *final_root;                 /* base64; NULL when there is no final head */
};

extern const struct known_log KNOWN_LOGS[];
extern const size_t N_KNOWN_LOGS;
extern const char KNOWN_LOGS_VERSION[], KNOWN_LOGS_TIMESTAMP[];   /* of the list that they were first read from */

#endif
