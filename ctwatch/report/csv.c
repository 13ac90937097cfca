/* The report as CSV: every finding of the range, dismissed ones too, streamed. */
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "report.h"
#include "rules.h"

struct writing {
	FILE *out;
};

static void cell(struct buf *row, const char *text, char end)
{
	render_csv_cell(row, text != NULL ? text : "");
	buf_append_byte(row, (uint8_t)end);
}

static bool write_row(void *ctx, const struct finding *finding)
{
	struct writing *writing = ctx;
	char first[TIME_TEXT_LEN], last[TIME_TEXT_LEN];
	struct buf row;

	buf_init(&row, 1u << 20);
	cell(&row, finding->id, ',');
	cell(&row, finding->name, ',');
	cell(&row, finding->registrable_domain, ',');
	cell(&row, finding->kind, ',');
	cell(&row, finding->rule, ',');
	cell(&row, finding->brand, ',');
	cell(&row, finding->technique, ',');
	buf_printf(&row, "%d,%s,", finding->score, severity_name(severity_of(finding->score)));
	cell(&row, finding->status, ',');
	cell(&row, finding->verified ? "yes" : "no", ',');
	cell(&row, time_format_rfc3339(finding->first_seen_ms, first), ',');
	cell(&row, time_format_rfc3339(finding->last_seen_ms, last), ',');
	buf_printf(&row, "%llu,%llu\r\n", (unsigned long long)finding->certificate_count, (unsigned long long)finding->sighting_count);
	bool ok = fwrite(row.data, 1, row.len, writing->out) == row.len;
	buf_deinit(&row);
	return ok;
}

bool report_csv(struct state *st, const struct report_options *options, FILE *out, struct error *err)
{
	struct finding_filter filter = { .since_ms = options->since_ms, .until_ms = options->until_ms };
	struct writing writing = { out };

	fputs("id,name,registrable_domain,kind,rule,brand,technique,score,severity,status,in_signed_log,first_seen,last_seen,certificates,sightings\r\n", out);
	if (!state_each_finding(st, &filter, write_row, &writing, err))
		return false;
	if (fflush(out) != 0 || ferror(out))
		return error_set(err, ERR_NO_SPACE, "the report cannot be written");
	return true;
}
