/* Where a URL points, read as curl reads it: two readers of one URL must not disagree about where it goes. */
#ifndef CTWATCH_URL_H
#define CTWATCH_URL_H

#include "base.h"

bool url_is_http(const char *url);             /* http or https */
bool url_is_loopback(const char *url);
/* ERR_USAGE names the URL and the rule: known scheme, a host, no control characters, plain text to loopback or allowed hosts only. */
bool url_check(const char *url, const char *const *allow_http, struct error *err);

/* Scheme and host stay, credentials, queries and whatever may be a token become "...". malloc'd. */
char *url_for_display(const char *url);
/* The same, escaped; `out` is a sentence's worth. */
void url_escape(const char *url, char *out, size_t out_len);

#endif
