/* Private to report/: HTML with escaping decided in one place. Nothing reaches the page but through these. */
#ifndef CTWATCH_HTML_H
#define CTWATCH_HTML_H

#include <stdio.h>

#include <jansson.h>

#include "base.h"

/* Our own markup, a literal. */
void html_raw(FILE *out, const char *markup);
/* Text from anywhere: escaped. */
void html_text(FILE *out, const char *text);
/* A name or address: escaped and defanged. */
void html_name(FILE *out, const char *name);
/* The member of an object as text; numbers grouped. */
void html_member(FILE *out, const json_t *object, const char *key);

struct html_column {
	const char *title;
	const char *key;
	enum { CELL_TEXT, CELL_NAME, CELL_COUNT, CELL_LIST, CELL_DAY, CELL_SEVERITY } type;
};
/* A table with a caption and header cells; or the sentence `empty` when there are no rows. */
void html_table(FILE *out, const char *caption, const json_t *rows, const struct html_column *columns, size_t n_columns, const char *empty);

/* Bars by day as inline SVG, with the numbers as text for those who cannot see it. `key` is the counted member, `label_key` the day. */
void html_bars(FILE *out, const char *title, const json_t *rows, const char *label_key, const char *key);

extern const char HTML_STYLE[];           /* our style sheet: light and dark, screen and A4 */

#endif
