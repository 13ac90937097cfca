/* Which URLs of a log list may be read; private to parsers/. */
#ifndef CTWATCH_PARSERS_LISTED_URL_H
#define CTWATCH_PARSERS_LISTED_URL_H

#include "base.h"

#define LISTED_URL_MAX 1024

enum listed_url {
	LISTED_URL_GOOD,        /* https, or http on this machine or on an allowed host */
	LISTED_URL_PLAIN,       /* http elsewhere */
	LISTED_URL_DECOY,       /* a host of example.com: there to keep old parsers alive, never to be asked */
	LISTED_URL_BROKEN,
};

enum listed_url listed_url_judge(struct slice url, const char *const *http_hosts, size_t n_http_hosts);
/*
 * One URL for all ways to write it: scheme and host in lower case, no port that is the scheme's own, no slashes at the end. The
 * path stays as it is, since its case counts. Of a URL that was judged good. malloc'd.
 */
char *listed_url_normal(struct slice url);

#endif
