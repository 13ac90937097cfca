/* What a report is made with: the configuration's time zone, title, style sheet and logo, and what the rules say of themselves. */
#ifndef CTWATCH_REPORT_SETTINGS_H
#define CTWATCH_REPORT_SETTINGS_H

#include "config.h"
#include "report.h"

struct report_settings {
	struct report_options options;    /* everything but the range and the generation time; borrows from below */
	bool formats[N_REPORT_FORMATS];   /* that the daemon writes */
	char *directory;                  /* of the daemon's reports */
	struct buf css, logo;
	char *logo_data_uri, *rules_json, *brands_json, *timezone, *title;
};

/* When the daemon makes it: weekday 0 Monday .. 6 Sunday, -1 never; minute of the day. Cheap. */
void report_schedule(const struct config *config, int *weekday, int *minute);

/* Reads files and compiles rules: seconds with many brands, not for the loop. `css` and `logo` are paths that stand over the configuration's, or NULL. Rules that do not compile are an error. */
bool report_settings_load(struct report_settings *out, const struct config *config, const char *css, const char *logo, int64_t now_ms, struct error *err);
void report_settings_deinit(struct report_settings *);

#endif
