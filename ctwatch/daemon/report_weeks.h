/*
 * Which weekly reports were made: a text such as "2026-W47:1763967600000 2026-W46:...", the latest first, each with the wall time
 * at which it was made. It decides what is owed even when the clock is set: no week is reported twice or left out for that.
 */
#ifndef CTWATCH_REPORT_WEEKS_H
#define CTWATCH_REPORT_WEEKS_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing is owed yet: nothing was ever reported, or only under a clock that nobody had set (1970). `weeks` may be NULL. */
bool report_week_is_first(const char *weeks, const char *week);
/* `week` is over: is its report still to be made? Yes also when a clock that was far ahead made it before the week was over. */
bool report_week_is_owed(const char *weeks, const char *week, int64_t now_ms);
/* The text with `week` in it; malloc'd. */
char *report_weeks_add(const char *weeks, const char *week, int64_t now_ms);

#endif
