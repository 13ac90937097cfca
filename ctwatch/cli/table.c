/* Tables: on a terminal text columns give way, numbers and names never; in a pipe or a file nothing is cut. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define GAP 2

struct column {
	char *title;
	enum table_align align;
	size_t min_width;
};

struct cell {
	char *text;
	const char *colour;
};

struct table {
	struct column columns[COLUMNS_MAX];
	size_t n_columns;
	struct cell *cells;
	size_t n_cells, cap;
	const char *next_colour;
};

struct table *table_new(void)
{
	return xcalloc(1, sizeof(struct table));
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n_columns; i++)
		free(table->columns[i].title);
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_column(struct table *table, const char *title, enum table_align align, size_t min_width)
{
	if (table->n_columns == COLUMNS_MAX)
		return;
	table->columns[table->n_columns++] = (struct column){ xstrdup(title), align, min_width };
}

/* Escaped, whole. malloc'd. */
static char *safe_text(const char *text)
{
	size_t len = strlen(text) * 4 + 1;       /* an escape has at most four times the bytes of what it stands for */
	char *safe = xmalloc(len);

	return text_escape(slice_text(text), safe, len);
}

void table_cell(struct table *table, const char *text)
{
	if (table->n_cells == table->cap) {
		table->cap = table->cap == 0 ? 64 : table->cap * 2;
		table->cells = xreallocarray(table->cells, table->cap, sizeof(*table->cells));
	}
	table->cells[table->n_cells++] = (struct cell){ safe_text(text != NULL ? text : "-"), table->next_colour };
	table->next_colour = NULL;
}

void table_cellf(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	table_cell(table, len < 0 ? NULL : text);
	if (len >= 0)
		free(text);
}

void table_colour(struct table *table, const char *escape)
{
	table->next_colour = escape != NULL && escape[0] != '\0' ? escape : NULL;
}

size_t table_rows(const struct table *table)
{
	return table->n_columns == 0 ? 0 : table->n_cells / table->n_columns;
}

/* Columns on a screen, counted as code points: close enough for names and sentences. */
static size_t display_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Bytes of the first `width` code points. */
static size_t prefix_bytes(const char *text, size_t width)
{
	size_t bytes = 0;

	while (text[bytes] != '\0' && (width > 0 || ((unsigned char)text[bytes] & 0xc0) == 0x80)) {
		if (((unsigned char)text[bytes] & 0xc0) != 0x80)
			width--;
		bytes++;
	}
	return bytes;
}

/* Of a list ("a.example, b.example") only whole items are shown, if one fits: half a domain would be another one. */
static size_t whole_items(const char *text, size_t bytes)
{
	for (size_t i = bytes; i > 1; i--)
		if (text[i - 1] == ' ' && text[i - 2] == ',')
			return i;
	return bytes;
}

static void natural_widths(const struct table *table, size_t *widths)
{
	for (size_t c = 0; c < table->n_columns; c++)
		widths[c] = display_width(table->columns[c].title);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t width = display_width(table->cells[i].text);

		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
}

/* Takes columns away from the widest that may shrink, one at a time, until the line fits or nothing gives. */
static void shrink(const struct table *table, size_t *widths, size_t room)
{
	for (;;) {
		size_t total = GAP * (table->n_columns - 1);
		size_t widest = table->n_columns;

		for (size_t c = 0; c < table->n_columns; c++) {
			total += widths[c];
			bool may = table->columns[c].min_width > 0 && widths[c] > table->columns[c].min_width;
			if (may && (widest == table->n_columns || widths[c] > widths[widest]))
				widest = c;
		}
		if (total <= room || widest == table->n_columns)
			return;
		widths[widest]--;
	}
}

static void print_cell(FILE *out, const char *text, const char *colour, size_t width, enum table_align align, bool last)
{
	size_t needed = display_width(text);
	size_t pad = needed < width ? width - needed : 0;

	if (align == ALIGN_RIGHT)
		fprintf(out, "%*s", (int)pad, "");
	if (colour != NULL)
		fputs(colour, out);
	if (needed <= width)
		fputs(text, out);
	else if (width > 3)
		fprintf(out, "%.*s...", (int)whole_items(text, prefix_bytes(text, width - 3)), text);
	else
		fprintf(out, "%.*s", (int)prefix_bytes(text, width), text);
	if (colour != NULL)
		fputs("\x1b[0m", out);
	if (align == ALIGN_LEFT && !last)
		fprintf(out, "%*s", (int)pad, "");
	if (!last)
		fprintf(out, "%*s", GAP, "");
}

void table_print(const struct table *table, const struct cli *cli)
{
	size_t widths[COLUMNS_MAX];
	struct palette palette = cli_palette(cli);
	const char *head = palette.bold[0] != '\0' ? palette.bold : NULL;

	if (table->n_columns == 0)
		return;
	natural_widths(table, widths);
	if (cli->out_is_terminal)
		shrink(table, widths, (size_t)cli->width);
	for (size_t c = 0; c < table->n_columns; c++)
		print_cell(cli->out, table->columns[c].title, head, widths[c], table->columns[c].align, c + 1 == table->n_columns);
	fputc('\n', cli->out);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t c = i % table->n_columns;
		bool last = c + 1 == table->n_columns;
		const char *colour = cli->out_is_terminal ? table->cells[i].colour : NULL;

		print_cell(cli->out, table->cells[i].text, colour, widths[c], table->columns[c].align, last);
		if (last)
			fputc('\n', cli->out);
	}
}
