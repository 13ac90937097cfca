/* `ctwatch alerts test`: a marked message through every sink, and what each one answers. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "alerts.h"
#include "alerts_cli.h"
#include "clock.h"

struct testing {
	struct cli *cli;
	const struct alerts_cli_options *options;
	struct palette palette;
	struct alerts *alerts;
	struct fetcher *fetcher;
	size_t n, n_refused;
};

static void print_answer(struct testing *t, const char *sink, const char *to, bool ok, const char *answer)
{
	struct cli *cli = t->cli;
	char safe[512], name[256];

	fprintf(cli->out, "%s%s%s  %s: ", ok ? t->palette.green : t->palette.red, ok ? "ok     " : "refused", t->palette.reset,
		text_escape(slice_text(sink), name, sizeof(name)));
	fprintf(cli->out, "%s\n", text_escape(slice_text(to), safe, sizeof(safe)));
	cli_paragraph(cli->out, cli->width, 9, text_escape(slice_text(answer), safe, sizeof(safe)));
	fflush(cli->out);
}

static void on_answer(void *ctx, const struct sink *sink, bool ok, const char *answer)
{
	struct testing *t = ctx;
	char *to = sink_describe(sink);

	t->n++;
	t->n_refused += !ok;
	if (t->options->format == OUTPUT_TEXT)
		print_answer(t, sink_name(sink), to, ok, answer);
	else
		cli_json(t->cli, t->options->format, json_pack("{s:s, s:s, s:b, s:s}", "sink", sink_name(sink), "to", to, "ok", ok, "answer", answer));
	free(to);
}

static void on_closed(void *ctx)
{
	struct testing *t = ctx;

	fetcher_close(t->fetcher);
}

static void on_done(void *ctx)
{
	struct testing *t = ctx;

	alerts_close(t->alerts, on_closed, t);
}

static void test_all(struct testing *t, const struct config *config, struct sink_set *sinks)
{
	char *agent = user_agent_make(config->contact);
	struct fetcher_options fetching = {
		.user_agent = agent,
		.proxy = config->proxy,
		.ca_file = config->ca_file,
		.allow_http = (const char *const *)config->allow_http.items,
	};
	struct diag *out = diag_new(STDERR_FILENO, DIAG_WARNING, false);
	uv_loop_t loop;

	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&loop) != 0)
		fatal("there is no event loop: raise ulimit -n");
	t->fetcher = fetcher_new(&loop, &fetching);
	struct alerts_options options = { .loop = &loop, .fetcher = t->fetcher, .sinks = sinks, .diag = out, .clock = SYSTEM_CLOCK };
	t->alerts = alerts_start(&options);
	alerts_test(t->alerts, t->options->sink, on_answer, on_done, t);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	diag_free(out);
	free(agent);
}

int alerts_cli_test(struct cli *cli, const struct alerts_cli_options *options)
{
	struct testing t = { .cli = cli, .options = options, .palette = cli_palette(cli) };
	struct sink_set *sinks;
	struct config config;
	struct error err;

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	if (!sink_set_new(&config, STDOUT_NONE, &sinks, &err)) {
		config_deinit(&config);
		return cli_fail(cli, &err);
	}
	test_all(&t, &config, sinks);
	config_deinit(&config);
	if (t.n == 0)
		fprintf(cli->err, options->sink != NULL ? "ctwatch alerts: no sink is named '%s'\n" : "ctwatch alerts: no sink is configured: see \"alerts\" in the manual\n",
			options->sink);
	return t.n > 0 && t.n_refused == 0 ? EXIT_DONE : EXIT_NO;
}
