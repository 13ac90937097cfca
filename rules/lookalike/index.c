/* The look-alike engine as the glue uses it: one name in, the strongest candidates out. */
#include "lookalike_private.h"

#include <stdlib.h>

/* A total order, so that neither the order of hits nor that of brands changes what is kept. */
static int compare_verdicts(const struct verdict *a, const struct verdict *b)
{
	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	if (a->signal != b->signal)
		return a->signal < b->signal ? -1 : 1;
	if (a->hit.from != b->hit.from)
		return a->hit.from > b->hit.from ? -1 : 1;
	if (a->hit.to != b->hit.to)
		return a->hit.to > b->hit.to ? -1 : 1;
	if (a->hit.distance != b->hit.distance)
		return a->hit.distance < b->hit.distance ? -1 : 1;
	if (a->hit.how != b->hit.how)
		return a->hit.how < b->hit.how ? -1 : 1;
	return 0;
}

static bool is_weaker(const struct verdict *a, const struct verdict *b)
{
	int order = compare_verdicts(a, b);

	return order > 0 || (order == 0 && a->brand > b->brand);
}

struct best_of {
	const struct lookalike *look;
	struct lookalike_scratch *scratch;
};

static void keep_best(void *context, const struct hit *hit)
{
	struct best_of *b = context;
	struct lookalike_scratch *scratch = b->scratch;
	struct verdict v, *slot = NULL, *weakest = NULL;

	if (!look_judge(b->look, scratch, hit, &v))
		return;
	for (unsigned i = 0; i < scratch->n_best && !slot; i++)
		if (scratch->best[i].brand == v.brand)
			slot = &scratch->best[i];
	if (!slot && scratch->n_best < BRANDS_OF_NAME_MAX) {
		scratch->best[scratch->n_best++] = v;
		return;
	}
	for (unsigned i = 0; !slot && i < scratch->n_best; i++)
		if (!weakest || is_weaker(&scratch->best[i], weakest))
			weakest = &scratch->best[i];
	if (!slot && is_weaker(weakest, &v))
		slot = weakest;
	if (slot && (slot->brand != v.brand || compare_verdicts(&v, slot) < 0))
		*slot = v;
}

void look_best(const struct lookalike *look, struct lookalike_scratch *scratch)
{
	struct best_of b = { look, scratch };

	scratch->n_best = 0;
	look_find(look, scratch, keep_best, &b);
}

/* ---- the interface ---- */

struct lookalike_scratch *lookalike_scratch_new(void)
{
	return xcalloc(1, sizeof(struct lookalike_scratch));
}

void lookalike_scratch_free(struct lookalike_scratch *scratch)
{
	free(scratch);
}

void lookalike_match(const struct lookalike *look, struct lookalike_scratch *scratch, const struct name_view *view,
		     int floor, struct candidate_set *out)
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
