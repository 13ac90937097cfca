/* Candidates: what an engine says of one name, in fixed arrays, before anything is allocated. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

struct candidate *candidate_set_add(struct candidate_set *set, uint32_t rule, int score)
{
	struct candidate *weakest = NULL, *found = NULL;

	for (size_t i = 0; i < set->n; i++) {
		struct candidate *c = &set->items[i];

		if (c->rule == rule) {
			if (c->score >= score)
				return NULL;
			found = c;
			break;
		}
		if (!weakest || c->score < weakest->score || (c->score == weakest->score && c->rule > weakest->rule))
			weakest = c;
	}
	if (!found && set->n < CANDIDATES_MAX)
		found = &set->items[set->n++];
	if (!found) {
		if (score < weakest->score || (score == weakest->score && rule > weakest->rule))
			return NULL;
		found = weakest;
	}
	found->rule = rule;
	found->technique = NULL;
	found->digest = false;
	found->score = 0;
	found->n_rows = 0;
	return found;
}

void candidate_row(struct candidate *c, const char *signal, int points, int span_start, int span_end, const char *format, ...)
{
	c->score += points;
	if (c->n_rows == CANDIDATE_ROWS_MAX) {
		c->rows[CANDIDATE_ROWS_MAX - 1].points += points;
		return;
	}

	struct candidate_row *row = &c->rows[c->n_rows++];
	va_list args;

	snprintf(row->signal, sizeof(row->signal), "%s", signal);
	row->points = points;
	row->span_start = span_start;
	row->span_end = span_end;
	va_start(args, format);
	vsnprintf(row->detail, sizeof(row->detail), format, args);
	va_end(args);
}

void candidate_clamp(struct candidate *c, int low, int high)
{
	int score = c->score;

	if (score > high)
		candidate_row(c, "CLAMP", high - score, -1, -1, "the sum of %d is limited to %d", score, high);
	else if (score < low)
		candidate_row(c, "CLAMP", low - score, -1, -1, "the sum of %d is raised to %d", score, low);
}
