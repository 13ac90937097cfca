/*
 * SIGHUP: configuration and rules are loaded aside; only when all of it is good are they swapped, between responses. The rest
 * of the old configuration is freed at once, or by the next SIGHUP when a report is being written from it.
 */
#include "daemon_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Only a report that is being written points into a configuration that was replaced: all else copies what it keeps, or asks the
 * one in force, whose place in memory stays.
 */
void daemon_drop_old_configs(struct daemon *d)
{
	while (d->old_configs != NULL) {
		struct old_config *old = d->old_configs;

		d->old_configs = old->next;
		config_deinit(&old->config);
		free(old);
	}
}

/* ---- the swap ---------------------------------------------------------------------------------------------------- */

static void swap_config(struct daemon *d, struct config *config)
{
	struct old_config *old = xcalloc(1, sizeof(*old));

	old->config = *d->config;
	old->next = d->old_configs;
	d->old_configs = old;
	*d->config = *config;
	if (strcmp(old->config.state, config->state) != 0)
		diag(d->options->diag, DIAG_WARNING, "daemon", NULL, "\"state\" has changed: it takes effect at the next start");
	fetcher_set_limit(d->fetcher, d->config->bandwidth_bytes);
	fetcher_set_allow_http(d->fetcher, (const char *const *)d->config->allow_http.items);
	d->say_patterns = true;
	d->ingest.budget.limit = d->config->memory_bytes;
	budget_serve(&d->ingest.budget);
	lists_reload(d->lists, d->config);
	if (d->reports != NULL)
		report_timer_reload(d->reports, d->config);
	for (struct followed *f = d->followed; f != NULL; f = f->next)
		watcher_wake(f->watcher);
	if (d->reports == NULL || !report_timer_is_busy(d->reports))
		daemon_drop_old_configs(d);
}

static bool load_all(struct daemon *d, struct config *config, bool *have_config, struct ruleset **rules, struct sink_set **sinks, struct error *err)
{
	if (d->options->reload != NULL) {
		if (!d->options->reload(d->options->reload_ctx, config, err))
			return false;
		*have_config = true;
	}
	const struct config *now = *have_config ? config : d->config;
	return rules_load(now, d->suffixes, daemon_now(d), rules, err) && sink_set_new(now, d->options->findings, sinks, err) &&
	       sink_set_check(*sinks, *rules, d->suffixes, err);
}

void daemon_reload(struct daemon *d)
{
	struct config config;
	struct ruleset *rules = NULL;
	struct sink_set *sinks = NULL;
	struct error err;
	bool have_config = false;

	if (d->options->scan != NULL || d->stopping)
		return;
	if (!load_all(d, &config, &have_config, &rules, &sinks, &err)) {
		diag(d->options->diag, DIAG_ERROR, "daemon", NULL, "the old configuration and rules stay in force: %s", err.text);
		ruleset_free(rules);
		sink_set_free(sinks);
		if (have_config)
			config_deinit(&config);
		return;
	}
	bool changed = strcmp(ruleset_id(rules), ruleset_id(rules_ref_set(pool_rules(d->pool)))) != 0;
	pool_set_rules(d->pool, rules_ref_new(rules));
	daemon_hide_secrets(sinks);
	alerts_reload(d->alerts, sinks);
	if (have_config)
		swap_config(d, &config);
	diag(d->options->diag, DIAG_NOTICE, "daemon", NULL, "configuration loaded again; rules %s", changed ? "have changed" : "are the same");
	if (changed)
		daemon_rematch(d);
}
