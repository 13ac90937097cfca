/* What people decided about findings. */
#include <string.h>

#include "sql.h"

static const char *const ACTIONS[] = { "acknowledged", "confirmed", "dismissed", "new", "note" };

static bool check_triage(const char *action, const char *why, struct error *err)
{
	bool known = false, wants_why = strcmp(action, "dismissed") == 0 || strcmp(action, "note") == 0;

	for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++)
		known = known || strcmp(action, ACTIONS[i]) == 0;
	if (!known)
		return error_set(err, ERR_USAGE, "\"%s\" is no triage decision: acknowledged, confirmed, dismissed, new or note", action);
	if (wants_why && (why == NULL || why[0] == '\0'))
		return error_set(err, ERR_USAGE, "%s", strcmp(action, "note") == 0 ? "a note wants a text" : "a finding is dismissed for a reason: say why");
	return true;
}

static int rank_of(int score)
{
	return score >= 90 ? 3 : score >= 75 ? 2 : score >= 60 ? 1 : 0;
}

/* A dismissed finding is quiet, and what waits to be told about it is not told any more. */
static bool set_status(struct state *st, int64_t no, const struct finding *f, const char *action, struct error *err)
{
	bool quiet = strcmp(action, "dismissed") == 0;

	if (strcmp(action, "note") == 0)
		return true;
	return RUN(st, SQL_FINDING_STATUS, err, INT(no), TEXT(action), quiet ? INT(rank_of(f->score)) : NONE) &&
	       (!quiet || RUN(st, SQL_OUTBOX_FORGET, err, TEXT(f->id)));
}

static bool triage(struct state *st, const char *id, const char *action, const char *who, const char *why, int64_t now_ms, struct error *err)
{
	struct finding f;
	int64_t no = 0;

	if (!state_get_finding(st, id, &f, err))
		return false;
	bool ok = ONE_INT(st, SQL_FINDING_GET, &no, NULL, err, TEXT(f.id)) && set_status(st, no, &f, action, err) &&
		  RUN(st, SQL_TRIAGE_PUT, err, INT(no), TEXT(action), TEXT(who != NULL ? who : ""), TEXT(why), INT(now_ms));

	finding_deinit(&f);
	return ok;
}

bool state_triage(struct state *st, const char *id, const char *action, const char *who, const char *why, int64_t now_ms, struct error *err)
{
	if (!check_triage(action, why, err) || !state_begin(st, err))
		return false;
	return state_end(st, triage(st, id, action, who, why, now_ms, err), err);
}

bool state_each_triage(struct state *st, const char *finding_id_or_null, int64_t since_ms, int64_t until_ms, triage_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_TRIAGE_EACH, TEXT(finding_id_or_null), INT(since_ms), INT(until_ms != 0 ? until_ms : INT64_MAX));

	while (rows_next(&rows))
		if (!fn(ctx, rows_text(&rows, 0), rows_text(&rows, 1), rows_text(&rows, 2), rows_text(&rows, 3), rows_int(&rows, 4)))
			break;
	return rows_close(&rows, err);
}
