#include "incident_class.h"

#include <string.h>

const struct incident_row INCIDENT_ROWS[N_INCIDENT_CLASSES] = {
	/*                               name                   severity   contradicts  by clock  ends */
	[INCIDENT_FORK]                = { "FORK",                "critical", true,  false, ENDS_NEVER },
	[INCIDENT_INCONSISTENT_STH]    = { "INCONSISTENT_STH",    "critical", true,  false, ENDS_NEVER },
	[INCIDENT_ENTRIES_MISMATCH]    = { "ENTRIES_MISMATCH",    "critical", true,  false, ENDS_NEVER },
	[INCIDENT_ENTRIES_FLAP]        = { "ENTRIES_FLAP",        "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_UNLOGGED_ENTRY]      = { "UNLOGGED_ENTRY",      "high",     true,  false, ENDS_NEVER },
	[INCIDENT_ROLLBACK]            = { "ROLLBACK",            "critical", true,  false, ENDS_NEVER },
	[INCIDENT_READONLY_GREW]       = { "READONLY_GREW",       "critical", true,  false, ENDS_NEVER },
	[INCIDENT_FINAL_HEAD_MISMATCH] = { "FINAL_HEAD_MISMATCH", "critical", true,  false, ENDS_NEVER },
	[INCIDENT_MMD_VIOLATION]       = { "MMD_VIOLATION",       "high",     false, false, ENDS_WITH_QUIET },
	[INCIDENT_BAD_STH_SIGNATURE]   = { "BAD_STH_SIGNATURE",   "high",     true,  false, ENDS_WITH_STATE },
	[INCIDENT_STALE_STH]           = { "STALE_STH",           "high",     false, true,  ENDS_WITH_STATE },
	[INCIDENT_FUTURE_STH]          = { "FUTURE_STH",          "medium",   false, true,  ENDS_WITH_STATE },
	[INCIDENT_STH_ORDER]           = { "STH_ORDER",           "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_TIMESTAMP_ORDER]     = { "TIMESTAMP_ORDER",     "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_MISSING_TILE]        = { "MISSING_TILE",        "high",     false, false, ENDS_WITH_STATE },
	[INCIDENT_MISSING_ENTRIES]     = { "MISSING_ENTRIES",     "high",     false, false, ENDS_WITH_STATE },
	[INCIDENT_TILE_MALFORMED]      = { "TILE_MALFORMED",      "high",     true,  false, ENDS_WITH_STATE },
	[INCIDENT_TILE_HASH_MISMATCH]  = { "TILE_HASH_MISMATCH",  "critical", true,  false, ENDS_WITH_STATE },
	[INCIDENT_LEAF_INDEX_MISMATCH] = { "LEAF_INDEX_MISMATCH", "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_ORIGIN_MISMATCH]     = { "ORIGIN_MISMATCH",     "low",      false, false, ENDS_WITH_STATE },
	[INCIDENT_NOTE_NONCONFORMING]  = { "NOTE_NONCONFORMING",  "low",      false, false, ENDS_WITH_STATE },
	[INCIDENT_WRONG_SHARD]         = { "WRONG_SHARD",         "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_MALFORMED_ENTRY]     = { "MALFORMED_ENTRY",     "high",     true,  false, ENDS_WITH_QUIET },
	[INCIDENT_UNKNOWN_ENTRY_TYPE]  = { "UNKNOWN_ENTRY_TYPE",  "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_UNPARSABLE_CERT]     = { "UNPARSABLE_CERT",     "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_ISSUER_MISSING]      = { "ISSUER_MISSING",      "medium",   false, false, ENDS_WITH_QUIET },
	[INCIDENT_OVER_BUDGET]         = { "OVER_BUDGET",         "high",     false, false, ENDS_WITH_QUIET },
	[INCIDENT_UNREACHABLE]         = { "UNREACHABLE",         "low",      false, false, ENDS_WITH_STATE, "" },
	[INCIDENT_UNREACHABLE_DAY]     = { "UNREACHABLE",         "high",     false, false, ENDS_WITH_STATE, "day" },
	[INCIDENT_CHECK_REFUSED]       = { "CHECK_REFUSED",       "high",     false, false, ENDS_WITH_STATE },
	[INCIDENT_VERIFICATION_STALLED] = { "VERIFICATION_STALLED", "high",   false, false, ENDS_WITH_STATE },
	[INCIDENT_STATE_DAMAGED]       = { "STATE_DAMAGED",       "high",     false, false, ENDS_WITH_QUIET },
	[INCIDENT_BACKLOG]             = { "BACKLOG",             "high",     false, false, ENDS_WITH_STATE },
	[INCIDENT_RATE_LIMITED]        = { "RATE_LIMITED",        "medium",   false, false, ENDS_WITH_STATE },
	[INCIDENT_CLOCK_SUSPECT]       = { "CLOCK_SUSPECT",       "high",     false, false, ENDS_WITH_STATE },
};

bool incident_is(enum incident_class class, const char *name, const char *subject)
{
	const struct incident_row *row = &INCIDENT_ROWS[class];

	return strcmp(row->name, name) == 0 && (row->subject == NULL || strcmp(row->subject, subject != NULL ? subject : "") == 0);
}
