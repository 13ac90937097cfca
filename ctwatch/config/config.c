/*
 * Configuration: defaults, file, environment, options, in this order; each value is checked where it comes from, so that
 * the sentence names the file and line, the variable or the option.
 */
#include "key.h"
#include "url.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX (4u << 20)
#define SECRET_BYTES_MAX (64u << 10)
#define LOG_LISTS_MAX 16
#define DEFAULT_PATH "/etc/ctwatch/ctwatch.json"
#define NAME_MAX_BYTES 128

static const struct key_row *row_named(const char *name)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		if (strcmp(CONFIG_KEYS[i].name, name) == 0)
			return &CONFIG_KEYS[i];
	return NULL;
}

/* ---- unknown keys -------------------------------------------------------------------------------- */

/* The key that was probably meant, compared with its whole name, then with its last part; NULL when none is near. */
static const char *nearest_key(const char *name)
{
	const char **known = xcalloc(N_CONFIG_KEYS, sizeof(*known)), *near;

	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		known[i] = CONFIG_KEYS[i].name;
	near = text_nearest_of(name, known, N_CONFIG_KEYS);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const char *dot = strrchr(CONFIG_KEYS[i].name, '.');

		known[i] = dot != NULL ? dot + 1 : CONFIG_KEYS[i].name;
	}
	const char *part = near == NULL ? text_nearest_of(name, known, N_CONFIG_KEYS) : NULL;
	for (size_t i = 0; part != NULL && i < N_CONFIG_KEYS; i++)
		if (known[i] == part)
			near = CONFIG_KEYS[i].name;
	free(known);
	return near;
}

static bool unknown_key(const char *name, struct error *err)
{
	const char *near = nearest_key(name);
	char shown[NAME_MAX_BYTES];

	text_escape(slice_text(name), shown, sizeof(shown));
	if (near == NULL)
		return error_set(err, ERR_USAGE, "no key is called \"%s\"; `ctwatch config keys` lists them", shown);
	return error_set(err, ERR_USAGE, "no key is called \"%s\"; did you mean \"%s\"?", shown, near);
}

/* ---- one value ------------------------------------------------------------------------------------ */

static bool apply(struct config *c, const struct key_row *row, const json_t *value, const char *directory, struct error *err)
{
	void *out = row->offset == NO_MEMBER ? NULL : (char *)c + row->offset;
	char *path = NULL;

	if (!row->type->apply(row, value, directory, out, err))
		return false;
	/* paths without a member of their own are kept resolved, all else as it was said */
	if (row->type == &TYPE_PATH && TYPE_PATH.apply(row, value, directory, &path, err)) {
		json_object_set_new(c->values, row->name, json_string(path));
		free(path);
	} else {
		json_object_set_new(c->values, row->name, json_deep_copy(value));
	}
	return true;
}

static bool apply_text_value(struct config *c, const struct key_row *row, const char *text, const char *directory, struct error *err)
{
	json_t *value = row->type->from_text(text, err);

	if (value == NULL)
		return false;
	bool ok = apply(c, row, value, directory, err);
	json_decref(value);
	return ok;
}

static char *working_directory(void)
{
	char *cwd = getcwd(NULL, 0);

	return cwd != NULL ? cwd : xstrdup(".");
}

/* ---- the file --------------------------------------------------------------------------------------- */

struct file_source {
	struct config *config;
	const char *path, *directory;
	struct slice text;
};

static bool at_key(const struct file_source *f, const char *name, struct error *err)
{
	size_t line = json_line_of(f->text, name);

	return error_context(err, "%s: line %zu: \"%s\"", f->path, line, name);
}

static bool is_group(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		if (strncmp(CONFIG_KEYS[i].name, name, len) == 0 && CONFIG_KEYS[i].name[len] == '.')
			return true;
	return false;
}

static bool apply_member(const struct file_source *f, const char *name, const json_t *value, struct error *err)
{
	const struct key_row *row = row_named(name);
	const char *member;
	json_t *inner;

	if (row != NULL)
		return apply(f->config, row, value, f->directory, err) || at_key(f, name, err);
	if (!is_group(name)) {
		unknown_key(name, err);
		return error_context(err, "%s: line %zu", f->path, json_line_of(f->text, name));
	}
	if (!json_is_object(value)) {
		error_set(err, ERR_USAGE, "expected an object");
		return at_key(f, name, err);
	}
	json_object_foreach((json_t *)value, member, inner) {
		char dotted[NAME_MAX_BYTES * 2];

		if (member[0] == '_')
			continue;
		snprintf(dotted, sizeof(dotted), "%s.%s", name, member);
		row = row_named(dotted);
		if (row == NULL) {
			unknown_key(dotted, err);
			return error_context(err, "%s: line %zu", f->path, json_line_of(f->text, dotted));
		}
		if (!apply(f->config, row, inner, f->directory, err))
			return at_key(f, dotted, err);
	}
	return true;
}

/* Keys that begin with "_" are comments, wherever they stand. */
static void drop_comments(json_t *value)
{
	const char *name;
	json_t *inner;
	void *next;
	size_t i;

	json_array_foreach(value, i, inner)
		drop_comments(inner);
	json_object_foreach_safe(value, next, name, inner) {
		if (name[0] == '_')
			json_object_del(value, name);
		else
			drop_comments(inner);
	}
}

/* What a JSON parser would complain of in words of its own. */
static bool check_text(const char *path, struct slice text, struct error *err)
{
	const struct slice utf16[] = { SLICE_LITERAL("\xff\xfe"), SLICE_LITERAL("\xfe\xff") };

	if (slice_starts_with(text, utf16[0]) || slice_starts_with(text, utf16[1]))
		return error_set(err, ERR_USAGE, "%s: the file is UTF-16: save it as UTF-8", path);
	for (size_t i = 0; i < text.len; i++)
		if (strchr(" \t\r\n", text.data[i]) == NULL || text.data[i] == '\0')
			return true;
	return error_set(err, ERR_USAGE, "%s: the file is empty; write {} for the defaults, or let `ctwatch init` make one", path);
}

static bool apply_file(struct config *c, const char *path, struct error *err)
{
	json_error_t where;
	struct buf content = { 0 };
	const char *name;
	json_t *value;

	if (!file_read(path, CONFIG_BYTES_MAX, &content, err))
		return error_context(err, "configuration");
	struct slice text = slice_without_mark(buf_slice(&content));
	if (!check_text(path, text, err)) {
		buf_deinit(&content);
		return false;
	}
	json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &where);
	char *copy = xstrdup(path);
	struct file_source f = { c, path, dirname(copy), text };
	bool ok = false;
	if (root == NULL) {
		error_set(err, ERR_USAGE, "%s: line %d: expected JSON: %s", path, where.line, where.text);
	} else if (!json_is_object(root)) {
		error_set(err, ERR_USAGE, "%s: expected an object: { \"contact\": ... }", path);
	} else {
		ok = true;
		drop_comments(root);
		json_object_foreach(root, name, value) {
			ok = apply_member(&f, name, value, err);
			if (!ok)
				break;
		}
	}
	json_decref(root);
	free(copy);
	buf_deinit(&content);
	return ok;
}

/* ---- the environment ---------------------------------------------------------------------------------- */

static void cut_newline(struct buf *text)
{
	while (text->len > 0 && (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == '\r'))
		text->len--;
}

/* CTWATCH_<KEY>, or CTWATCH_<KEY>_FILE: the value is what that file holds, as container platforms hand out secrets. */
static bool apply_variable(struct config *c, const struct key_row *row, const char *directory, struct error *err)
{
	char name[NAME_MAX_BYTES], file_name[NAME_MAX_BYTES];
	struct buf content = { 0 };

	environment_name(row->name, "", name, sizeof(name));
	const char *text = getenv(name);
	environment_name(row->name, "_FILE", file_name, sizeof(file_name));
	const char *path = getenv(file_name);
	bool has_path = path != NULL && path[0] != '\0';
	if (text != NULL && has_path)
		return error_set(err, ERR_USAGE, "environment: %s and %s contradict each other: set one of them", name, file_name);
	if (text != NULL)
		return apply_text_value(c, row, text, directory, err) || error_context(err, "environment: %s", name);
	if (!has_path)
		return true;
	memcpy(name, file_name, sizeof(name));
	if (!file_read(path, CONFIG_BYTES_MAX, &content, err))
		return error_context(err, "environment: %s", name);
	cut_newline(&content);
	const char *value = (const char *)slice_without_mark(slice_text(buf_text(&content))).data;
	bool ok = apply_text_value(c, row, value, directory, err) || error_context(err, "environment: %s", name);
	buf_deinit(&content);
	return ok;
}

static bool apply_environment(struct config *c, struct error *err)
{
	char *directory = working_directory();
	bool ok = true;

	for (size_t i = 0; ok && i < N_CONFIG_KEYS; i++)
		ok = apply_variable(c, &CONFIG_KEYS[i], directory, err);
	free(directory);
	return ok && environment_check(c, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

/* The directory or the nearest ancestor that exists: could we write there? */
static bool may_create(const char *path)
{
	char *copy = xstrdup(path), *at = copy;

	while (access(at, F_OK) != 0 && strcmp(at, "/") != 0 && strcmp(at, ".") != 0)
		at = dirname(at);
	bool ok = access(at, W_OK) == 0;
	free(copy);
	return ok;
}

/* Somebody without root who just tries it: a state of his own instead of an error. */
static void choose_state(struct config *c)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (json_object_get(c->values, "state") != NULL || geteuid() == 0 || may_create(c->state))
		return;
	if (xdg != NULL && xdg[0] == '/')
		path = xasprintf("%s/ctwatch", xdg);
	else if (home != NULL && home[0] == '/')
		path = xasprintf("%s/.local/state/ctwatch", home);
	else
		return;
	free(c->state);
	c->state = path;
}

/* Excludes stand over includes. */
static bool check_excludes(const struct config *c, struct error *err)
{
	for (size_t i = 0; i < c->log_exclude.n; i++) {
		const char *pattern = c->log_exclude.items[i];

		for (size_t k = 0; k < c->log_include.n; k++)
			if (strcmp(pattern, "*") != 0 && strcasecmp(pattern, c->log_include.items[k]) == 0)
				return error_set(err, ERR_USAGE, "\"logs.include\" and \"logs.exclude\" contradict each other: both have \"%.100s\"", pattern);
	}
	return true;
}

/* What one key cannot know of another. */
static bool check_whole(const struct config *c, struct error *err)
{
	if (c->log_lists.n > LOG_LISTS_MAX)
		return error_set(err, ERR_USAGE, "\"log_lists\": expected at most %d lists, found %zu", LOG_LISTS_MAX, c->log_lists.n);
	for (size_t i = 0; i < c->log_lists.n; i++) {
		const char *list = c->log_lists.items[i];

		if (strstr(list, "://") != NULL && !url_check(list, (const char *const *)c->allow_http.items, err))
			return error_context(err, "\"log_lists\"");
	}
	return check_excludes(c, err);
}

/* The value in force: what was set, else the default. NULL when there is none. New reference. */
static json_t *value_of(const struct config *c, const struct key_row *row)
{
	json_t *set = json_object_get(c->values, row->name);
	struct error err;

	if (strcmp(row->name, "state") == 0)
		return json_string(c->state);
	if (set != NULL)
		return json_incref(set);
	return row->default_text == NULL ? NULL : row->type->from_text(row->default_text, &err);
}

static json_t *group_of(const struct config *c, const char *group)
{
	json_t *object = json_object();
	size_t len = strlen(group);

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const char *name = CONFIG_KEYS[i].name;

		if (strncmp(name, group, len) != 0 || name[len] != '.')
			continue;
		json_t *value = value_of(c, &CONFIG_KEYS[i]);
		if (value != NULL)
			json_object_set_new(object, name + len + 1, value);
	}
	return object;
}

static json_t *effective_of(const struct config *c)
{
	json_t *all = json_object();

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		char group[NAME_MAX_BYTES];
		const char *name = CONFIG_KEYS[i].name, *dot = strchr(name, '.');
		json_t *value = value_of(c, &CONFIG_KEYS[i]);

		if (dot == NULL) {
			json_object_set_new(all, name, value != NULL ? value : json_null());
			continue;
		}
		json_decref(value);
		snprintf(group, sizeof(group), "%.*s", (int)(dot - name), name);
		if (json_object_get(all, group) == NULL)
			json_object_set_new(all, group, group_of(c, group));
	}
	json_t *redacted = config_redact(all);
	json_decref(all);
	return redacted;
}

static void replace(json_t **member, json_t *value)
{
	json_decref(*member);
	*member = value;
}

static bool finish(struct config *c, struct error *err)
{
	if (!check_whole(c, err))
		return false;
	replace(&c->report, group_of(c, "report"));
	replace(&c->retention, group_of(c, "retention"));
	replace(&c->canary, group_of(c, "canary"));
	replace(&c->effective, effective_of(c));
	return true;
}

static bool apply_defaults(struct config *c, struct error *err)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct key_row *row = &CONFIG_KEYS[i];

		if (row->default_text != NULL && !apply_text_value(c, row, row->default_text, ".", err))
			return error_context(err, "default of \"%s\"", row->name);
	}
	json_object_clear(c->values);   /* only what somebody set counts as set */
	return true;
}

/* NULL: there is none, and nobody named one. */
static const char *choose_path(const char *path)
{
	const char *named = getenv("CTWATCH_CONFIG");

	if (path != NULL)
		return path;
	if (named != NULL && named[0] != '\0')
		return named;
	return access(DEFAULT_PATH, F_OK) == 0 ? DEFAULT_PATH : NULL;
}

bool config_load(const char *path, struct config *out, struct error *err)
{
	struct config c = { .values = json_object() };
	const char *chosen = choose_path(path);

	if (chosen != NULL) {
		char *directory = working_directory();

		c.path = chosen[0] == '/' ? xstrdup(chosen) : xasprintf("%s/%s", directory, chosen);
		free(directory);
	}
	if (!apply_defaults(&c, err) || (c.path != NULL && !apply_file(&c, c.path, err)) || !apply_environment(&c, err))
		goto fail;
	choose_state(&c);
	if (!finish(&c, err))
		goto fail;
	*out = c;
	return true;
fail:
	config_deinit(&c);
	return false;
}

static void deinit_list(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

void config_deinit(struct config *c)
{
	char *texts[] = { c->path, c->contact, c->state, c->listen, c->public_url, c->timezone, c->proxy, c->ca_file };
	struct string_list *lists[] = { &c->log_lists, &c->log_include, &c->log_exclude, &c->rules, &c->allow_http, &c->dns_servers,
					&c->no_keepalive, &c->tls_unverified };
	json_t *values[] = { c->alerts, c->report, c->retention, c->triage, c->canary, c->effective, c->values };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		deinit_list(lists[i]);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		json_decref(values[i]);
	*c = (struct config){ 0 };
}

bool config_set(struct config *c, const char *key, const char *value, struct error *err)
{
	const struct key_row *row = row_named(key);

	if (row == NULL)
		return unknown_key(key, err);
	char *directory = working_directory();
	bool ok = apply_text_value(c, row, value, directory, err);
	free(directory);
	if (!ok)
		return error_context(err, "\"%s\"", key);
	return finish(c, err);
}

char *config_resolve(const struct config *c, const char *path)
{
	if (path[0] == '/' || c->path == NULL)
		return xstrdup(path);
	char *copy = xstrdup(c->path);
	char *resolved = xasprintf("%s/%s", dirname(copy), path);
	free(copy);
	return resolved;
}

struct config_key *config_keys(size_t *n)
{
	struct config_key *keys = xcalloc(N_CONFIG_KEYS, sizeof(*keys));

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct key_row *row = &CONFIG_KEYS[i];

		keys[i] = (struct config_key){ row->name, row->type->name, row->default_text != NULL ? row->default_text : "", row->help };
	}
	*n = N_CONFIG_KEYS;
	return keys;
}

/* ---- secrets -------------------------------------------------------------------------------------------- */

static bool secret_from_file(const struct config *c, const char *path, char **out, struct error *err)
{
	struct buf content = { 0 };
	char *resolved = config_resolve(c, path);

	bool ok = file_read(resolved, SECRET_BYTES_MAX, &content, err);
	free(resolved);
	if (!ok)
		return false;
	cut_newline(&content);
	struct slice secret = slice_without_mark(buf_slice(&content));
	ok = secret.len > 0 || error_set(err, ERR_USAGE, "%s is empty: it should hold the secret, on one line", path);
	if (ok)
		*out = slice_dup_text(secret);
	if (content.cap > 0)
		explicit_bzero(content.data, content.cap);
	buf_deinit(&content);
	return ok;
}

bool config_secret(const struct config *c, const json_t *object, const char *key, char **out, struct error *err)
{
	char file_key[NAME_MAX_BYTES], env_key[NAME_MAX_BYTES];

	snprintf(file_key, sizeof(file_key), "%s_file", key);
	snprintf(env_key, sizeof(env_key), "%s_env", key);
	const json_t *value = json_object_get(object, key), *file = json_object_get(object, file_key), *env = json_object_get(object, env_key);
	if ((value != NULL) + (file != NULL) + (env != NULL) > 1)
		return error_set(err, ERR_USAGE, "expected only one of \"%s\", \"%s\" and \"%s\"", key, file_key, env_key);
	if (value == NULL && file == NULL && env == NULL) {
		*out = NULL;
		return true;
	}
	const char *text = json_string_value(value != NULL ? value : file != NULL ? file : env);
	if (text == NULL)
		return error_set(err, ERR_USAGE, "\"%s\": expected a text", value != NULL ? key : file != NULL ? file_key : env_key);
	if (file != NULL)
		return secret_from_file(c, text, out, err) || error_context(err, "\"%s\"", file_key);
	if (env != NULL && getenv(text) == NULL)
		return error_set(err, ERR_USAGE, "\"%s\": the environment has no variable %s", env_key, text);
	if (env != NULL && getenv(text)[0] == '\0')
		return error_set(err, ERR_USAGE, "\"%s\": the variable %s is empty: it should hold the secret", env_key, text);
	*out = xstrdup(env != NULL ? getenv(text) : text);
	return true;
}

/* ---- for others ------------------------------------------------------------------------------------------ */

void config_retention(const struct config *c, struct retention *out)
{
	struct {
		const char *name;
		int64_t *ms;
		uint64_t *count;
	} const members[] = {
		{ "dismissed", &out->dismissed_ms, NULL }, { "low", &out->low_ms, NULL },   { "counters", &out->counters_ms, NULL },
		{ "sent", &out->sent_ms, NULL },           { "malformed", NULL, &out->malformed_per_log },
		{ "certificates", NULL, &out->certificates_per_finding },
	};

	*out = (struct retention){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *value = json_object_get(c->retention, members[i].name);
		const char *text = json_string_value(value);

		if (members[i].ms != NULL && text != NULL)
			duration_parse(slice_text(text), members[i].ms);
		else if (members[i].count != NULL && text != NULL)
			count_parse(slice_text(text), members[i].count);
		else if (members[i].count != NULL && json_is_integer(value))
			*members[i].count = (uint64_t)json_integer_value(value);
	}
}
