/* What one engine's score takes from elsewhere: suppression and modifiers. `check` shows the same rows. */
#include "ruleset.h"

#include <string.h>

struct slice name_without_star(struct slice name, bool *wildcard)
{
	*wildcard = name.len > 2 && name.data[0] == '*' && name.data[1] == '.';
	return *wildcard ? slice_sub(name, 2, name.len) : name;
}

const struct domain_entry *hits_suppress(const struct domain_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (hits[i].entry->meaning == DOMAIN_OFFICIAL || hits[i].entry->meaning == DOMAIN_ALLOW)
			return hits[i].entry;
	return NULL;
}

bool hits_exclude(const struct domain_hit *hits, size_t n, uint32_t brand)
{
	for (size_t i = 0; i < n; i++)
		if (hits[i].entry->meaning == DOMAIN_EXCLUDED && hits[i].entry->number == brand)
			return true;
	return false;
}

bool view_is_restricted(const struct name_view *view)
{
	static const char *const LABELS[] = { "gov", "mil", "edu", "int" };
	size_t first = view->registrable + 1u;
	struct slice label;

	if (!view->has_registrable || first + 2 < view->n_labels)
		return false;
	label = view_label(view, first);
	for (size_t i = 0; i < ARRAY_LEN(LABELS); i++) {
		if (!slice_equal_text(label, LABELS[i]))
			continue;
		/* .gov, or .gov.xx; but example.edu.com is somebody's */
		return first + 1 == view->n_labels || view_label(view, first + 1).len == 2;
	}
	return false;
}

void brand_modify(struct candidate *c, const struct name_view *view, bool naming_fires, bool co_san)
{
	struct name_part suffix = view->labels[view->registrable + 1];

	if (naming_fires)
		candidate_row(c, "ACTOR", POINTS_OTHER_ENGINE, -1, -1, "and the name is built the way an actor of the packs builds names");
	if (view_is_restricted(view))
		candidate_row(c, "RESTRICTED", POINTS_RESTRICTED, suffix.start, (int)view->name.len, "only public bodies and schools can register here");
	if (co_san)
		candidate_row(c, "CO-SAN", POINTS_CO_SAN, -1, -1, "an official domain of the brand is in the same certificate: one party controls both");
	if (c->digest && c->score >= SCORE_MEDIUM)
		candidate_row(c, "DIGEST", SCORE_MEDIUM - 1 - c->score, -1, -1, "the brand file keeps this technique below flagging");
	candidate_clamp(c, 0, 100);
}

void naming_modify(struct candidate *c, bool brand_fires)
{
	if (brand_fires)
		candidate_row(c, "BRAND", POINTS_OTHER_ENGINE, -1, -1, "and the name resembles a watched organisation");
	candidate_clamp(c, 0, 100);
}
