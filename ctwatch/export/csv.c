/* Plain CSV (RFC 4180), one row a finding. */
#include "export.h"

#include <stdlib.h>

#include "render.h"
#include "rules.h"

static bool csv_begin(struct exporter *x, struct error *err)
{
	(void)err;
	fputs("id,name,registrable_domain,kind,rule,brand,technique,score,severity,status,first_seen,last_seen,expires,certificates,evidence\r\n", x->out);
	return true;
}

static void cell(struct buf *row, const char *text)
{
	render_csv_cell(row, text != NULL ? text : "");
	buf_append_byte(row, ',');
}

static bool csv_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	char first[TIME_TEXT_LEN], last[TIME_TEXT_LEN], expires[TIME_TEXT_LEN];
	struct buf row;

	(void)err;
	buf_init(&row, 1u << 20);
	cell(&row, item->id);
	cell(&row, item->finding != NULL ? item->finding->name : item->name);
	cell(&row, item->finding != NULL ? item->finding->registrable_domain : item->name);
	cell(&row, item->kind);
	cell(&row, item->rule);
	cell(&row, item->brand);
	cell(&row, item->technique);
	buf_printf(&row, "%d,%s,", item->score, severity_name(severity_of(item->score)));
	cell(&row, item->status);
	cell(&row, time_format_rfc3339(item->first_seen_ms, first));
	cell(&row, time_format_rfc3339(item->last_seen_ms, last));
	cell(&row, time_format_rfc3339(item->expires_ms, expires));
	buf_printf(&row, "%llu,", (unsigned long long)(item->finding != NULL ? item->finding->certificate_count : 0));
	render_csv_cell(&row, item->evidence_json != NULL ? item->evidence_json : "");
	buf_append_text(&row, "\r\n");
	fwrite(row.data, 1, row.len, x->out);
	buf_deinit(&row);
	return true;
}

static bool csv_end(struct exporter *x, struct error *err)
{
	(void)x, (void)err;
	return true;
}

const struct export_format export_csv = {
	.name = "csv",
	.summary = "a table for spreadsheets and scripts",
	.begin = csv_begin,
	.item = csv_item,
	.end = csv_end,
};
