/* See report_weeks.h. */
#include "report_weeks.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

#define WEEKS_KEPT 4                 /* for a clock that is set back */
#define AHEAD_MS (INT64_C(12) * 3600 * 1000)  /* by an hour or two ahead, the week was as good as over */
#define FIRST_WEEK "2020-W01"        /* weeks sort as texts; earlier ones are of a clock that was not set yet */

static bool is_plausible(const char *week)
{
	return strcmp(week, FIRST_WEEK) >= 0;
}

bool report_week_is_first(const char *weeks, const char *week)
{
	return weeks == NULL || (is_plausible(week) && !is_plausible(weeks));
}

bool report_week_is_owed(const char *weeks, const char *week, int64_t now_ms)
{
	const char *at = strstr(weeks, week);
	int64_t made_ms = 0;

	if (!is_plausible(week))
		return false;
	if (at == NULL)
		return true;
	if (at[strlen(week)] == ':')
		made_ms = strtoll(at + strlen(week) + 1, NULL, 10);
	return made_ms - now_ms > AHEAD_MS;
}

char *report_weeks_add(const char *weeks, const char *week, int64_t now_ms)
{
	char *list = xstrdup(weeks != NULL ? weeks : ""), *rest = list, *one;
	struct buf out;

	buf_init(&out, 256);
	buf_printf(&out, "%s:%lld", week, (long long)now_ms);
	for (size_t n = 1; n < WEEKS_KEPT && (one = strsep(&rest, " ")) != NULL;) {
		if (strncmp(one, week, strlen(week)) == 0 || !is_plausible(one))
			continue;
		buf_printf(&out, " %s", one);
		n++;
	}
	free(list);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}
