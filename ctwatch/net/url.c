/* Which URLs the fetcher accepts, and where they lead. */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#include "fetch.h"

enum scheme { SCHEME_UNKNOWN, SCHEME_HTTP, SCHEME_HTTPS, SCHEME_SMTP, SCHEME_SMTPS };

static enum scheme scheme_of(const char *url)
{
	static const char *const names[] = { NULL, "http", "https", "smtp", "smtps" };

	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(url, names[i], len) == 0 && strncmp(url + len, "://", 3) == 0)
			return (enum scheme)i;
	}
	return SCHEME_UNKNOWN;
}

bool url_is_http(const char *url)
{
	enum scheme scheme = scheme_of(url);

	return scheme == SCHEME_HTTP || scheme == SCHEME_HTTPS;
}

/* Without brackets; NULL when curl finds none. malloc'd. */
static char *host_of(const char *url)
{
	CURLU *parsed = curl_url();
	char *from_curl = NULL, *host = NULL;

	if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &from_curl, 0) == CURLUE_OK) {
		size_t len = strlen(from_curl);

		host = from_curl[0] == '[' && len > 2 ? slice_dup_text(slice_of(from_curl + 1, len - 2)) : xstrdup(from_curl);
	}
	curl_free(from_curl);
	curl_url_cleanup(parsed);
	return host;
}

static bool host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0;
}

bool url_is_loopback(const char *url)
{
	char *host = host_of(url);
	bool loopback = host != NULL && host_is_loopback(host);

	free(host);
	return loopback;
}

static bool host_is_allowed(const char *host, const char *const *allow_http)
{
	for (const char *const *a = allow_http; a != NULL && *a != NULL; a++)
		if (strcasecmp(*a, host) == 0)
			return true;
	return false;
}

bool fetch_may_be_plain(const char *url, const char *const *allow_http)
{
	char *host = host_of(url);
	bool allowed = host != NULL && (host_is_loopback(host) || host_is_allowed(host, allow_http));

	free(host);
	return allowed;
}

void url_escape(const char *url, char *out, size_t out_len)
{
	char *display = url_for_display(url);

	text_escape(slice_text(display), out, out_len);
	free(display);
}

bool url_check(const char *url, const char *const *allow_http, struct error *err)
{
	char shown[200];
	enum scheme scheme = scheme_of(url);

	url_escape(url, shown, sizeof(shown));
	for (const char *c = url; *c != '\0'; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return error_set(err, ERR_USAGE, "%s: a URL has no spaces and no control characters", shown);
	if (scheme == SCHEME_UNKNOWN)
		return error_set(err, ERR_USAGE, "%s: expected a URL that begins with https://, or smtp:// or smtps:// for mail", shown);
	char *host = host_of(url);
	bool has_host = host != NULL && host[0] != '\0';
	free(host);
	if (!has_host)
		return error_set(err, ERR_USAGE, "%s: the URL names no host", shown);
	if (scheme == SCHEME_HTTP && !fetch_may_be_plain(url, allow_http))
		return error_set(err, ERR_USAGE, "%s: plain http:// is accepted for loopback addresses only, unless \"allow_http\" lists the host", shown);
	return true;
}
