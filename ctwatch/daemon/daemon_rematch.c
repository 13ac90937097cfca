/*
 * After a rule change: what do the new rules find among the certificates that are kept? Found things are marked as found by
 * the change; old findings are never rewritten. On the store's thread, with a reference to the rules of its own.
 */
#include "daemon_private.h"

#include <inttypes.h>
#include <stdlib.h>

struct rematch {
	struct daemon *d;
	struct rules_ref *rules;
	struct rule_scratch *scratch;
	struct cert_names names;
	struct match_list matches;
	int64_t now_ms;
	uint64_t n_certificates, n_new;
	struct state *st;
	struct error *err;
	bool failed;
};

static bool first_sighting(void *ctx, const struct state_sighting *sighting)
{
	struct state_sighting *out = ctx;

	*out = *sighting;
	out->leaf = out->extra = (struct slice){ 0 };     /* kept already */
	return false;
}

static bool store_match(struct rematch *r, const struct match *m, const struct state_certificate *certificate, const struct state_sighting *sighting)
{
	struct state_evidence evidence[64];
	size_t n = m->n_evidence < ARRAY_LEN(evidence) ? m->n_evidence : ARRAY_LEN(evidence);
	enum finding_change change;

	for (size_t k = 0; k < n; k++)
		evidence[k] = (struct state_evidence){ m->evidence[k].signal, m->evidence[k].detail, m->evidence[k].points, m->evidence[k].span_start,
						       m->evidence[k].span_end };
	struct state_match match = {
		.rule = m->rule,
		.kind = finding_kind_name(m->kind),
		.brand = m->brand,
		.technique = m->technique,
		.name = m->name,
		.registrable_domain = m->registrable_domain,
		.score = m->score,
		.min_score = m->min_score,
		.evidence = evidence,
		.n_evidence = n,
		.ruleset_id = ruleset_id(rules_ref_set(r->rules)),
		.found_by_change = true,
	};
	if (!state_add_match(r->st, &match, certificate, sighting, r->now_ms, &change, r->err))
		return false;
	r->n_new += change == FINDING_NEW;
	return true;
}

static bool is_known(struct rematch *r, const struct match *m)
{
	char id[FINDING_ID_LEN + 1];
	struct finding finding;
	struct error ignored;

	finding_id(m->rule, m->registrable_domain, id);
	if (!state_get_finding(r->st, id, &finding, &ignored))
		return false;
	finding_deinit(&finding);
	return true;
}

static bool rematch_certificate(void *ctx, const struct state_certificate *certificate)
{
	struct rematch *r = ctx;
	struct cert_view view;
	struct error ignored;
	struct state_sighting sighting = { 0 };

	r->n_certificates++;
	if (certificate->der.len == 0 || !(certificate->der_is_tbs ? cert_scan_tbs(certificate->der, &view, &ignored) :
								     cert_scan(certificate->der, &view, &ignored)))
		return true;
	names_clear(&r->names);
	struct rule_subject subject = { .issuer_org = view.issuer_org, .issuer = view.issuer, .names = &r->names };
	subject.names_incomplete = !names_collect(&view, &r->names, &ignored) || r->names.n_unreadable > 0;
	match_list_clear(&r->matches);
	if (ruleset_match(rules_ref_set(r->rules), r->scratch, &subject, &r->matches) == 0)
		return true;
	if (!state_each_sighting(r->st, &certificate->tbs_sha256, first_sighting, &sighting, r->err))
		goto fail;
	for (size_t i = 0; i < r->matches.n; i++)
		if (!is_known(r, &r->matches.items[i]) && !store_match(r, &r->matches.items[i], certificate, &sighting))
			goto fail;
	return true;
fail:
	r->failed = true;
	return false;
}

static bool rematch_job(void *ctx, struct state *st, struct error *err)
{
	struct rematch *r = ctx;

	r->st = st;
	r->err = err;
	r->failed = false;
	r->n_certificates = r->n_new = 0;
	return state_each_certificate(st, NULL, rematch_certificate, r, err) && !r->failed;
}

static void on_rematched(void *ctx, bool ok, const struct error *err)
{
	struct rematch *r = ctx;

	if (ok)
		diag(r->d->options->diag, DIAG_NOTICE, "rules", NULL, "%" PRIu64 " kept certificate%s looked at again, %" PRIu64 " new finding%s by the change of rules",
		     r->n_certificates, r->n_certificates == 1 ? "" : "s", r->n_new, r->n_new == 1 ? "" : "s");
	else
		diag(r->d->options->diag, DIAG_WARNING, "rules", NULL, "kept certificates could not be looked at again: %s", err->text);
	rule_scratch_free(r->scratch);
	names_deinit(&r->names);
	match_list_deinit(&r->matches);
	rules_ref_put(r->rules);
	free(r);
}

void daemon_rematch(struct daemon *d)
{
	struct rematch *r = xcalloc(1, sizeof(*r));

	r->d = d;
	r->rules = rules_ref_get(pool_rules(d->pool));
	r->scratch = rule_scratch_new();
	names_init(&r->names);
	match_list_init(&r->matches);
	r->now_ms = daemon_now(d);
	store_submit(d->store, rematch_job, on_rematched, r);
}
