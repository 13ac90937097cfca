/* What tests of reports and exports share: what they write, as text, and a state with a word of every kind in it. */
#ifndef CTWATCH_TESTS_REPORT_KIT_H
#define CTWATCH_TESTS_REPORT_KIT_H

#include "export.h"
#include "report.h"
#include "temp_state.h"

/* A week that ends at TEST_NOW_MS; the defaults of an export made then. */
struct report_options week_options(void);
struct export_options now_options(void);

/* The report or export as text. malloc'd; the test fails when it cannot be made. */
char *report_text(struct state *st, const struct report_options *options, enum report_format format);
char *export_text(struct state *st, const char *format, const struct export_options *options, struct export_result *result);
/* The document; the caller owns it. */
json_t *report_document(struct state *st, const struct report_options *options);

/* Stores a finding and returns its id in `id` (may be NULL); then says `action` of it unless that is NULL. */
void add_finding(struct state *st, struct test_match match, const char *action, char id[FINDING_ID_LEN + 1]);
/* How often `what` stands in `text`. */
size_t count_text(const char *text, const char *what);

/* Text that breaks out of any medium that lets it. */
extern const char HOSTILE[];
/* Findings whose every field is hostile, one kind each, an incident, a log and an alert that failed. */
void add_hostile(struct state *st);

#endif
