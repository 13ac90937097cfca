/* The look-alike engine as the glue uses it: one name in, the strongest candidates out. */
#include "lookalike.h"

#include <stdlib.h>

struct lookalike_scratch *lookalike_scratch_new(void)
{
	return xcalloc(1, sizeof(struct lookalike_scratch));
}

void lookalike_scratch_free(struct lookalike_scratch *scratch)
{
	free(scratch);
}

void lookalike_match(const struct lookalike *look, struct lookalike_scratch *scratch, const struct name_view *view, int floor,
		     struct candidate_set *out)
{
	if (!view->has_registrable || look->n_terms + look->n_officials == 0)
		return;
	look_text(look, scratch, view);
	look_best(look, scratch);
	for (unsigned i = 0; i < scratch->n_best; i++) {
		const struct verdict *v = &scratch->best[i];
		struct candidate *candidate = v->score >= floor ? candidate_set_add(out, v->brand, v->score) : NULL;

		if (candidate)
			look_evidence(look, scratch, v, candidate);
	}
}
