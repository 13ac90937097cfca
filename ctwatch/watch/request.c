#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWERS_UNTIL_SURE 8
#define INFLATER_KEPT (1u << 20)      /* between answers */

struct request {
	struct ingest *ingest;
	struct governor_ticket *ticket;
	struct fetch *fetch;
	struct request_options options;
	char *url;
};

int64_t ingest_steady_ms(const struct ingest *in)
{
	return in->clock.steady_ms(in->clock.ctx);
}

int64_t ingest_wall_ms(const struct ingest *in)
{
	return in->clock.wall_ms(in->clock.ctx);
}

bool ingest_clock_is_good(const struct ingest *in)
{
	return !in->clock_suspect && !in->clock_was_set;
}

static void request_free(struct request *r)
{
	free(r->url);
	free(r);
}

static struct fetch *transport_start(const struct ingest *in, const struct fetch_request *request, struct error *err)
{
	const struct transport *t = in->transport;

	return t != NULL ? t->start(t->ctx, request, err) : fetch_start(in->fetcher, request, err);
}

static void transport_cancel(const struct ingest *in, struct fetch *fetch)
{
	if (fetch != NULL && in->transport != NULL)
		in->transport->cancel(in->transport->ctx, fetch);
	else
		fetch_cancel(fetch);
}

static void count(struct state_counters *counters, enum governor_outcome outcome)
{
	if (counters == NULL)
		return;
	counters->requests++;
	counters->errors += outcome == GOVERNOR_ERROR || outcome == GOVERNOR_TOO_MUCH;
	counters->throttled += outcome == GOVERNOR_THROTTLED;
}

/* What was known of the old time says nothing about the new one. */
static void note_clock_set(struct ingest *in)
{
	if (in->clock_watch.clock.wall_ms == NULL)
		clock_watch_init(&in->clock_watch, &in->clock);
	if (clock_watch_look(&in->clock_watch) != 0) {
		in->clock_was_set = true;
		in->n_dates = in->n_dates_off = in->n_answers_since = 0;
	} else if (in->clock_was_set && ++in->n_answers_since >= ANSWERS_UNTIL_SURE) {
		in->clock_was_set = false;
	}
}

/* Many servers that disagree with our clock about the date make us doubt our clock, not them. */
static void note_date(struct ingest *in, const struct fetch_answer *answer)
{
	const int64_t off_ms = 2 * 60 * 1000;

	note_clock_set(in);
	if (answer->date_ms == 0)
		return;
	int64_t difference = answer->date_ms - ingest_wall_ms(in);
	in->n_dates++;
	in->n_dates_off += difference > off_ms || difference < -off_ms;
	if (in->n_dates >= 64) {          /* let old news fade */
		in->n_dates /= 2;
		in->n_dates_off /= 2;
	}
	in->clock_suspect = in->n_dates >= ANSWERS_UNTIL_SURE && in->n_dates_off * 2 > in->n_dates;
}

static bool body_says(const struct fetch_answer *answer, const char *words)
{
	return answer->body.len > 0 && memmem(answer->body.data, answer->body.len, words, strlen(words)) != NULL;
}

bool request_page_too_large(const struct fetch_answer *answer)
{
	return answer->status == 413 ||
	       (answer->status == 403 && (body_says(answer, "ResourceExhausted") || body_says(answer, "larger than max")));
}

bool request_refused(const struct fetch_answer *answer)
{
	return answer->status >= 400 && answer->status < 500 && answer->status != 408 && answer->status != 429;
}

static void finish(struct request *r, struct fetch_answer *answer)
{
	struct request_options options = r->options;
	enum governor_outcome outcome = request_page_too_large(answer) ? GOVERNOR_NEUTRAL : governor_outcome_of(answer);

	if (outcome == GOVERNOR_ERROR && options.may_be_too_much && answer->asked)
		outcome = GOVERNOR_TOO_MUCH;

	count(options.counters, outcome);
	note_date(r->ingest, answer);
	governor_done(r->ticket, outcome, answer->retry_after_ms);
	request_free(r);
	options.done(options.ctx, answer);
}

static void on_answer(void *ctx, struct fetch_answer *answer)
{
	struct request *r = ctx;

	r->fetch = NULL;
	finish(r, answer);
}

bool request_host_in(const struct string_list *patterns, const char *url)
{
	char quota[256], host[256], name[256];
	const char *scheme = strstr(url, "://"), *authority = scheme != NULL ? scheme + 3 : url;

	governor_host(url, quota, sizeof(quota));
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(authority, "/?#"), authority);
	snprintf(name, sizeof(name), "%s", host);
	char *port = strrchr(name, ':');
	if (port != NULL && strchr(port, ']') == NULL)   /* not a colon inside [::1] */
		*port = '\0';
	const char *const spellings[] = { quota, host, name };
	for (size_t i = 0; i < patterns->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(spellings); k++)
			if (strcasecmp(patterns->items[i], spellings[k]) == 0 || glob_match(patterns->items[i], spellings[k]))
				return true;
	return false;
}

static void on_granted(void *ctx, struct governor_ticket *ticket)
{
	struct request *r = ctx;
	struct error err = { 0 };

	r->ticket = ticket;
	struct fetch_request request = {
		.url = r->url,
		.max_bytes = r->options.max_bytes,
		.timeout_ms = r->options.timeout_ms,
		.accept_gzip = true,
		.fresh = r->options.fresh,
		.no_keepalive = request_host_in(&r->ingest->config->no_keepalive, r->url),
		.tls_unverified = r->options.tls_unverified,
		.done = on_answer,
		.ctx = r,
	};
	r->fetch = transport_start(r->ingest, &request, &err);
	if (r->fetch != NULL)
		return;
	struct fetch_answer answer = { .retry_after_ms = -1 };
	snprintf(answer.error, sizeof(answer.error), "%.255s", err.text);
	finish(r, &answer);
}

struct request *request_start(struct ingest *in, const struct request_options *options)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->ingest = in;
	r->options = *options;
	r->url = xstrdup(options->url);
	r->ticket = governor_ask(in->governor, r->url, options->class, on_granted, r);
	return r;
}

void request_cancel(struct request *r)
{
	if (r == NULL)
		return;
	transport_cancel(r->ingest, r->fetch);
	governor_cancel(r->ticket);
	request_free(r);
}

bool request_failed(const char *url, const struct fetch_answer *answer, struct error *err)
{
	char body[160];

	if (answer->error[0] != '\0')
		return error_set(err, ERR_RETRY, "%s: %s", url, answer->error);
	struct slice text = slice_sub(buf_slice(&answer->body), 0, answer->body.len < 120 ? answer->body.len : 120);
	if (text.len == 0 || answer->gzip)
		return error_set(err, ERR_RETRY, "%s: HTTP %ld", url, answer->status);
	return error_set(err, ERR_RETRY, "%s: HTTP %ld: %s", url, answer->status, text_escape(text, body, sizeof(body)));
}

bool request_body(struct ingest *in, const struct fetch_answer *answer, size_t max_bytes, struct slice *out, struct error *err)
{
	struct slice body = buf_slice(&answer->body);

	if (body.len >= 2 && body.data[0] == 0x1f && body.data[1] == 0x8b) {
		if (in->inflater == NULL)
			in->inflater = inflater_new(RESPONSE_BYTES_MAX);
		inflater_trim(in->inflater, INFLATER_KEPT);
		return inflater_gunzip_within(in->inflater, body, max_bytes, out, err);
	}
	if (body.len > max_bytes)
		return error_set(err, ERR_MALFORMED, "answer of %zu bytes, at most %zu are read", body.len, max_bytes);
	*out = body;
	return true;
}
