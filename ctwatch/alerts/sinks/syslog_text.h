/*
 * One event as a syslog message (RFC 5424), never longer than its receiver takes: what is least needed is left out. Pure. Private to
 * alerts/ (syslog).
 */
#ifndef CTWATCH_SYSLOG_TEXT_H
#define CTWATCH_SYSLOG_TEXT_H

#include "sink.h"

struct syslog_head {
	int facility;
	const char *hostname;
	long pid;
	bool cef;                         /* else the envelope as JSON */
};

#define SYSLOG_BYTES_MIN 1024        /* what the smallest message that still says something may need */

/* False, nothing appended: it has more than max_bytes however small it is made. */
bool syslog_write(struct buf *out, const struct syslog_head *head, const struct delivery *delivery, size_t max_bytes);

#endif
