/* `ctwatch report`: the weekly report, or one of any range. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output_file.h"
#include "report.h"
#include "report_settings.h"
#include "rules_load.h"

struct options {
	const char *week, *format, *output, *css, *logo, *generated;
	int64_t since_ms, until_ms;
};

static const struct option OPTIONS[] = {
	{ "week", 0, OPTION_TEXT, offsetof(struct options, week), "WEEK", "an ISO week such as 2026-W47; the last whole one" },
	{ "since", 0, OPTION_TIME, offsetof(struct options, since_ms), "T", "from a time or an age on, instead of a week" },
	{ "until", 0, OPTION_TIME, offsetof(struct options, until_ms), "T", "to a time; now" },
	{ "format", 'f', OPTION_TEXT, offsetof(struct options, format), "FORMAT", "html (default), md, csv or json" },
	{ "output", 'o', OPTION_TEXT, offsetof(struct options, output), "FILE", "write there, in one piece, instead of to standard output" },
	{ "css", 0, OPTION_TEXT, offsetof(struct options, css), "FILE", "your style sheet instead of ours (html)" },
	{ "logo", 0, OPTION_TEXT, offsetof(struct options, logo), "FILE", "your logo, PNG, JPEG or SVG (html)" },
	{ "generated", 0, OPTION_TEXT, offsetof(struct options, generated), "TIME", "the time that the report says it was made at" },
	{ 0 },
};

/* The range asked for: --since/--until, --week, or the last whole week in the configured time zone. */
static bool set_range(struct cli *cli, const struct options *o, const char *timezone, struct report_options *out, struct error *err)
{
	int year, week;

	if (o->since_ms != 0 || o->until_ms != 0) {
		if (o->week != NULL)
			return error_set(err, ERR_USAGE, "give --week, or --since and --until, not both");
		if (o->since_ms == 0)
			return error_set(err, ERR_USAGE, "--until wants --since beside it");
		out->since_ms = o->since_ms;
		out->until_ms = o->until_ms != 0 ? o->until_ms : cli->now_ms;
		if (out->until_ms <= out->since_ms)
			return error_set(err, ERR_USAGE, "the range ends before it begins");
		return true;
	}
	if (o->week == NULL) {
		if (!report_last_week(timezone, cli->now_ms, &year, &week, err))
			return false;
	} else if (!report_week_parse(o->week, &year, &week)) {
		return error_set(err, ERR_USAGE, "'%s' is no ISO week; write it as 2026-W47", o->week);
	}
	return report_week_options(timezone, year, week, out, err);
}

static bool write_report(struct cli *cli, const struct options *o, const struct config *config, enum report_format format, struct error *err)
{
	struct report_settings settings;
	struct output_file file;
	struct state *st;

	if (!report_settings_load(&settings, config, o->css, o->logo, cli->now_ms, err))
		return false;
	settings.options.generated_ms = cli->now_ms;
	bool ok = o->generated == NULL || time_parse_rfc3339(slice_text(o->generated), &settings.options.generated_ms) ||
		  error_set(err, ERR_USAGE, "--generated wants a time such as 2026-11-23T07:00:00Z");
	ok = ok && set_range(cli, o, settings.options.timezone, &settings.options, err);
	if (!ok || !state_open(config->state, STATE_READ, cli->now_ms, &st, err)) {
		report_settings_deinit(&settings);
		return false;
	}
	ok = output_file_open(&file, o->output, cli->out, err);
	if (ok) {
		ok = report_write(st, &settings.options, format, file.stream, err);
		ok = output_file_close(&file, ok, err);
	}
	state_close(st);
	report_settings_deinit(&settings);
	return ok;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct options options = { 0 };
	enum report_format format = REPORT_HTML;
	struct error err = { 0 };
	struct config config;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes options only, but there is '%s'", argv[1]);
	if (options.format != NULL && !report_format_parse(options.format, &format))
		return cli_usage(cli, "there is no format '%s'; there are html, md, csv and json", options.format);
	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	bool ok = write_report(cli, &options, &config, format, &err);
	config_deinit(&config);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
}

const struct command report_command = {
	.name = "report",
	.summary = "the weekly report, as a page, Markdown, CSV or JSON",
	.usage = "[--week 2026-W47 | --since T --until T] [--format FORMAT] [-o FILE]",
	.help = "Without --week or --since it reports the last whole ISO week, cut in the time\n"
		"zone of the configuration. The same state, range and --generated time give\n"
		"the same bytes.\n"
		"\n"
		"  html  one self-contained page: no scripts, nothing fetched, prints on A4\n"
		"  md    Markdown, for wikis and tickets\n"
		"  csv   every finding of the range, one a row\n"
		"  json  all of the report's data (docs/report.schema.json)\n"
		"\n"
		"A running daemon writes reports by itself: see \"report\" in the configuration.\n"
		"\n"
		"Examples:\n"
		"  ctwatch report -o week.html\n"
		"  ctwatch report --since 30d --format csv -o month.csv",
	.options = OPTIONS,
	.run = run,
};
