/* See report_settings.h. */
#include "report_settings.h"

#include <stdlib.h>
#include <string.h>

#include "rules_load.h"

#define STYLE_MAX (1u << 20)
#define LOGO_MAX (2u << 20)

static const char *text_of(const struct config *config, const char *key)
{
	return json_string_value(json_object_get(config->report, key));
}

/* ---- style sheet and logo --------------------------------------------------------------------------------- */

/* A style sheet stands inside the page: it must not be able to leave it, nor to fetch anything. */
static bool style_is_inert(struct slice css)
{
	static const char *const forbidden[] = { "</style", "@import", "url(", "expression(" };
	char *text = slice_dup_text(css);
	bool ok = strlen(text) == css.len;

	for (char *c = text; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		const char *at = strstr(text, forbidden[i]);

		/* pictures inside the sheet are fine: url(data:...) */
		while (at != NULL && strcmp(forbidden[i], "url(") == 0 && (strncmp(at, "url(data:", 9) == 0 || strncmp(at, "url(\"data:", 10) == 0))
			at = strstr(at + 4, "url(");
		ok = ok && at == NULL;
	}
	free(text);
	return ok;
}

static bool load_css(struct report_settings *s, const struct config *config, const char *path, struct error *err)
{
	const char *configured = text_of(config, "css");
	char *resolved = path != NULL ? xstrdup(path) : configured != NULL ? config_resolve(config, configured) : NULL;

	if (resolved == NULL)
		return true;
	bool ok = file_read(resolved, STYLE_MAX, &s->css, err);
	if (ok && !style_is_inert(buf_slice(&s->css)))
		ok = error_set(err, ERR_USAGE, "%s: a report's style sheet must not import or fetch anything, nor end the style element; pictures go in as url(data:...)", resolved);
	if (ok)
		s->options.css = buf_text(&s->css);
	free(resolved);
	return ok;
}

static const char *picture_type(struct slice bytes)
{
	static const struct {
		struct slice begin;
		const char *type;
	} types[] = { { { (const uint8_t *)"\x89PNG\r\n\x1a\n", 8 }, "image/png" },
		      { { (const uint8_t *)"\xff\xd8\xff", 3 }, "image/jpeg" },
		      { { (const uint8_t *)"<svg", 4 }, "image/svg+xml" },
		      { { (const uint8_t *)"<?xml", 5 }, "image/svg+xml" } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (slice_starts_with(bytes, types[i].begin))
			return types[i].type;
	return NULL;
}

static bool load_logo(struct report_settings *s, const struct config *config, const char *path, struct error *err)
{
	const char *configured = text_of(config, "logo");
	char *resolved = path != NULL ? xstrdup(path) : configured != NULL ? config_resolve(config, configured) : NULL;

	if (resolved == NULL)
		return true;
	bool ok = file_read(resolved, LOGO_MAX, &s->logo, err);
	const char *type = ok ? picture_type(buf_slice(&s->logo)) : NULL;
	if (ok && type == NULL)
		ok = error_set(err, ERR_USAGE, "%s is no PNG, JPEG or SVG picture", resolved);
	if (ok) {
		char *encoded = xmalloc(BASE64_LEN(s->logo.len) + 1);

		base64_encode(s->logo.data, s->logo.len, encoded);
		s->logo_data_uri = xasprintf("data:%s;base64,%s", type, encoded);
		s->options.logo_data_uri = s->logo_data_uri;
		free(encoded);
	}
	free(resolved);
	return ok;
}

/* ---- the daemon's schedule --------------------------------------------------------------------------------- */

static int weekday_of(const char *name)
{
	static const char *const names[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };

	if (name == NULL)
		return 0;
	for (int i = 0; i < 7; i++)
		if (strcasecmp(name, names[i]) == 0)
			return i;
	return -1;                        /* "never" */
}

static int minute_of(const char *clock)
{
	unsigned hour = 7, minute = 0;

	if (clock != NULL && sscanf(clock, "%2u:%2u", &hour, &minute) == 2 && hour < 24 && minute < 60)
		return (int)(hour * 60 + minute);
	return 7 * 60;
}

void report_schedule(const struct config *config, int *weekday, int *minute)
{
	*weekday = weekday_of(text_of(config, "weekday"));
	*minute = minute_of(text_of(config, "time"));
}

static void load_output(struct report_settings *s, const struct config *config)
{
	const char *directory = text_of(config, "directory");
	json_t *formats = json_object_get(config->report, "formats"), *format;
	size_t i;

	s->directory = directory != NULL ? config_resolve(config, directory) : xasprintf("%s/reports", config->state);
	s->formats[REPORT_HTML] = s->formats[REPORT_CSV] = formats == NULL;
	json_array_foreach(formats, i, format) {
		enum report_format f;

		if (json_is_string(format) && report_format_parse(json_string_value(format), &f))
			s->formats[f] = true;
	}
}

static bool load_rules(struct report_settings *s, const struct config *config, int64_t now_ms, struct error *err)
{
	struct suffix_table *suffixes = suffixes_load();
	struct ruleset *rules;
	bool ok = rules_load(config, suffixes, now_ms, &rules, err);

	if (ok) {
		s->options.rules_json = s->rules_json = ruleset_describe_json(rules);
		s->options.brands_json = s->brands_json = ruleset_brands_json(rules);
		ruleset_free(rules);
	}
	suffix_table_free(suffixes);
	return ok;
}

bool report_settings_load(struct report_settings *out, const struct config *config, const char *css, const char *logo, int64_t now_ms, struct error *err)
{
	const char *title = text_of(config, "title");

	*out = (struct report_settings){ 0 };
	buf_init(&out->css, STYLE_MAX + 1);
	buf_init(&out->logo, LOGO_MAX);
	out->options.timezone = out->timezone = xstrdup(config->timezone != NULL ? config->timezone : "UTC");
	out->options.title = out->title = title != NULL ? xstrdup(title) : NULL;
	load_output(out, config);
	if (load_css(out, config, css, err) && load_logo(out, config, logo, err) && load_rules(out, config, now_ms, err))
		return true;
	report_settings_deinit(out);
	return false;
}

void report_settings_deinit(struct report_settings *s)
{
	buf_deinit(&s->css);
	buf_deinit(&s->logo);
	free(s->logo_data_uri);
	free(s->rules_json);
	free(s->brands_json);
	free(s->timezone);
	free(s->title);
	free(s->directory);
	*s = (struct report_settings){ 0 };
}
