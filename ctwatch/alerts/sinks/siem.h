/*
 * One event in the formats of log collectors: CEF, and Elastic Common Schema. Private to alerts/.
 */
#ifndef CTWATCH_SIEM_H
#define CTWATCH_SIEM_H

#include "sink.h"

/*
 * "CEF:0|ctwatch|ctwatch|0.1.0|brand/cija|...|9|dhost=... cs1=..." (ArcSight CEF revision 25). One line of at most max bytes: longer
 * values are cut, first to the lengths of the dictionary there, and cn2 "truncated" says so. False, nothing appended: not even so.
 */
bool siem_cef(const struct delivery *delivery, const struct alert_item *item, size_t max, struct buf *out);
/* One ECS 8 document (JSON): @timestamp, event.*, rule.*, threat.*, dns.question.name, tls.server.x509.*, and the envelope under ctwatch. New reference. */
json_t *siem_ecs(const struct delivery *delivery, const struct alert_item *item);
/* RFC 5424 severity of an event: 2 critical ... 6 informational. */
int siem_syslog_severity(const struct alert_item *item);
/* "critical" ... or "" of the event's finding or incident. */
const char *siem_severity(const struct alert_item *item);

#endif
