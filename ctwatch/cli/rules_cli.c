#include "rules_cli.h"
#include "render.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool cli_rules_open(struct cli *cli, const char *files, struct cli_rules *out, struct error *err)
{
	struct config config;
	struct cli_rules opened = { 0 };

	if (!cli_config(cli, &config, err))
		return false;
	if (files != NULL && !config_set(&config, "rules", files, err)) {
		config_deinit(&config);
		return false;
	}
	opened.suffixes = suffixes_load();
	if (!rules_load(&config, opened.suffixes, cli->now_ms, &opened.rules, err)) {
		suffix_table_free(opened.suffixes);
		config_deinit(&config);
		return false;
	}
	config_deinit(&config);
	opened.scratch = rule_scratch_new();
	*out = opened;
	return true;
}

void cli_rules_close(struct cli_rules *rules)
{
	rule_scratch_free(rules->scratch);
	ruleset_free(rules->rules);
	suffix_table_free(rules->suffixes);
}

/* The name with a line of tildes under the bytes that the evidence is about. */
static void print_marked(struct cli *cli, const char *name, json_t *evidence)
{
	struct palette colours = cli_palette(cli);
	size_t len = strlen(name), i;
	char *marks, *shown = xmalloc(len * 4 + 1);
	json_t *row;
	bool any = false;

	text_escape(slice_text(name), shown, len * 4 + 1);
	fprintf(cli->out, "  %s%s%s\n", colours.bold, shown, colours.reset);
	/* an escaped name has other columns than the spans: then the rows have to do */
	if (strlen(shown) != len) {
		free(shown);
		return;
	}
	marks = xcalloc(len + 1, 1);
	memset(marks, ' ', len);
	json_array_foreach(evidence, i, row) {
		json_t *span = json_object_get(row, "span");
		json_int_t from = json_integer_value(json_array_get(span, 0)), to = json_integer_value(json_array_get(span, 1));

		if (span == NULL || json_integer_value(json_object_get(row, "points")) <= 0)
			continue;
		for (json_int_t k = from; k < to && k < (json_int_t)len; k++) {
			marks[k] = '~';
			any = true;
		}
	}
	if (any) {
		size_t end = len;

		while (end > 0 && marks[end - 1] == ' ')
			end--;
		fprintf(cli->out, "  %s%.*s%s\n", colours.cyan, (int)end, marks, colours.reset);
	}
	free(marks);
	free(shown);
}

/* Wrapped, and escaped: brands and rules are called what their file says. */
static void print_wrapped(struct cli *cli, int column, int indent, const char *text)
{
	struct buf plain;

	buf_init(&plain, 1u << 20);
	render_plain(&plain, text != NULL ? text : "");
	cli_continue(cli->out, cli->width, column, indent, buf_text(&plain));
	buf_deinit(&plain);
}

void cli_print_evidence(struct cli *cli, json_t *evidence)
{
	json_t *row;
	size_t i;

	json_array_foreach(evidence, i, row) {
		int column = fprintf(cli->out, "    %-10s %4lld  ", json_string_value(json_object_get(row, "signal")),
				     (long long)json_integer_value(json_object_get(row, "points")));

		print_wrapped(cli, column, column, json_string_value(json_object_get(row, "detail")));
	}
}

void cli_print_sentence(struct cli *cli, const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	int lead = (int)strspn(text, " ");
	fprintf(cli->out, "%*s", lead, "");
	print_wrapped(cli, lead, 4, text + lead);
	free(text);
}

void cli_print_match(struct cli *cli, json_t *match)
{
	struct palette colours = cli_palette(cli);
	const char *severity = json_string_value(json_object_get(match, "severity"));
	const char *brand = json_string_value(json_object_get(match, "brand")), *technique = json_string_value(json_object_get(match, "technique"));
	json_t *evidence = json_object_get(match, "evidence");
	bool own = strcmp(json_string_value(json_object_get(match, "kind")), "own") == 0;

	char *head = xasprintf("%lld %s", (long long)json_integer_value(json_object_get(match, "score")), severity);
	char *below = json_is_true(json_object_get(match, "flagged")) ? xstrdup("") :
			xasprintf(", not flagged: below %lld", (long long)json_integer_value(json_object_get(match, "min_score")));
	char *text = xasprintf("%s%s%s%s%s%s%s", json_string_value(json_object_get(match, "rule")), brand == NULL ? "" : own ? ": an official domain of " : ": resembles ",
			       brand != NULL ? brand : "", technique != NULL ? " (" : "", technique != NULL ? technique : "", technique != NULL ? ")" : "", below);

	print_marked(cli, json_string_value(json_object_get(match, "name")), evidence);
	fprintf(cli->out, "  %s%s%s  ", palette_severity(&colours, severity), head, colours.reset);
	print_wrapped(cli, (int)strlen(head) + 4, 4, text);
	cli_print_evidence(cli, evidence);
	free(head);
	free(below);
	free(text);
}
