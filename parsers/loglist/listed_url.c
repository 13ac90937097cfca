/* See listed_url.h. */
#include "listed_url.h"

#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#define HOST_MAX 255

static bool take_scheme(struct slice *url, const char *scheme)
{
	size_t len = strlen(scheme);

	if (url->len < len || strncasecmp((const char *)url->data, scheme, len) != 0)
		return false;
	*url = slice_sub(*url, len, url->len);
	return true;
}

/* Host and port of what follows the scheme; an IPv6 literal keeps its brackets. False for an empty host, user names, odd characters. */
static bool split_host(struct slice rest, char host[HOST_MAX + 1])
{
	size_t end = 0, len;

	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] <= ' ' || rest.data[i] >= 0x7f || strchr("\"<>\\^`{|}?#@", rest.data[i]) != NULL)
			return false;
	while (end < rest.len && rest.data[end] != '/')
		end++;
	len = end;
	if (len > 0 && rest.data[0] == '[') {
		ptrdiff_t close = slice_find(slice_sub(rest, 0, end), ']');

		if (close < 0)
			return false;
		len = (size_t)close + 1;
	} else {
		ptrdiff_t colon = slice_find(slice_sub(rest, 0, end), ':');

		if (colon >= 0)
			len = (size_t)colon;
	}
	if (len == 0 || len > HOST_MAX || (len < end && rest.data[len] != ':'))
		return false;
	for (size_t i = len + 1; i < end; i++)
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return false;
	memcpy(host, rest.data, len);
	host[len] = '\0';
	return true;
}

static bool is_loopback(const char *host)
{
	struct in_addr address;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool is_decoy(const char *host)
{
	static const char domain[] = "example.com";
	size_t len = strlen(host), domain_len = sizeof(domain) - 1;

	return len >= domain_len && strcasecmp(host + len - domain_len, domain) == 0 &&
	       (len == domain_len || host[len - domain_len - 1] == '.');
}

enum listed_url listed_url_judge(struct slice url, const char *const *http_hosts, size_t n_http_hosts)
{
	char host[HOST_MAX + 1];
	struct slice rest = url;
	bool tls = take_scheme(&rest, "https://");

	if (url.len > LISTED_URL_MAX || (!tls && !take_scheme(&rest, "http://")) || !split_host(rest, host))
		return LISTED_URL_BROKEN;
	if (is_decoy(host))
		return LISTED_URL_DECOY;
	if (tls || is_loopback(host))
		return LISTED_URL_GOOD;
	for (size_t i = 0; i < n_http_hosts; i++)
		if (strcasecmp(host, http_hosts[i]) == 0)
			return LISTED_URL_GOOD;
	return LISTED_URL_PLAIN;
}

static void append_lower(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_append_byte(out, (uint8_t)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + 32 : text.data[i]));
}

char *listed_url_normal(struct slice url)
{
	struct slice rest = url;
	bool tls = take_scheme(&rest, "https://");
	const char *own_port = tls ? ":443" : ":80";
	struct buf out;

	if (!tls)
		take_scheme(&rest, "http://");
	while (rest.len > 0 && rest.data[rest.len - 1] == '/')
		rest.len--;
	ptrdiff_t slash = slice_find(rest, '/');
	struct slice host = slice_sub(rest, 0, slash < 0 ? rest.len : (size_t)slash), path = slice_sub(rest, host.len, rest.len);
	if (slice_ends_with(host, slice_text(own_port)) && host.len > strlen(own_port))
		host.len -= strlen(own_port);
	else if (slice_ends_with(host, SLICE_LITERAL(":")))
		host.len--;
	buf_init(&out, 2 * LISTED_URL_MAX);
	buf_append_text(&out, tls ? "https://" : "http://");
	append_lower(&out, host);
	buf_append_slice(&out, path);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}
