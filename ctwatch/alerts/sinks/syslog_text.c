/* See syslog_text.h. */
#include "syslog_text.h"

#include <stdlib.h>

#include "envelope_fit.h"
#include "render.h"
#include "siem.h"

#define PARAM_MAX 253

static bool put_param(struct buf *out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return true;
	char *cut = text_cut(value, PARAM_MAX);
	bool ok = buf_printf(out, " %s=\"", name) && render_syslog_param(out, cut) && buf_append_byte(out, '"');

	free(cut);
	return ok;
}

static bool put_head(struct buf *out, const struct syslog_head *head, const struct alert_item *item, bool only_id)
{
	const json_t *finding = json_object_get(item->envelope, "finding");
	char time[TIME_TEXT_LEN];

	/* 32473 is the number that RFC 5612 sets aside for examples: structured data wants one, and ours is nobody's product */
	bool ok = buf_printf(out, "<%d>1 %s %.255s ctwatch %ld %s [ctwatch@32473", head->facility * 8 + siem_syslog_severity(item),
			     time_format_rfc3339(item->created_ms, time), head->hostname, head->pid, event_name(item->event)) &&
		  put_param(out, "id", item->id);
	if (!only_id)
		ok = ok && put_param(out, "name", json_string_value(json_object_get(finding, "name"))) &&
		     put_param(out, "rule", json_string_value(json_object_get(finding, "rule"))) &&
		     put_param(out, "brand", json_string_value(json_object_get(finding, "brand")));
	return ok && buf_append_text(out, "] ");
}

static bool put_body(struct buf *out, const struct syslog_head *head, const struct delivery *delivery, size_t max)
{
	const struct alert_item *item = &delivery->items[0];

	if (head->cef)
		return siem_cef(delivery, item, max, out);
	return envelope_fit(item->envelope, 0, max, JSON_COMPACT | JSON_ENSURE_ASCII, out);
}

bool syslog_write(struct buf *out, const struct syslog_head *head, const struct delivery *delivery, size_t max_bytes)
{
	const size_t before = out->len;

	for (int only_id = 0; only_id <= 1; only_id++) {
		out->len = before;
		if (put_head(out, head, &delivery->items[0], only_id) && out->len - before < max_bytes &&
		    put_body(out, head, delivery, max_bytes - (out->len - before)))
			return true;
	}
	out->len = before;
	return false;
}
