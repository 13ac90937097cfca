/* What of a configuration may be shown: secrets are replaced, URLs lose what may be a token. */
#include "config_key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A path segment longer than this may be a token, unless it is words: lower case with "_", "-" or "." between them. */
#define SEGMENT_SHOWN_MAX 12

static bool may_be_token(const char *segment, size_t len)
{
	size_t n_letters = 0, n_joints = 0;

	for (size_t i = 0; i < len; i++) {
		n_letters += segment[i] >= 'a' && segment[i] <= 'z';
		n_joints += strchr("_-.", segment[i]) != NULL;
	}
	return len > SEGMENT_SHOWN_MAX && (n_joints == 0 || n_letters + n_joints != len);
}

static bool is_secret_name(const char *name)
{
	static const char *const marks[] = { "password", "secret", "token", "authorization", "api_key", "apikey", "credential", "hmac_key", "template" };
	size_t len = strlen(name);

	if ((len > 5 && strcmp(name + len - 5, "_file") == 0) || (len > 4 && strcmp(name + len - 4, "_env") == 0))
		return false;           /* where a secret is, not what it is */
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strcasestr(name, marks[i]) != NULL)
			return true;
	return strcasecmp(name, "key") == 0 || strcasecmp(name, "user:password") == 0;
}

/* Appends the path, its long segments as "...". */
static void show_path(struct buf *out, const char *path)
{
	size_t end = strcspn(path, "?#");

	for (size_t i = 0; i < end;) {
		size_t len = strcspn(path + i + 1, "/?#");

		if (i + 1 + len > end)
			len = end - i - 1;
		buf_append_byte(out, '/');
		if (may_be_token(path + i + 1, len))
			buf_append_text(out, "...");
		else
			buf_append(out, path + i + 1, len);
		i += 1 + len;
	}
	if (path[end] != '\0')
		buf_append_text(out, "?...");
}

char *url_for_display(const char *url)
{
	const char *scheme_end = strstr(url, "://");
	struct buf out;

	if (scheme_end == NULL)
		return xstrdup(url);
	const char *authority = scheme_end + 3;
	size_t authority_len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', authority_len);
	buf_init(&out, strlen(url) * 2 + 64);
	buf_append(&out, url, (size_t)(authority - url));
	if (at != NULL) {
		buf_append_text(&out, "...@");
		authority_len -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	buf_append(&out, authority, authority_len);
	show_path(&out, authority + authority_len);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

static json_t *redact_text(const char *text)
{
	if (strstr(text, "://") == NULL)
		return json_string(text);
	char *shown = url_for_display(text);
	json_t *value = json_string(shown);
	free(shown);
	return value;
}

/* The address of a sink is a secret as a whole but for its host: paths hold tokens of every length. */
static json_t *redact_hook(const char *url)
{
	const char *authority = strstr(url, "://");

	if (authority == NULL)
		return json_string("(set)");
	authority += 3;
	size_t len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', len);
	const char *host = at != NULL ? at + 1 : authority;
	char *shown = xasprintf("%.*s%s%.*s/...", (int)(authority - url), url, at != NULL ? "...@" : "", (int)(authority + len - host), host);
	json_t *value = json_string(shown);

	free(shown);
	return value;
}

/* Custom headers carry tokens under any name. */
static json_t *redact_headers(const json_t *headers)
{
	json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)headers, name, value)
		json_object_set_new(out, name, json_string("(set)"));
	return out;
}

json_t *config_redact(const json_t *value)
{
	const char *name;
	json_t *inner, *out;
	size_t i;

	if (json_is_string(value))
		return redact_text(json_string_value(value));
	if (json_is_array(value)) {
		out = json_array();
		json_array_foreach(value, i, inner)
			json_array_append_new(out, config_redact(inner));
		return out;
	}
	if (!json_is_object(value))
		return json_deep_copy(value);
	out = json_object();
	json_object_foreach((json_t *)value, name, inner) {
		if (strcmp(name, "url") == 0 && json_is_string(inner))
			json_object_set_new(out, name, redact_hook(json_string_value(inner)));
		else if (is_secret_name(name) && !json_is_null(inner))
			json_object_set_new(out, name, json_string("(set)"));
		else if (strcmp(name, "headers") == 0 && json_is_object(inner))
			json_object_set_new(out, name, redact_headers(inner));
		else
			json_object_set_new(out, name, config_redact(inner));
	}
	return out;
}
