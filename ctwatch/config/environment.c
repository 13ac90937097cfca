/* The names of environment variables: which belong to keys, and which belong to nobody. */
#include "key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "CTWATCH_"
#define NAME_MAX_BYTES 128

/* Ours, and no keys: the file itself, what hooks are given, and what builds, tests and benchmarks are told. */
static const char *const OTHERS[] = {
	"CTWATCH_CONFIG",      "CTWATCH_ID",         "CTWATCH_EVENT",      "CTWATCH_PROGRAM", "CTWATCH_SHARED_DIR",
	"CTWATCH_SOURCE_DIR",  "CTWATCH_KILLS",       "CTWATCH_ODD_CERTIFICATES", "CTWATCH_SANITIZE", "CTWATCH_PROJECT_URL",
	"CTWATCH_TESTS",       "CTWATCH_WERROR",      "CTWATCH_FUZZ",       "CTWATCH_VERSION",
};

/* Prefixes of families: what container platforms set for a service that is called ctwatch, and tests of all sorts. */
static const char *const FAMILIES[] = { "CTWATCH_SERVICE_", "CTWATCH_PORT", "CTWATCH_TEST_", "CTWATCH_BENCH_" };

void environment_name(const char *key, const char *suffix, char *out, size_t out_len)
{
	snprintf(out, out_len, PREFIX "%s%s", key, suffix);
	for (char *c = out; *c != '\0'; c++)
		*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

static bool is_key(const char *variable)
{
	static const char *const suffixes[] = { "", "_FILE" };
	char name[NAME_MAX_BYTES];

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		for (size_t k = 0; k < ARRAY_LEN(suffixes); k++) {
			environment_name(CONFIG_KEYS[i].name, suffixes[k], name, sizeof(name));
			if (strcmp(name, variable) == 0)
				return true;
		}
	}
	return false;
}

static bool is_other(const char *variable)
{
	for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
		if (strcmp(OTHERS[i], variable) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(FAMILIES); i++)
		if (strncmp(FAMILIES[i], variable, strlen(FAMILIES[i])) == 0)
			return true;
	return false;
}

/* Does a member "..._env" somewhere in the configuration name it? Those names are the user's own. */
static bool holds_secret(const json_t *value, const char *variable)
{
	const char *name;
	json_t *inner;
	size_t i;

	json_array_foreach((json_t *)value, i, inner)
		if (holds_secret(inner, variable))
			return true;
	json_object_foreach((json_t *)value, name, inner) {
		size_t len = strlen(name);
		bool is_reference = len > 4 && strcmp(name + len - 4, "_env") == 0 && json_is_string(inner);

		if ((is_reference && strcmp(json_string_value(inner), variable) == 0) || holds_secret(inner, variable))
			return true;
	}
	return false;
}

/* The variable that was probably meant; `room` keeps it. */
static const char *nearest_variable(const char *variable, char room[][NAME_MAX_BYTES])
{
	const char *known[64];
	size_t n = 0;

	for (; n < N_CONFIG_KEYS && n < ARRAY_LEN(known); n++) {
		environment_name(CONFIG_KEYS[n].name, "", room[n], NAME_MAX_BYTES);
		known[n] = room[n] + strlen(PREFIX);
	}
	return text_nearest_of(variable + strlen(PREFIX), known, n);
}

static bool unknown(const char *variable, struct error *err)
{
	char room[64][NAME_MAX_BYTES], shown[NAME_MAX_BYTES];
	const char *near = nearest_variable(variable, room);

	text_escape(slice_text(variable), shown, sizeof(shown));
	if (near != NULL)
		return error_set(err, ERR_USAGE, "environment: no key belongs to the variable %s; did you mean " PREFIX "%s?", shown, near);
	return error_set(err, ERR_USAGE, "environment: no key belongs to the variable %s; `ctwatch config keys` lists them: unset it, or call it otherwise", shown);
}

bool environment_check(const struct config *c, struct error *err)
{
	for (char **at = environ; at != NULL && *at != NULL; at++) {
		char name[NAME_MAX_BYTES];
		size_t len = strcspn(*at, "=");

		if (strncmp(*at, PREFIX, strlen(PREFIX)) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), *at);
		if (!is_key(name) && !is_other(name) && !holds_secret(c->alerts, name))
			return unknown(name, err);
	}
	return true;
}
