/* `ctwatch export`: indicators for other tools. */
#include "cli.h"

#include "export.h"
#include "output_file.h"

struct options {
	const char *format, *output, *rule, *kind, *brand, *status, *action, *zone, *tlp;
	int64_t since_ms, until_ms, expire_ms;
	uint64_t sid_base, sid_count;
	int min_score;
	bool unconfirmed, with_published;
};

static const struct option OPTIONS[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct options, format), "FORMAT", "suricata, rpz, hosts, stix, misp or csv" },
	{ "output", 'o', OPTION_TEXT, offsetof(struct options, output), "FILE", "write there, in one piece, instead of to standard output" },
	{ "min-score", 0, OPTION_SCORE, offsetof(struct options, min_score), "N", "findings from this score on" },
	{ "since", 0, OPTION_TIME, offsetof(struct options, since_ms), "T", "first seen since a time, or within an age such as 30d" },
	{ "until", 0, OPTION_TIME, offsetof(struct options, until_ms), "T", "first seen before" },
	{ "rule", 0, OPTION_TEXT, offsetof(struct options, rule), "RULE", "of one rule" },
	{ "kind", 0, OPTION_TEXT, offsetof(struct options, kind), "KIND", "indicator, naming or brand" },
	{ "brand", 0, OPTION_TEXT, offsetof(struct options, brand), "BRAND", "of one organisation" },
	{ "status", 0, OPTION_TEXT, offsetof(struct options, status), "STATUS", "new, acknowledged or confirmed" },
	{ "unconfirmed", 0, OPTION_FLAG, offsetof(struct options, unconfirmed), NULL, "block formats: not only what was confirmed" },
	{ "with-published", 0, OPTION_FLAG, offsetof(struct options, with_published), NULL, "also the actor's published domains and addresses" },
	{ "expire", 0, OPTION_DURATION, offsetof(struct options, expire_ms), "AGE", "after it was last seen; 90d" },
	{ "action", 0, OPTION_TEXT, offsetof(struct options, action), "ACTION", "suricata: alert (default) or drop" },
	{ "sid-base", 0, OPTION_UINT, offsetof(struct options, sid_base), "N", "suricata: first rule number; 9000000" },
	{ "sid-count", 0, OPTION_UINT, offsetof(struct options, sid_count), "N", "suricata: how many there are; 1000000" },
	{ "zone", 0, OPTION_TEXT, offsetof(struct options, zone), "NAME", "rpz: the zone's name; rpz.ctwatch.local" },
	{ "tlp", 0, OPTION_TEXT, offsetof(struct options, tlp), "TLP", "stix, misp: clear, green, amber (default) or red" },
	{ 0 },
};

static bool write_export(struct cli *cli, const struct export_format *format, const struct options *o, struct export_result *result, struct error *err)
{
	struct export_options options = {
		.filter = { .rule = o->rule, .kind = o->kind, .brand = o->brand, .status = o->status, .since_ms = o->since_ms, .until_ms = o->until_ms, .min_score = o->min_score },
		.unconfirmed = o->unconfirmed,
		.with_published = o->with_published,
		.now_ms = cli->now_ms,
		.expire_ms = o->expire_ms,
		.action = o->action,
		.sid_base = o->sid_base,
		.sid_count = o->sid_count,
		.zone = o->zone,
		.tlp = o->tlp,
	};
	struct output_file file;
	struct state *st;

	if (!cli_state(cli, format->needs_write ? STATE_WRITE : STATE_READ, &st, err))
		return false;
	bool ok = output_file_open(&file, o->output, cli->out, err);
	if (ok) {
		ok = export_write(st, format, &options, file.stream, result, err);
		ok = output_file_close(&file, ok, err);
	}
	state_close(st);
	return ok;
}

static int unknown_format(struct cli *cli, const char *name)
{
	const char *known[16];
	size_t n = 0;

	for (; EXPORT_FORMATS[n] != NULL && n < ARRAY_LEN(known) - 1; n++)
		known[n] = EXPORT_FORMATS[n]->name;
	known[n] = NULL;
	const char *near = text_nearest(name, known);
	return near != NULL ? cli_usage(cli, "there is no format '%s'; did you mean '%s'?", name, near) : cli_usage(cli, "there is no format '%s'", name);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct options options = { 0 };
	struct export_result result = { 0 };
	struct error err = { 0 };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes options only, but there is '%s'", argv[1]);
	if (options.format == NULL)
		return cli_usage(cli, "it wants --format");
	const struct export_format *format = export_format_find(options.format);
	if (format == NULL)
		return unknown_format(cli, options.format);
	if (!write_export(cli, format, &options, &result, &err))
		return cli_fail(cli, &err);
	if (!cli->quiet)
		fprintf(cli->err, "%llu exported, %llu left out%s\n", (unsigned long long)result.written, (unsigned long long)result.left_out,
			format->blocks && !options.unconfirmed ? " (block lists hold confirmed findings only; --unconfirmed changes that)" : "");
	return EXIT_DONE;
}

const struct command export_command = {
	.name = "export",
	.summary = "findings as rules, block lists and indicators for other tools",
	.usage = "--format FORMAT [--min-score N] [--since T] [-o FILE]",
	.help = "Writes flagged findings that were not dismissed in the form another tool loads:\n"
		"\n"
		"  suricata  rules: DNS query, TLS server name, certificate, address\n"
		"  rpz       response policy zone for name servers\n"
		"  hosts     hosts file\n"
		"  stix      STIX 2.1 bundle\n"
		"  misp      MISP event\n"
		"  csv       a table\n"
		"\n"
		"Block lists (rpz, hosts, Suricata's drop) hold only findings that an analyst\n"
		"confirmed, unless --unconfirmed is given; the other formats say how sure one\n"
		"may be. The same finding has the same id in every export.\n"
		"\n"
		"Examples:\n"
		"  ctwatch export --format rpz -o /etc/bind/rpz.ctwatch\n"
		"  ctwatch export --format suricata --since 90d -o ctwatch.rules\n"
		"  ctwatch export --format stix --with-published --tlp green\n"
		"\n"
		"A file with nothing in it is a valid answer, exit status 0: load it, so that what\n"
		"was dismissed is taken back.",
	.options = OPTIONS,
	.run = run,
};
