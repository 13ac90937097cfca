/*
 * Refusal is an answer. A check of what a log signed ends well, or with a contradiction, or the log does not give what the check
 * needs: that is told too once it lasts, since a log that hides a fork would do just this. It is asked for again all the while.
 */
#include "inside.h"

#include <stdarg.h>
#include <stdio.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define ATTEMPTS 3

int64_t watch_check_delay(const struct watcher *w, unsigned failures)
{
	static const int64_t delays_ms[] = { 1, 5 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS };

	if (w->ingest->once)
		return 1;
	return delays_ms[failures > 0 && failures <= ARRAY_LEN(delays_ms) ? failures - 1 : ARRAY_LEN(delays_ms) - 1];
}

unsigned watch_check_attempts(const struct watcher *w)
{
	return w->ingest->once ? 2 : ATTEMPTS;
}

void watch_refused(struct watcher *w, enum check check, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->refused |= 1u << check;
	watch_report(w, INCIDENT_CHECK_REFUSED, "", "%s", text);
}

void watch_answered(struct watcher *w, enum check check)
{
	w->refused &= ~(1u << check);
	if (w->refused == 0)
		watch_clear(w, INCIDENT_CHECK_REFUSED, "the check was made");
}
