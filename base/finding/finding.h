/*
 * The vocabulary of findings, in one place: kinds, and the one scale of scores (DESIGN.md 5.2). Names here are promises: they are in
 * JSON, in exports, in configurations and in the database.
 */
#ifndef CTWATCH_FINDING_H
#define CTWATCH_FINDING_H

#include "base.h"

enum finding_kind {
	FINDING_INDICATOR,   /* a published domain or address of the actor */
	FINDING_NAMING,      /* built the way the actor builds names */
	FINDING_BRAND,       /* passes for a watched organisation */
	FINDING_OWN,         /* an unexpected issuer for an official domain */
	FINDING_WATCH,       /* a name that the user listed (Cert Spotter's watch list) */
	FINDING_UNREADABLE,  /* an entry whose names could not be read in full; score 0 */
};
const char *finding_kind_name(enum finding_kind);                 /* "indicator", "naming", ... */
bool finding_kind_parse(struct slice text, enum finding_kind *out);

/* Scores are 0 to 100. */
#define SCORE_MEDIUM 60
#define SCORE_HIGH 75
#define SCORE_CRITICAL 90
#define SCORE_KEPT 45            /* below: not a finding */

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
enum severity severity_of(int score);
const char *severity_name(enum severity);                         /* "low", "medium", "high", "critical" */

#endif
