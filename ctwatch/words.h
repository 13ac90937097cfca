/*
 * What is said to people about a finding, the same in every place: terminal, alert, report. Words promise no more than
 * a name can show ("resembles", "built like", "contains the name of"), and never name the actor for a name alone.
 */
#ifndef CTWATCH_WORDS_H
#define CTWATCH_WORDS_H

#include "state.h"

/* "cija-docs.com contains the name of CIJA, joined with other words by a hyphen". `name` is inserted as given: pass it defanged and escaped. malloc'd. */
char *finding_sentence(const struct finding *finding, const char *name);
/* What to do next, for the kind: two or three short sentences, NULL-terminated. */
const char *const *finding_next_steps(const struct finding *finding);
/* "combosquat" -> "the name joined with other words"; unknown ones as they are. */
const char *technique_phrase(const char *technique);
/* "in signed log" or "not yet proven to be in the signed log". */
const char *verified_phrase(bool verified, bool withdrawn);
/* "Incident ENTRIES_MISMATCH (critical) at <log>: <summary>". malloc'd. */
char *incident_sentence(const struct incident *incident);

#endif
