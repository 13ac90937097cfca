/* Findings as they are read: filters, prefixes of ids, certificates and sightings. */
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define PREFIX_MIN 4

void finding_id(const char *rule, const char *registrable_domain, char out[FINDING_ID_LEN + 1])
{
	/* the NUL between them belongs to the key */
	const struct slice parts[] = { { (const uint8_t *)rule, strlen(rule) + 1 }, slice_text(registrable_domain) };

	id_of(parts, ARRAY_LEN(parts), out);
}

void finding_deinit(struct finding *f)
{
	char *texts[] = { f->rule, f->kind, f->brand, f->technique, f->name, f->registrable_domain, f->status, f->evidence_json, f->ruleset_id };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*f = (struct finding){ 0 };
}

/* Texts borrow from the row. */
static struct finding view_finding(const struct rows *rows)
{
	struct finding f = {
		.rule = (char *)rows_text(rows, 2),
		.kind = (char *)rows_text(rows, 3),
		.brand = (char *)rows_text(rows, 4),
		.technique = (char *)rows_text(rows, 5),
		.name = (char *)rows_text(rows, 6),
		.registrable_domain = (char *)rows_text(rows, 7),
		.score = (int)rows_int(rows, 8),
		.min_score = (int)rows_int(rows, 9),
		.flagged = rows_int(rows, 10) != 0,
		.verified = rows_int(rows, 11) != 0,
		.found_by_change = rows_int(rows, 12) != 0,
		.status = (char *)rows_text(rows, 13),
		.quiet = !rows_null(rows, 14),
		.evidence_json = (char *)rows_text(rows, 15),
		.ruleset_id = (char *)rows_text(rows, 16),
		.first_seen_ms = rows_int(rows, 17),
		.last_seen_ms = rows_int(rows, 18),
		.first_logged_ms = rows_int(rows, 19),
		.certificate_count = (uint64_t)rows_int(rows, 20),
		.sighting_count = (uint64_t)rows_int(rows, 21),
		.withdrawn = rows_int(rows, 22) != 0,
	};
	const char *id = rows_text(rows, 1);

	memcpy(f.id, id, strnlen(id, FINDING_ID_LEN));
	return f;
}

static char *dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

void finding_read(const struct rows *rows, struct finding *out, int64_t *number)
{
	struct finding f = view_finding(rows);

	if (number != NULL)
		*number = rows_int(rows, 0);
	f.rule = dup_or_null(f.rule);
	f.kind = dup_or_null(f.kind);
	f.brand = dup_or_null(f.brand);
	f.technique = dup_or_null(f.technique);
	f.name = dup_or_null(f.name);
	f.registrable_domain = dup_or_null(f.registrable_domain);
	f.status = dup_or_null(f.status);
	f.evidence_json = dup_or_null(f.evidence_json);
	f.ruleset_id = dup_or_null(f.ruleset_id);
	*out = f;
}

bool state_each_finding(struct state *st, const struct finding_filter *filter, finding_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_FINDING_EACH, TEXT(filter->rule), TEXT(filter->kind), TEXT(filter->brand), TEXT(filter->status),
				INT(filter->since_ms != 0 ? filter->since_ms : INT64_MIN), INT(filter->until_ms != 0 ? filter->until_ms : INT64_MAX),
				INT(filter->min_score), INT(filter->all), INT(filter->exclude_dismissed), TEXT(filter->after_id),
				INT(filter->limit > 0 && filter->limit < INT64_MAX ? (int64_t)filter->limit : INT64_MAX));

	while (rows_next(&rows)) {
		struct finding f = view_finding(&rows);

		if (!fn(ctx, &f))
			break;
	}
	return rows_close(&rows, err);
}

/* "k3vq" up to the whole id; what could not be an id finds nothing. */
static bool check_prefix(const char *id, struct error *err)
{
	size_t len = strlen(id);

	if (len < PREFIX_MIN)
		return error_set(err, ERR_USAGE, "give at least %d characters of the finding's id", PREFIX_MIN);
	if (len > FINDING_ID_LEN || strspn(id, "abcdefghijklmnopqrstuvwxyz234567") != len) {
		char shown[80];

		return error_set(err, ERR_USAGE, "there is no finding %s", text_escape(slice_text(id), shown, sizeof(shown)));
	}
	return true;
}

bool state_get_finding(struct state *st, const char *id, struct finding *out, struct error *err)
{
	struct finding first;
	size_t n = 0;

	if (!check_prefix(id, err))
		return false;
	char *beyond = xasprintf("%s~", id);
	struct rows rows = ROWS(st, SQL_FINDING_PREFIX, TEXT(id), TEXT(beyond));
	while (rows_next(&rows))
		if (n++ == 0)
			finding_read(&rows, &first, NULL);
	bool ok = rows_close(&rows, err);

	free(beyond);
	if (ok && n == 1) {
		*out = first;
		return true;
	}
	if (n > 0)
		finding_deinit(&first);
	if (!ok)
		return false;
	if (n == 0)
		return error_set(err, ERR_USAGE, "there is no finding %s", id);
	return error_set(err, ERR_USAGE, "several findings begin with %s; give more of the id", id);
}

static struct state_certificate view_certificate(const struct rows *rows)
{
	struct state_certificate c = {
		.precert = rows_int(rows, 2) != 0,
		.der = rows_blob(rows, 3),
		.der_is_tbs = rows_int(rows, 4) != 0,
		.issuer = rows_text(rows, 5),
		.subject = rows_text(rows, 6),
		.serial = rows_text(rows, 7),
		.not_before_ms = rows_int(rows, 8),
		.not_after_ms = rows_int(rows, 9),
		.names_json = rows_text(rows, 10),
		.note = rows_text(rows, 11),
		.names_total = (uint64_t)rows_int(rows, 12),
		.too_large_bytes = (uint64_t)rows_int(rows, 13),
	};

	rows_hash(rows, 0, &c.tbs_sha256);
	rows_hash(rows, 1, &c.sha256);
	return c;
}

bool state_each_certificate(struct state *st, const char *finding_id_or_null, certificate_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = finding_id_or_null != NULL ? ROWS(st, SQL_CERTIFICATE_EACH_OF, TEXT(finding_id_or_null), INT(INT64_MAX)) :
							ROWS(st, SQL_CERTIFICATE_EACH, NOTHING);

	while (rows_next(&rows)) {
		struct state_certificate c = view_certificate(&rows);

		if (!fn(ctx, &c))
			break;
	}
	return rows_close(&rows, err);
}

bool state_each_sighting(struct state *st, const struct hash *tbs_sha256, sighting_fn *fn, void *ctx, struct error *err)
{
	int64_t no = 0;

	if (!ONE_INT(st, SQL_CERTIFICATE_GET, &no, NULL, err, HASH(tbs_sha256)))
		return false;
	struct rows rows = ROWS(st, SQL_SIGHTING_EACH, INT(no));
	while (rows_next(&rows)) {
		struct state_sighting s = {
			.index = (uint64_t)rows_int(&rows, 1),
			.timestamp_ms = rows_int(&rows, 2),
			.leaf = rows_blob(&rows, 3),
			.extra = rows_blob(&rows, 4),
			.verified = rows_int(&rows, 5) != 0,
			.withdrawn_ms = rows_int(&rows, 8),
		};

		rows_hash(&rows, 0, &s.log_id);
		if (!fn(ctx, &s))
			break;
	}
	return rows_close(&rows, err);
}
