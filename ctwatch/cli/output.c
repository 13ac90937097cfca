/* Colour, JSON and paragraphs: what commands print beside tables. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

struct palette cli_palette(const struct cli *cli)
{
	static const struct palette colours = { "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[36m", "\x1b[0m" };
	static const struct palette none = { "", "", "", "", "", "", "" };
	const char *no_colour = getenv("NO_COLOR");

	return cli->out_is_terminal && (no_colour == NULL || no_colour[0] == '\0') ? colours : none;
}

const char *palette_severity(const struct palette *palette, const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return palette->red;
	if (strcmp(severity, "medium") == 0)
		return palette->yellow;
	return palette->dim;
}

void cli_json(struct cli *cli, enum output_format format, json_t *value)
{
	size_t flags = format == OUTPUT_JSONL ? JSON_COMPACT : JSON_INDENT(2);

	json_dumpf(value, cli->out, flags | JSON_ENCODE_ANY);
	fputc('\n', cli->out);
	json_decref(value);
}

char *ago_format(int64_t time_ms, int64_t now_ms, char out[TIME_TEXT_LEN])
{
	if (time_ms == 0) {
		snprintf(out, TIME_TEXT_LEN, "never");
		return out;
	}
	duration_format(now_ms - time_ms, out);
	size_t len = strlen(out);
	snprintf(out + len, TIME_TEXT_LEN - len, " ago");
	return out;
}

char *age_short(int64_t time_ms, int64_t now_ms, char out[TIME_TEXT_LEN])
{
	static const struct {
		int64_t unit_ms, below_ms;
		const char *letter;
	} units[] = { { 1000, 60000, "s" }, { 60000, 3600000, "m" }, { 3600000, 48 * 3600000ll, "h" }, { 86400000, INT64_MAX, "d" } };
	int64_t age_ms = now_ms > time_ms ? now_ms - time_ms : 0;
	size_t i = 0;

	if (time_ms == 0) {
		snprintf(out, TIME_TEXT_LEN, "never");
		return out;
	}
	while (age_ms >= units[i].below_ms)
		i++;
	snprintf(out, TIME_TEXT_LEN, "%lld%s", (long long)(age_ms / units[i].unit_ms), units[i].letter);
	return out;
}

char *count_short(uint64_t n, char out[TIME_TEXT_LEN])
{
	static const char letters[] = "kMGTPE";
	double value = (double)n;
	int i = -1;

	if (n < 10000) {
		snprintf(out, TIME_TEXT_LEN, "%llu", (unsigned long long)n);
		return out;
	}
	while (value >= 999.5) {
		value /= 1000;
		i++;
	}
	snprintf(out, TIME_TEXT_LEN, "%.*f%c", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, letters[i]);
	return out;
}

/* Columns on a screen, counted as code points. */
static int columns_of(const char *text, int len)
{
	int columns = 0;

	for (int i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

void cli_continue(FILE *out, int width, int column, int indent, const char *text)
{
	bool first = true;               /* of its line: no space in front */

	for (const char *word = text; *word != '\0';) {
		int len = (int)strcspn(word, " \n"), columns = columns_of(word, len);

		if (!first && column + 1 + columns > width) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		fprintf(out, "%s%.*s", first ? "" : " ", len, word);
		column += columns + !first;
		first = false;
		word += len;
		word += strspn(word, " \n");
	}
	fputc('\n', out);
}

void cli_paragraph(FILE *out, int width, int indent, const char *text)
{
	fprintf(out, "%*s", indent, "");
	cli_continue(out, width, indent, indent, text);
}
