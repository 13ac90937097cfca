/*
 * The mail itself (RFC 5322, RFC 2046): headers, text and HTML, a report's files. Pure but for those files. Private to alerts/ (mail).
 */
#ifndef CTWATCH_MAIL_TEXT_H
#define CTWATCH_MAIL_TEXT_H

#include "sink.h"

struct mail_head {
	const char *from;
	const char *const *to;            /* as shown; the envelope is another matter */
	size_t n_to;
	int64_t now_ms;
	bool with_files;                  /* else the text says where they are */
};

/* Is it a weekly report, with files? */
bool mail_is_report(const struct delivery *delivery);
/* False when it is larger than `out` may be. */
bool mail_write(struct buf *out, const struct mail_head *head, const struct delivery *delivery);

#endif
