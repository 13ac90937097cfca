/*
 * Rates that hosts have settled at outlive a restart: a log that answered 429 is not asked in a burst again because the
 * program was updated. Kept as one small fact of the state, {"<host>": requests per second}.
 */
#include "daemon_private.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define RATES_FACT "governor/rates"
#define RATES_MAX 256                /* hosts; there are some thirty operators */
#define SAVE_EVERY_MS (10 * 60 * 1000)

/* ---- at the start ------------------------------------------------------------------------------------------ */

struct rates {
	struct daemon *daemon;
	char *text;
};

static bool load_job(void *ctx, struct state *st, struct error *err)
{
	struct rates *rates = ctx;

	free(rates->text);
	rates->text = NULL;
	return state_get_fact(st, RATES_FACT, &rates->text, err);
}

static void remember(struct daemon *d, const char *text)
{
	json_t *all = json_loads(text, 0, NULL), *rate;
	const char *host;
	size_t n = 0;

	json_object_foreach(all, host, rate) {
		if (n++ == RATES_MAX)
			break;
		if (json_is_number(rate))
			governor_remember(d->governor, host, json_number_value(rate));
	}
	json_decref(all);
}

static void on_loaded(void *ctx, bool ok, const struct error *err)
{
	struct rates *rates = ctx;
	struct daemon *d = rates->daemon;

	if (!ok)
		diag(d->options->diag, DIAG_WARNING, "state", NULL, "rates of an earlier run are not known: %s", err->text);
	else if (rates->text != NULL)
		remember(d, rates->text);
	d->rates_known = ok;
	free(rates->text);
	free(rates);
}

void daemon_load_rates(struct daemon *d)
{
	struct rates *rates = xcalloc(1, sizeof(*rates));

	rates->daemon = d;
	store_submit(d->store, load_job, on_loaded, rates);
}

/* ---- now and then, and at the end -------------------------------------------------------------------------- */

static bool save_job(void *ctx, struct state *st, struct error *err)
{
	const struct rates *rates = ctx;

	return state_put_fact(st, RATES_FACT, rates->text, err);
}

static void on_saved(void *ctx, bool ok, const struct error *err)
{
	struct rates *rates = ctx;

	if (!ok)
		diag(rates->daemon->options->diag, DIAG_WARNING, "state", NULL, "rates are not kept for the next run: %s", err->text);
	free(rates->text);
	free(rates);
}

static void collect(void *ctx, const struct governor_status *status)
{
	json_t *all = ctx;

	if (status->settled && json_object_size(all) < RATES_MAX)
		json_object_set_new(all, status->host, json_real(status->rate));
}

void daemon_save_rates(struct daemon *d)
{
	json_t *all = json_object();

	governor_each(d->governor, collect, all);
	if (d->rates_known && json_object_size(all) > 0) {
		struct rates *rates = xcalloc(1, sizeof(*rates));

		rates->daemon = d;
		rates->text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(4));
		store_submit(d->store, save_job, on_saved, rates);
	}
	json_decref(all);
	d->next_rates_steady_ms = clock_steady_ms() + SAVE_EVERY_MS;
}
