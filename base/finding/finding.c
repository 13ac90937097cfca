#include "finding.h"

static const char *const KINDS[] = {
	[FINDING_INDICATOR] = "indicator", [FINDING_NAMING] = "naming", [FINDING_BRAND] = "brand",
	[FINDING_OWN] = "own",             [FINDING_WATCH] = "watch",   [FINDING_UNREADABLE] = "unreadable",
};

const char *finding_kind_name(enum finding_kind kind)
{
	return KINDS[kind];
}

bool finding_kind_parse(struct slice text, enum finding_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
		if (!slice_equal_text(text, KINDS[i]))
			continue;
		*out = (enum finding_kind)i;
		return true;
	}
	return false;
}

enum severity severity_of(int score)
{
	return (enum severity)((score >= SCORE_MEDIUM) + (score >= SCORE_HIGH) + (score >= SCORE_CRITICAL));
}

const char *severity_name(enum severity severity)
{
	static const char *const NAMES[] = { "low", "medium", "high", "critical" };

	return NAMES[severity];
}
