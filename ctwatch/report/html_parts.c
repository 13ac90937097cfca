/* Tables, bars and escaping. See html.h. */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "prose.h"
#include "render.h"

#define CELL_BYTES_MAX (1u << 20)

void html_raw(FILE *out, const char *markup)
{
	fputs(markup, out);
}

static void put(FILE *out, bool (*render)(struct buf *, const char *), const char *text)
{
	struct buf cell;

	buf_init(&cell, CELL_BYTES_MAX);
	render(&cell, text != NULL ? text : "");
	fputs(buf_text(&cell), out);
	buf_deinit(&cell);
}

void html_text(FILE *out, const char *text)
{
	put(out, render_html, text);
}

void html_name(FILE *out, const char *name)
{
	char *safe = defang(name != NULL ? name : "");

	html_text(out, safe);
	free(safe);
}

void html_prose(FILE *out, const char *sentence)
{
	char *safe = prose_defanged(sentence != NULL ? sentence : "");

	html_text(out, safe);
	free(safe);
}

void html_time(FILE *out, const char *rfc3339)
{
	if (strlen(rfc3339) >= 16)
		fprintf(out, "%.10s %.5s UTC", rfc3339, rfc3339 + 11);
	else
		html_text(out, rfc3339);
}

const char *html_class(const char *severity)
{
	static const char *const known[] = { "critical", "high", "medium" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(severity, known[i]) == 0)
			return known[i];
	return "low";
}

void html_severity(FILE *out, const char *severity)
{
	fprintf(out, "<span class=\"severity %s\">", html_class(severity));
	html_text(out, severity);
	html_raw(out, "</span>");
}

static void put_value(FILE *out, const json_t *value)
{
	char text[TIME_TEXT_LEN];

	if (json_is_string(value))
		html_prose(out, json_string_value(value));
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		html_text(out, count_format((uint64_t)json_integer_value(value), text));
	else
		html_raw(out, "&ndash;");
}

void html_member(FILE *out, const json_t *object, const char *key)
{
	put_value(out, json_object_get(object, key));
}

static void put_list(FILE *out, const json_t *list, void (*put_item)(FILE *, const char *))
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item) {
		html_raw(out, i > 0 ? ", " : "");
		put_item(out, json_string_value(item));
	}
	if (json_array_size(list) == 0)
		html_raw(out, "&ndash;");
}

static void put_cell(FILE *out, const struct html_column *column, const json_t *value)
{
	const char *text = json_string_value(value);

	switch (column->type) {
	case CELL_NAME:
		html_name(out, text);
		break;
	case CELL_LIST:
		put_list(out, value, html_name);
		break;
	case CELL_WORDS:
		put_list(out, value, html_prose);
		break;
	case CELL_DAY:
		fprintf(out, "%.10s", text != NULL ? text : "\xe2\x80\x93");
		break;
	case CELL_TIME:
		html_time(out, text != NULL ? text : "\xe2\x80\x93");
		break;
	case CELL_SEVERITY:
		html_severity(out, text != NULL ? text : "");
		break;
	case CELL_CODE:
		html_raw(out, "<code>");
		html_text(out, text != NULL ? text : "\xe2\x80\x93");
		html_raw(out, "</code>");
		break;
	case CELL_ID:
		fprintf(out, "<code>%.10s</code>", text != NULL ? text : "");
		break;
	case CELL_TEXT:
		if (text == NULL || text[0] == '\0')
			put_value(out, text == NULL ? value : NULL);
		else
			html_prose(out, text);
		break;
	case CELL_COUNT:
		put_value(out, value);
		break;
	}
}

static const char *class_of(const struct html_column *column)
{
	switch (column->type) {
	case CELL_COUNT:
		return " class=\"number\"";
	case CELL_NAME:
	case CELL_LIST:
		return " class=\"name\"";
	case CELL_DAY:
	case CELL_TIME:
	case CELL_ID:
		return " class=\"day\"";
	default:
		return "";
	}
}

void html_table(FILE *out, const char *caption, const json_t *rows, const struct html_column *columns, size_t n_columns, const char *empty)
{
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0 && empty[0] == '\0')
		return;
	if (json_array_size(rows) == 0) {
		html_raw(out, "<p>");
		html_text(out, empty);
		html_raw(out, "</p>\n");
		return;
	}
	html_raw(out, "<div class=\"scroll\"><table>\n<caption>");
	html_text(out, caption);
	html_raw(out, "</caption>\n<thead><tr>");
	for (size_t c = 0; c < n_columns; c++) {
		fprintf(out, "<th scope=\"col\"%s>", columns[c].type == CELL_COUNT ? class_of(&columns[c]) : "");
		html_text(out, columns[c].title);
		html_raw(out, "</th>");
	}
	html_raw(out, "</tr></thead>\n<tbody>\n");
	json_array_foreach((json_t *)rows, i, row) {
		html_raw(out, "<tr>");
		for (size_t c = 0; c < n_columns; c++) {
			fprintf(out, "<td%s>", class_of(&columns[c]));
			put_cell(out, &columns[c], json_object_get(row, columns[c].key));
			html_raw(out, "</td>");
		}
		html_raw(out, "</tr>\n");
	}
	html_raw(out, "</tbody></table></div>\n");
}

/* ---- bars ---------------------------------------------------------------------------------------------------- */

#define CHART_WIDTH 640
#define CHART_HEIGHT 140
#define CHART_BASE 110
#define CHART_TOP 16
#define LABELS_MAX 16
#define BARS_MAX 400

static json_int_t largest(const json_t *rows, const char *key)
{
	json_int_t max = 0;
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		if (json_integer_value(json_object_get(row, key)) > max)
			max = json_integer_value(json_object_get(row, key));
	return max;
}

void html_bars(FILE *out, const char *title, const json_t *rows, const char *label_key, const char *key)
{
	size_t n = json_array_size(rows), every = (n + LABELS_MAX - 1) / LABELS_MAX;
	json_int_t max = largest(rows, key);
	char number[TIME_TEXT_LEN];
	json_t *row;
	size_t i;

	if (n == 0 || max == 0 || n > BARS_MAX)
		return;
	html_raw(out, "<figure><figcaption>");
	html_text(out, title);
	fprintf(out, "</figcaption>\n<svg role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"", CHART_WIDTH, CHART_HEIGHT);
	html_text(out, title);
	html_raw(out, "; the table below has the numbers\">\n");
	double step = (double)CHART_WIDTH / (double)n, width = step * 0.7;
	json_array_foreach((json_t *)rows, i, row) {
		json_int_t value = json_integer_value(json_object_get(row, key));
		double height = (double)(CHART_BASE - CHART_TOP) * (double)value / (double)max, x = step * (double)i + (step - width) / 2;
		const char *label = json_string_value(json_object_get(row, label_key));

		fprintf(out, "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%.10s: %s</title></rect>\n", x, CHART_BASE - height, width, height,
			label != NULL ? label : "", count_format((uint64_t)value, number));
		if (i % every == 0 && label != NULL && strlen(label) >= 10)
			fprintf(out, "<text class=\"label\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.5s</text>\n", x + width / 2, CHART_BASE + 16, label + 5);
		if (n <= LABELS_MAX)
			fprintf(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x + width / 2, CHART_BASE - height - 4,
				count_format((uint64_t)value, number));
	}
	fprintf(out, "<line class=\"axis\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n</svg></figure>\n", CHART_BASE, CHART_WIDTH, CHART_BASE);
}

const char HTML_STYLE[] =
	":root{color-scheme:light dark;--ink:#1a1d21;--soft:#545b64;--paper:#fff;--panel:#f4f5f7;--line:#d5d9de;--accent:#1f5c99;--critical:#a1001f;--high:#a33f00;"
	"--medium:#6f5300;--low:#44546a}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a6adb7;--paper:#16181c;--panel:#1f2329;--line:#3a4049;--accent:#7db4ea;--critical:#ff8a9c;"
	"--high:#ffab7a;--medium:#ecc95b;--low:#a9b8cc}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:24px;max-width:1000px;color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:28px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:36px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}\n"
	".first h2{font-size:16px;margin:20px 0 4px;border:0;padding:0}\n"
	"h3{font-size:16px;margin:20px 0 4px}p,ul{margin:8px 0}a{color:var(--accent)}\n"
	".meta{color:var(--soft);margin:0 0 20px}.logo{max-height:48px;float:right}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:16px 0}\n"
	".card{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:10px 14px;line-height:1.3}\n"
	".card b{display:block;font-size:22px}\n"
	"table{border-collapse:collapse;width:100%;font-size:14px}caption{text-align:left;color:var(--soft);padding:4px 0}\n"
	"th,td{text-align:left;vertical-align:top;padding:5px 8px;border-bottom:1px solid var(--line);overflow-wrap:break-word}.name{overflow-wrap:anywhere;min-width:20ch}.day{white-space:nowrap}\n"
	"th{color:var(--soft);font-weight:600;overflow-wrap:normal}.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto;margin:8px 0 16px}\n"
	".finding{border:1px solid var(--line);border-left:5px solid var(--low);border-radius:4px;padding:8px 14px;margin:12px 0;break-inside:avoid}\n"
	".finding.critical{border-left-color:var(--critical)}.finding.high{border-left-color:var(--high)}.finding.medium{border-left-color:var(--medium)}\n"
	".finding h3{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}.finding p{margin:8px 0 2px}\n"
	".finding ul{padding-left:20px;margin:2px 0}.facts,.evidence{font-size:13px;line-height:1.45}.facts{color:var(--soft)}\n"
	".severity{font-weight:600}.severity.critical{color:var(--critical)}.severity.high{color:var(--high)}.severity.medium{color:var(--medium)}.severity.low{color:var(--low)}\n"
	"figure{margin:16px 0}figcaption{color:var(--soft);font-size:14px}svg{width:100%;height:auto;max-width:720px}.bar{fill:var(--accent)}\n"
	".label{fill:var(--soft);font-size:11px}.axis{stroke:var(--line)}code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}\n"
	"@page{size:A4;margin:16mm}\n"
	"@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--paper:#fff;--panel:#fff;--line:#999;--accent:#1f5c99;--critical:#a1001f;--high:#a33f00;--medium:#6f5300;"
	"--low:#44546a}body{max-width:none;padding:0;font-size:11pt}.first{break-after:page;font-size:10pt;line-height:1.4}nav{display:none}figure{break-inside:avoid}.scroll{break-inside:avoid;overflow:visible}h2,h3{break-after:avoid}.cards{grid-template-columns:repeat(6,1fr);gap:6px}.card{padding:6px 8px;font-size:9pt}.card b{font-size:14pt}"
	"h1{font-size:20pt}table,.facts,.evidence{font-size:9pt}.finding{break-inside:auto}.first .scroll{margin:4px 0}.first li{margin:0}tr{break-inside:avoid}thead{display:table-header-group}}\n";
