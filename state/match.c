/*
 * Storing a match: certificate, sighting, finding and their link, and what that means for whoever listens.
 *
 *   finding 1 --- * link * --- 1 certificate 1 --- * sighting (log, index)
 *                                            1 --- 2 leaf
 *
 * Counts in the rows are exact also where rows are no longer kept: a sighting counts for its certificate once, a certificate
 * brings its sightings into each finding that links it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"
#include "json.h"
#include "sql.h"

/* Severity of DESIGN.md 5.2: low, medium from 60, high from 75, critical from 90. */
static int rank_of(int score)
{
	return score >= 90 ? 3 : score >= 75 ? 2 : score >= 60 ? 1 : 0;
}

#define LEAN_NAMES_MAX 1024

/* What one call is about and what it found out on the way. */
struct adding {
	struct state *st;
	const struct state_match *match;
	const struct state_certificate *certificate;
	const struct state_sighting *sighting;
	int64_t now_ms;

	int64_t log_no;
	int64_t certificate_no, sighting_count;
	bool certificate_is_new;
	int64_t finding_no;
	struct finding finding;            /* as it was before, when known */
	bool known, new_sighting, new_link, rescored, replaced;
	bool only_counted;                 /* past STATE_CERTIFICATES_MAX */
	bool refused;                      /* past what the log may bring in a day */
	struct state_certificate lean_certificate;   /* what is kept when the log has no budget left for more */
	struct state_sighting lean_sighting;
};

/* ---- the certificate -------------------------------------------------------------------------------- */

/* Only as a whole: half a certificate is none. */
static struct param der_of(const struct state_certificate *c)
{
	return c->der.len > 0 && c->der.len <= STATE_DER_MAX && c->too_large_bytes == 0 ? BLOB(c->der) : NONE;
}

static struct param too_large_bytes_of(const struct state_certificate *c)
{
	uint64_t len = c->too_large_bytes > 0 ? c->too_large_bytes : c->der.len;

	return len > STATE_DER_MAX ? INT(len) : NONE;
}

static bool put_certificate(struct adding *a, const char *names, uint64_t n_names, struct error *err)
{
	const struct state_certificate *c = a->certificate;

	if (!RUN(a->st, SQL_CERTIFICATE_PUT, err, HASH(&c->tbs_sha256), HASH(&c->sha256), INT(c->precert), der_of(c), INT(c->der_is_tbs), TEXT(c->issuer),
		 TEXT(c->subject), TEXT(c->serial), INT(c->not_before_ms), INT(c->not_after_ms), TEXT(names), TEXT(c->note), INT(a->now_ms), INT(n_names),
		 too_large_bytes_of(c)))
		return false;
	a->certificate_no = sql_last_key(a->st);
	a->certificate_is_new = true;
	return true;
}

static bool make_final(struct adding *a, const char *names, uint64_t n_names, struct error *err)
{
	const struct state_certificate *c = a->certificate;

	return RUN(a->st, SQL_CERTIFICATE_FINAL, err, INT(a->certificate_no), HASH(&c->sha256), der_of(c), INT(c->der_is_tbs), TEXT(c->issuer),
		   TEXT(c->subject), TEXT(c->serial), INT(c->not_before_ms), INT(c->not_after_ms), TEXT(names), TEXT(c->note), INT(n_names),
		   too_large_bytes_of(c));
}

/* Finds or stores it. The final certificate takes the place of its precertificate. */
static bool store_certificate(struct adding *a, bool *last_was_this, struct error *err)
{
	struct rows rows = ROWS(a->st, SQL_CERTIFICATE_GET, HASH(&a->certificate->tbs_sha256));
	bool found = rows_next(&rows), was_precert = false;
	uint64_t n_names;

	*last_was_this = false;
	if (found) {
		a->certificate_no = rows_int(&rows, 0);
		was_precert = rows_int(&rows, 1) != 0;
		a->sighting_count = rows_int(&rows, 2);
		*last_was_this = !rows_null(&rows, 3) && rows_int(&rows, 3) == a->log_no && rows_int(&rows, 4) == (int64_t)a->sighting->index;
	}
	if (!rows_close(&rows, err))
		return false;
	if (found && (!was_precert || a->certificate->precert))
		return true;
	char *names = names_to_store(a->certificate->names_json, &n_names);
	if (a->certificate->names_total > n_names)
		n_names = a->certificate->names_total;
	bool ok = found ? make_final(a, names, n_names, err) : put_certificate(a, names, n_names, err);

	free(names);
	return ok;
}

/* ---- the sighting ------------------------------------------------------------------------------------- */

static bool put_leaf(struct adding *a, struct error *err)
{
	const struct state_sighting *s = a->sighting;

	if (a->sighting_count >= STATE_LEAVES_MAX || s->leaf.len == 0 || s->leaf.len > STATE_DER_MAX)
		return true;
	return RUN(a->st, SQL_LEAF_PUT, err, INT(a->log_no), INT(s->index), INT(a->certificate_no), BLOB(s->leaf),
		   s->extra.len <= STATE_DER_MAX ? BLOB(s->extra) : NONE);
}

/* A sighting that is known, read again: the leaf may be another one now, of the same certificate. */
static bool see_again(struct adding *a, struct error *err)
{
	const struct state_sighting *s = a->sighting;

	if (!RUN(a->st, SQL_SIGHTING_AGAIN, err, INT(a->log_no), INT(s->index), INT(a->certificate_no), HASH(&s->leaf_hash), INT(s->timestamp_ms),
		 INT(LEAF_FITS)))
		return false;
	return sql_changes(a->st) == 0 || s->leaf.len == 0 || s->leaf.len > STATE_DER_MAX ||
	       RUN(a->st, SQL_LEAF_REPLACE, err, INT(a->log_no), INT(s->index), INT(a->certificate_no), BLOB(s->leaf),
		   s->extra.len <= STATE_DER_MAX ? BLOB(s->extra) : NONE);
}

/* A sighting that is known may have become verified since. */
static bool confirm_sighting(struct adding *a, struct error *err)
{
	const struct state_sighting *s = a->sighting;

	if (s->in_ranges && !see_again(a, err))
		return false;
	if (!s->verified)
		return true;
	if (!RUN(a->st, SQL_SIGHTING_CONFIRM, err, INT(a->log_no), INT(a->sighting->index), INT(a->certificate_no)))
		return false;
	return sql_changes(a->st) == 0 || RUN(a->st, SQL_FINDING_VERIFY, err, INT(a->certificate_no));
}

static bool store_sighting(struct adding *a, bool last_was_this, struct error *err)
{
	const struct state_sighting *s = a->sighting;

	if (a->sighting_count >= STATE_SIGHTINGS_MAX) {
		int64_t known = 0;

		if (!ONE_INT(a->st, SQL_SIGHTING_HAS, &known, NULL, err, INT(a->log_no), INT(s->index), INT(a->certificate_no)))
			return false;
		/* one entry may match several rules: it is counted once */
		a->new_sighting = known == 0 && !last_was_this;
	} else {
		if (!RUN(a->st, SQL_SIGHTING_PUT, err, INT(a->log_no), INT(s->index), INT(a->certificate_no), INT(s->timestamp_ms), INT(s->verified),
			 HASH(&s->leaf_hash), INT(s->in_ranges ? LEAF_FITS : LEAF_UNKNOWN)))
			return false;
		a->new_sighting = sql_changes(a->st) > 0;
	}
	if (!a->new_sighting)
		return confirm_sighting(a, err);
	if (!put_leaf(a, err))
		return false;
	a->sighting_count++;
	return RUN(a->st, SQL_CERTIFICATE_SEEN, err, INT(a->certificate_no), INT(a->log_no), INT(s->index)) &&
	       (a->certificate_is_new ||
		RUN(a->st, SQL_CERTIFICATE_FINDINGS_SEEN, err, INT(a->certificate_no), INT(a->now_ms), INT(s->timestamp_ms), INT(s->verified)));
}

/* ---- the finding ---------------------------------------------------------------------------------------- */

static bool load_finding(struct adding *a, struct error *err)
{
	char id[FINDING_ID_LEN + 1];

	finding_id(a->match->rule, a->match->registrable_domain, id);
	struct rows rows = ROWS(a->st, SQL_FINDING_GET, TEXT(id));
	if (rows_next(&rows)) {
		a->known = true;
		finding_read(&rows, &a->finding, &a->finding_no);
	}
	return rows_close(&rows, err);
}

static bool put_finding(struct adding *a, struct error *err)
{
	const struct state_match *m = a->match;
	char id[FINDING_ID_LEN + 1], *evidence = evidence_to_json(m->evidence, m->n_evidence);

	finding_id(m->rule, m->registrable_domain, id);
	bool ok = RUN(a->st, SQL_FINDING_PUT, err, TEXT(id), TEXT(m->rule), TEXT(m->kind), TEXT(m->brand), TEXT(m->technique), TEXT(m->name),
		      TEXT(m->registrable_domain), INT(m->score), INT(m->min_score), INT(m->score >= m->min_score), INT(a->sighting->verified),
		      INT(m->found_by_change), TEXT(evidence), TEXT(m->ruleset_id), INT(a->now_ms), INT(a->sighting->timestamp_ms));
	free(evidence);
	a->finding_no = sql_last_key(a->st);
	return ok;
}

static bool join_certificate(struct adding *a, struct error *err)
{
	if (!RUN(a->st, SQL_LINK_PUT, err, INT(a->finding_no), INT(a->certificate_no)))
		return false;
	a->new_link = sql_changes(a->st) > 0;
	return !a->new_link || RUN(a->st, SQL_FINDING_JOIN, err, INT(a->finding_no), INT(a->sighting_count), INT(a->now_ms),
				   INT(a->sighting->timestamp_ms), INT(a->sighting->verified));
}

/* A dismissed finding whose severity rises is worth a look again; the triage history says why. */
static bool reopen(struct adding *a, struct error *err)
{
	char why[160];

	snprintf(why, sizeof(why), "score rose from %d to %d after it was dismissed", a->finding.score, a->match->score);
	return RUN(a->st, SQL_FINDING_STATUS, err, INT(a->finding_no), TEXT("new"), NONE) &&
	       RUN(a->st, SQL_TRIAGE_PUT, err, INT(a->finding_no), TEXT("new"), TEXT("ctwatch"), TEXT(why), INT(a->now_ms));
}

/*
 * A better score brings its name and evidence along; the same or a lower one changes nothing, whatever the rules say today. A finding
 * that was flagged stays so: min_score only goes down.
 */
static bool rescore(struct adding *a, struct error *err)
{
	const struct state_match *m = a->match;
	const struct finding *old = &a->finding;
	int score = m->score > old->score ? m->score : old->score;
	int min_score = m->min_score < old->min_score ? m->min_score : old->min_score;
	bool flagged = old->flagged || m->score >= m->min_score;

	a->replaced = m->score > old->score;
	a->rescored = rank_of(score) > rank_of(old->score) || (flagged && !old->flagged);
	if (a->replaced) {
		char *evidence = evidence_to_json(m->evidence, m->n_evidence);
		bool ok = RUN(a->st, SQL_FINDING_RESCORE, err, INT(a->finding_no), TEXT(m->brand), TEXT(m->technique), TEXT(m->name), INT(m->score),
			      TEXT(evidence), TEXT(m->ruleset_id), INT(a->certificate_no));
		free(evidence);
		if (!ok)
			return false;
	}
	if (flagged != old->flagged && !RUN(a->st, SQL_FINDING_FLAG, err, INT(a->finding_no), INT(flagged), INT(min_score)))
		return false;
	if (old->quiet && rank_of(score) > rank_of(old->score))
		return reopen(a, err);
	return true;
}

/* Past the ceiling a certificate is neither stored nor linked: the finding's numbers go on. */
static bool count_only(struct adding *a, struct error *err)
{
	int64_t linked = 0;

	if (!a->known || a->finding.certificate_count < STATE_CERTIFICATES_MAX)
		return true;
	if (!ONE_INT(a->st, SQL_LINK_HAS, &linked, NULL, err, INT(a->finding_no), HASH(&a->certificate->tbs_sha256)))
		return false;
	if (linked != 0)
		return true;
	a->only_counted = true;
	return RUN(a->st, SQL_FINDING_JOIN, err, INT(a->finding_no), INT(1), INT(a->now_ms), INT(a->sighting->timestamp_ms), INT(0));
}

/* A log that floods us: its certificates are kept without bytes, and in the end its findings only counted. */
static bool fit_quota(struct adding *a, struct error *err)
{
	bool findings_left = true, bytes_left = true;

	if ((!a->known && !quota_left(a->st, a->log_no, QUOTA_FINDINGS, a->now_ms, &findings_left, err)) ||
	    !quota_left(a->st, a->log_no, QUOTA_STORED, a->now_ms, &bytes_left, err))
		return false;
	if (!findings_left) {
		a->refused = true;
		return quota_exceed(a->st, a->log_no, QUOTA_FINDINGS, a->now_ms, err);
	}
	if (bytes_left)
		return true;
	a->lean_certificate = *a->certificate;
	a->lean_certificate.der = (struct slice){ 0 };
	a->lean_certificate.note = "not kept whole: its log is over its budget";
	if (a->certificate->names_json != NULL && strlen(a->certificate->names_json) > LEAN_NAMES_MAX)
		a->lean_certificate.names_json = NULL;
	a->lean_sighting = *a->sighting;
	a->lean_sighting.leaf = a->lean_sighting.extra = (struct slice){ 0 };
	a->certificate = &a->lean_certificate;
	a->sighting = &a->lean_sighting;
	return quota_exceed(a->st, a->log_no, QUOTA_STORED, a->now_ms, err);
}

/* What is new was paid for by the log that brought it. */
static bool pay(struct adding *a, struct error *err)
{
	uint64_t n_bytes = a->certificate_is_new ? a->certificate->der.len : 0;

	if (a->new_sighting)
		n_bytes += a->sighting->leaf.len + a->sighting->extra.len;
	return (!a->certificate_is_new && !a->new_sighting) ||
	       (quota_spend(a->st, a->log_no, QUOTA_STORED, n_bytes, a->now_ms, err) &&
		(a->known || quota_spend(a->st, a->log_no, QUOTA_FINDINGS, 0, a->now_ms, err)));
}

static bool store_all(struct adding *a, struct error *err)
{
	bool last_was_this;
	uint64_t dropped = 0;

	if (!log_number(a->st, &a->sighting->log_id, &a->log_no, err) || !load_finding(a, err) || !count_only(a, err))
		return false;
	if (a->only_counted)
		return rescore(a, err);
	if (!fit_quota(a, err))
		return false;
	if (a->refused)
		return true;
	if (!store_certificate(a, &last_was_this, err) || !store_sighting(a, last_was_this, err))
		return false;
	if (!a->known && (!put_finding(a, err) || !RUN(a->st, SQL_FINDING_BEST, err, INT(a->finding_no), INT(a->certificate_no))))
		return false;
	if (!join_certificate(a, err) || (a->known && !rescore(a, err)) || !pay(a, err))
		return false;
	if ((a->new_link || a->replaced) && !RUN(a->st, SQL_LINK_NAME, err, INT(a->finding_no), INT(a->certificate_no), TEXT(a->match->name)))
		return false;
	return !a->new_link || a->finding.certificate_count < STATE_CERTIFICATES_KEPT ||
	       thin_certificates(a->st, a->finding_no, STATE_CERTIFICATES_KEPT, &dropped, err);
}

/* ---- telling ---------------------------------------------------------------------------------------------- */

static enum finding_change change_of(const struct adding *a)
{
	if (a->refused)
		return FINDING_UNCHANGED;
	if (!a->known)
		return FINDING_NEW;
	if (a->rescored)
		return FINDING_RESCORED;
	return a->new_link ? FINDING_NEW_CERTIFICATE : FINDING_UNCHANGED;
}

/*
 * What is told within the log's budget. A finding that was withheld for the flood of another log is told as new when this one has it
 * as well; what this one has too much of is withheld.
 */
static bool within_quota(struct adding *a, enum finding_change *change, struct error *err)
{
	int64_t withheld = 0;
	bool left;

	if (a->refused || a->st->router == NULL ||
	    (a->known && !a->finding.quiet && !ONE_INT(a->st, SQL_WITHHELD_HAS, &withheld, NULL, err, INT(a->finding_no))))
		return a->refused || a->st->router == NULL;
	if (*change == FINDING_UNCHANGED && withheld == 0)
		return true;
	if (!quota_left(a->st, a->log_no, QUOTA_ALERTS, a->now_ms, &left, err))
		return false;
	if (left && withheld != 0 && !RUN(a->st, SQL_WITHHELD_DELETE, err, INT(a->finding_no)))
		return false;
	if (left) {
		*change = withheld != 0 ? FINDING_NEW : *change;
		return quota_spend(a->st, a->log_no, QUOTA_ALERTS, 0, a->now_ms, err);
	}
	bool news = *change != FINDING_UNCHANGED;
	bool severe = *change == FINDING_NEW || *change == FINDING_RESCORED;
	*change = FINDING_UNCHANGED;
	return !news || (quota_exceed(a->st, a->log_no, QUOTA_ALERTS, a->now_ms, err) &&
			 (!severe || RUN(a->st, SQL_WITHHELD_PUT, err, INT(a->finding_no))));
}

static bool tell(struct adding *a, enum finding_change change, struct error *err)
{
	static const enum event_type events[] = {
		[FINDING_NEW] = EVENT_FINDING,
		[FINDING_RESCORED] = EVENT_FINDING_RESCORED,
		[FINDING_NEW_CERTIFICATE] = EVENT_FINDING_NEW_CERTIFICATE,
	};
	char hex[2 * HASH_LEN + 1], id[FINDING_ID_LEN + 1];
	struct finding now;

	if (!within_quota(a, &change, err))
		return false;
	if (change == FINDING_UNCHANGED || a->st->router == NULL)
		return true;
	finding_id(a->match->rule, a->match->registrable_domain, id);
	if (!state_get_finding(a->st, id, &now, err))
		return false;
	hex_encode(a->certificate->tbs_sha256.bytes, HASH_LEN, hex);
	struct state_event event = {
		.type = events[change],
		.finding = &now,
		.subject = now.id,
		.certificate = change == FINDING_NEW_CERTIFICATE ? hex : NULL,
		.seen_in = hex,
	};
	bool ok = now.quiet || route_event(a->st, &event, a->now_ms, err);

	finding_deinit(&now);
	return ok;
}

bool state_add_match(struct state *st, const struct state_match *match, const struct state_certificate *certificate,
		     const struct state_sighting *sighting, int64_t now_ms, enum finding_change *change, struct error *err)
{
	struct adding a = { .st = st, .match = match, .certificate = certificate, .sighting = sighting, .now_ms = now_ms };

	if (!check_size(sighting->index, "entry index", err) || !state_begin(st, err))
		return false;
	bool ok = store_all(&a, err);
	enum finding_change result = change_of(&a);

	ok = ok && tell(&a, result, err);
	finding_deinit(&a.finding);
	if (!state_end(st, ok, err))
		return false;
	if (change != NULL)
		*change = result;
	return true;
}
