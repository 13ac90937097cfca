/* What of a configuration may be shown: secrets are replaced, URLs lose what may be a token. */
#include "key.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
