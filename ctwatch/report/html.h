/* Private to report/: HTML with escaping decided in one place. Nothing reaches the page but through these. */
#ifndef CTWATCH_HTML_H
#define CTWATCH_HTML_H

#include <stdio.h>

#include <jansson.h>

#include "base.h"

/* Our own markup, a literal. */
void html_raw(FILE *out, const char *markup);
/* Text of ours: escaped. */
void html_text(FILE *out, const char *text);
/* Text from anywhere: escaped, and names in it are defanged. */
void html_prose(FILE *out, const char *sentence);
/* "2026-11-22T08:15:30.123Z" as "2026-11-22 08:15 UTC". */
void html_time(FILE *out, const char *rfc3339);
/* One of the four severities, as a class of our style sheet; "low" for anything else. */
const char *html_class(const char *severity);
/* The severity's word, coloured. */
void html_severity(FILE *out, const char *severity);
/* A name or address: escaped and defanged. */
void html_name(FILE *out, const char *name);
/* The member of an object as text; numbers grouped. */
void html_member(FILE *out, const json_t *object, const char *key);

struct html_column {
	const char *title;
	const char *key;
	enum {
		CELL_TEXT,                /* names in it are defanged */
		CELL_NAME, CELL_LIST,     /* a name; an array of names */
		CELL_WORDS,               /* an array of words that are no names */
		CELL_COUNT,
		CELL_DAY, CELL_TIME, CELL_SEVERITY,
		CELL_CODE,                /* a file, a hash, a log's address: as it stands */
		CELL_ID,                  /* the first characters of a finding's id: enough for the findings command */
	} type;
};
/* A table with a caption and header cells; or the sentence `empty` when there are no rows. */
void html_table(FILE *out, const char *caption, const json_t *rows, const struct html_column *columns, size_t n_columns, const char *empty);

/* Bars by day as inline SVG, with the numbers as text for those who cannot see it. `key` is the counted member, `label_key` the day. */
void html_bars(FILE *out, const char *title, const json_t *rows, const char *label_key, const char *key);

extern const char HTML_STYLE[];           /* our style sheet: light and dark, screen and A4 */

#endif
