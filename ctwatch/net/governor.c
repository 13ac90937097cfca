/*
 * Rate control: see governor.h. All times are on the governor's clock, in milliseconds.
 *
 * A host's rate moves like this:
 *
 *   first contact --> doubled every 10 s while it is what holds us back --429--> halved --> +10 % a minute --429--> halved ...
 */
#include "governor.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "fetch.h"
#include "url.h"

#define N_CLASSES 3
#define RATE_MIN 0.02                     /* requests per second: a log that we ask once a minute is still followed */
#define RATE_MAX 40.0
#define RATE_FIRST 4.0
#define RATE_LOOPBACK 5000.0
#define HEAD_RATE_FIRST 2.0
#define HEAD_RATE_MIN (1.0 / 60)
#define HEAD_BURST 4.0
#define BURST_MIN 2.0
#define SEARCH_MS 10000                   /* before the first 429: doubling */
#define RISE_MS 60000                     /* after it: +10 % */
#define RISE_FACTOR 1.1
#define UNDER_WAY_MAX 6                   /* shared/spec/ct-protocols.md 2.8: 4 to 8 */
#define UNDER_WAY_GAP_MAX 4               /* slow answers for the backlog leave room for the head */
#define UNDER_WAY_HEADS_MAX 4
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_LAST_MS (5 * 60 * 1000)
#define TOO_MUCH_MS 500                   /* at most, until a smaller request follows one that was perhaps too large */
#define HEADS_PAUSE_MAX_MS 60000          /* a backlog that is throttled does not blind us for longer */
#define FIRST_CONTACT_MS 100              /* between the first requests to two hosts */

struct governor_ticket {
	struct governor_ticket *next;
	struct host *host;
	enum governor_class class;
	void (*granted)(void *ctx, struct governor_ticket *ticket);
	void *ctx;
	int64_t granted_ms;
	bool under_way;
};

/* One allowance: how much may be asked, and since when it is what it is. */
struct bucket {
	double tokens, rate, burst, min, max;
	int64_t refilled_ms, changed_ms, halved_ms, paused_until_ms;
	bool searching, limited;          /* limited: somebody waited for a token since the last change */
};

struct host {
	struct host *next;
	struct governor *governor;
	char name[128];
	struct bucket heads, data;
	struct governor_ticket *first[N_CLASSES], **end[N_CLASSES];
	size_t n_waiting, under_way[N_CLASSES];
	unsigned streak;                  /* errors in a row */
	int64_t backed_off_ms, first_contact_ms;
	uint64_t requests, throttled, errors;
	bool loopback;
};

struct governor {
	struct governor_options options;
	uv_timer_t timer;
	struct host *hosts;
	int64_t next_first_contact_ms;
	unsigned depth;                   /* governor_run on the stack */
	bool closing;
};

/* Operators whose hosts share one quota, and the rate to begin with where the usual one is known to be too much. */
static const struct {
	const char *domain;
	double rate;
} SHARED[] = {
	{ "ct.digicert.com", 1 },    { "trustasia.com", 1 },        { "ct.sectigo.com", 2 },
	{ "ct.letsencrypt.org", 4 }, { "skylight.geomys.org", 4 },  { "mon.ct.ipng.ch", 4 },
	{ "mon.ct.e-szigno.hu", 4 },
};

static int64_t now_of(const struct governor *g)
{
	return g->options.steady_ms != NULL ? g->options.steady_ms(g->options.ctx) : (int64_t)uv_now(g->options.loop);
}

static uint32_t random_of(const struct governor *g)
{
	uint32_t value = 0;

	if (g->options.random != NULL)
		return g->options.random(g->options.ctx);
	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = (uint32_t)now_of(g) * 2654435761u;
	return value;
}

/* ---- hosts -------------------------------------------------------------------------------------- */

static bool below(const char *host, const char *domain)
{
	size_t host_len = strcspn(host, ":"), len = strlen(domain);

	return host_len >= len && strncasecmp(host + host_len - len, domain, len) == 0 &&
	       (host_len == len || host[host_len - len - 1] == '.');
}

void governor_host(const char *url, char *out, size_t out_len)
{
	const char *scheme = strstr(url, "://"), *authority = scheme != NULL ? scheme + 3 : url;
	size_t len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', len);

	if (at != NULL) {
		len -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	snprintf(out, out_len, "%.*s", (int)(len > 255 ? 255 : len), authority);
	for (char *c = out; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	for (size_t i = 0; i < ARRAY_LEN(SHARED); i++)
		if (below(out, SHARED[i].domain))
			snprintf(out, out_len, "%s", SHARED[i].domain);
}

static double first_rate(const char *host, bool loopback)
{
	if (loopback)
		return RATE_LOOPBACK;
	for (size_t i = 0; i < ARRAY_LEN(SHARED); i++)
		if (strcmp(SHARED[i].domain, host) == 0)
			return SHARED[i].rate;
	return RATE_FIRST;
}

static struct host *host_find(const struct governor *g, const char *name)
{
	for (struct host *h = g->hosts; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h;
	return NULL;
}

static void bucket_init(struct bucket *b, double rate, double burst, double min, double max, int64_t now)
{
	*b = (struct bucket){ .tokens = burst, .rate = rate, .burst = burst, .min = min, .max = max, .refilled_ms = now,
			      .changed_ms = now, .halved_ms = INT64_MIN, .searching = true };
}

static struct host *host_get(struct governor *g, const char *name)
{
	struct host *h = host_find(g, name);
	char url[160];

	if (h != NULL)
		return h;
	h = xcalloc(1, sizeof(*h));
	h->governor = g;
	snprintf(h->name, sizeof(h->name), "%s", name);
	snprintf(url, sizeof(url), "http://%s/", h->name);
	h->loopback = url_is_loopback(url);
	double rate = first_rate(h->name, h->loopback);
	int64_t now = now_of(g);
	bucket_init(&h->data, rate, rate > BURST_MIN ? rate : BURST_MIN, RATE_MIN, h->loopback ? RATE_LOOPBACK : RATE_MAX, now);
	double head_rate = h->loopback ? RATE_LOOPBACK : HEAD_RATE_FIRST;
	bucket_init(&h->heads, head_rate, h->loopback ? RATE_LOOPBACK : HEAD_BURST, HEAD_RATE_MIN, head_rate, now);
	h->backed_off_ms = INT64_MIN;
	for (size_t i = 0; i < N_CLASSES; i++)
		h->end[i] = &h->first[i];
	h->first_contact_ms = now;
	if (!h->loopback) {
		h->first_contact_ms = g->next_first_contact_ms > now ? g->next_first_contact_ms : now;
		g->next_first_contact_ms = h->first_contact_ms + FIRST_CONTACT_MS;
	}
	h->next = g->hosts;
	g->hosts = h;
	return h;
}

/* ---- rates ---------------------------------------------------------------------------------------- */

static struct bucket *bucket_of(struct host *h, enum governor_class class)
{
	return class == GOVERNOR_HEAD ? &h->heads : &h->data;
}

static void refill(struct bucket *b, int64_t now)
{
	if (now > b->refilled_ms)
		b->tokens += (double)(now - b->refilled_ms) * b->rate / 1000;
	b->refilled_ms = now;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
}

static void set_rate(struct bucket *b, double rate, int64_t now)
{
	b->rate = rate < b->min ? b->min : rate > b->max ? b->max : rate;
	b->changed_ms = now;
	b->limited = false;
}

static void fit_burst(struct bucket *b)
{
	b->burst = b->rate > BURST_MIN ? b->rate : BURST_MIN;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
}

/* Several answers of one burst are one reproach: requests sent before the last halving do not halve again. */
static void slow_down(struct bucket *b, int64_t granted_ms, int64_t now)
{
	b->searching = false;
	if (granted_ms < b->halved_ms)
		return;
	b->halved_ms = now;
	set_rate(b, b->rate / 2, now);
	fit_burst(b);
	if (b->tokens > 0)
		b->tokens = 0;
}

static void speed_up(struct bucket *b, int64_t now)
{
	int64_t wait_ms = b->searching ? SEARCH_MS : RISE_MS;

	if (!b->limited || now - b->changed_ms < wait_ms)
		return;
	set_rate(b, b->rate * (b->searching ? 2 : RISE_FACTOR), now);
	if (b->burst < b->rate)
		b->burst = b->rate;
}

static void pause_until(struct bucket *b, int64_t until)
{
	if (until > b->paused_until_ms)
		b->paused_until_ms = until;
}

/* Full jitter: anything from nothing to the ceiling, so that clients that failed together do not come back together. */
static int64_t back_off_ms(const struct governor *g, unsigned streak)
{
	int64_t ceiling = streak > 9 ? BACK_OFF_LAST_MS : (int64_t)BACK_OFF_FIRST_MS << (streak - 1);

	if (ceiling > BACK_OFF_LAST_MS)
		ceiling = BACK_OFF_LAST_MS;
	return (int64_t)(random_of(g) % (uint64_t)(ceiling + 1));
}

static void back_off(struct host *h, const struct governor_ticket *t, enum governor_outcome outcome, int64_t retry_after_ms, int64_t now)
{
	/* what was already under way when we began to wait says nothing new, unless it names a time */
	if (t->granted_ms < h->backed_off_ms && retry_after_ms < 0)
		return;
	if (h->streak < 32)
		h->streak++;
	h->backed_off_ms = now;
	int64_t wait_ms = retry_after_ms >= 0 ? retry_after_ms : back_off_ms(h->governor, h->streak);
	pause_until(&h->data, now + wait_ms);
	if (outcome == GOVERNOR_THROTTLED && t->class != GOVERNOR_HEAD && wait_ms > HEADS_PAUSE_MAX_MS)
		wait_ms = HEADS_PAUSE_MAX_MS;
	pause_until(&h->heads, now + wait_ms);
}

/* ---- granting -------------------------------------------------------------------------------------- */

static bool has_room(const struct host *h, enum governor_class class)
{
	size_t data = h->under_way[GOVERNOR_TAIL] + h->under_way[GOVERNOR_GAP];

	if (class == GOVERNOR_HEAD)
		return h->under_way[GOVERNOR_HEAD] < UNDER_WAY_HEADS_MAX;
	return data < UNDER_WAY_MAX && (class == GOVERNOR_TAIL || h->under_way[GOVERNOR_GAP] < UNDER_WAY_GAP_MAX);
}

/* When the first ticket of a class may go: now or earlier, later, or INT64_MAX when another must end first. */
static int64_t ready_ms(struct host *h, enum governor_class class, int64_t now)
{
	struct bucket *b = bucket_of(h, class);
	int64_t at = now;

	if (!has_room(h, class))
		return INT64_MAX;
	refill(b, now);
	if (b->tokens < 1) {
		b->limited = true;
		at = now + (int64_t)ceil((1 - b->tokens) * 1000 / b->rate);
	}
	if (b->paused_until_ms > at)
		at = b->paused_until_ms;
	return h->first_contact_ms > at ? h->first_contact_ms : at;
}

static struct governor_ticket *pop(struct host *h, enum governor_class class)
{
	struct governor_ticket *t = h->first[class];

	h->first[class] = t->next;
	if (t->next == NULL)
		h->end[class] = &h->first[class];
	h->n_waiting--;
	return t;
}

static void grant(struct host *h, struct governor_ticket *t, int64_t now)
{
	bucket_of(h, t->class)->tokens -= 1;
	h->under_way[t->class]++;
	h->requests++;
	t->under_way = true;
	t->granted_ms = now;
	t->granted(t->ctx, t);
}

/* Heads, then the tail, and the gap only when no tail waits for the same tokens. */
static int64_t run_host(struct governor *g, struct host *h, int64_t now)
{
	int64_t next = INT64_MAX;

	for (int class = 0; class < N_CLASSES; class++) {
		int64_t at = INT64_MAX;

		while (!g->closing && h->first[class] != NULL && (at = ready_ms(h, (enum governor_class)class, now)) <= now)
			grant(h, pop(h, (enum governor_class)class), now);
		if (h->first[class] == NULL)
			continue;
		next = at < next ? at : next;
		if (class == GOVERNOR_TAIL && has_room(h, GOVERNOR_TAIL))
			break;
	}
	return next;
}

static void free_all(struct governor *g)
{
	while (g->hosts != NULL) {
		struct host *h = g->hosts;

		g->hosts = h->next;
		for (int class = 0; class < N_CLASSES; class++)
			while (h->first[class] != NULL)
				free(pop(h, (enum governor_class)class));
		free(h);
	}
	free(g);
}

static void on_timer(uv_timer_t *timer)
{
	governor_run(CONTAINER_OF(timer, struct governor, timer));
}

int64_t governor_run(struct governor *g)
{
	int64_t next = INT64_MAX, now = now_of(g);

	g->depth++;
	for (struct host *h = g->hosts; h != NULL && !g->closing; h = h->next) {
		int64_t at = run_host(g, h, now);

		next = at < next ? at : next;
	}
	g->depth--;
	if (g->closing) {
		if (g->depth == 0 && g->options.loop == NULL)
			free_all(g);
		return INT64_MAX;
	}
	if (g->options.loop != NULL && next != INT64_MAX)
		uv_timer_start(&g->timer, on_timer, next > now ? (uint64_t)(next - now) : 0, 0);
	return next;
}

/* Soon, but not from inside this call. */
static void run_soon(struct governor *g)
{
	if (g->options.loop != NULL && !g->closing)
		uv_timer_start(&g->timer, on_timer, 0, 0);
}

/* ---- tickets --------------------------------------------------------------------------------------- */

struct governor_ticket *governor_ask(struct governor *g, const char *url, enum governor_class class,
				     void (*granted)(void *ctx, struct governor_ticket *ticket), void *ctx)
{
	struct governor_ticket *t = xcalloc(1, sizeof(*t));
	char name[128];

	governor_host(url, name, sizeof(name));
	t->host = host_get(g, name);
	t->class = class;
	t->granted = granted;
	t->ctx = ctx;
	*t->host->end[class] = t;
	t->host->end[class] = &t->next;
	t->host->n_waiting++;
	run_soon(g);
	return t;
}

void governor_done(struct governor_ticket *t, enum governor_outcome outcome, int64_t retry_after_ms)
{
	struct host *h = t->host;
	struct bucket *b = bucket_of(h, t->class);
	int64_t now = now_of(h->governor);

	h->under_way[t->class]--;
	switch (outcome) {
	case GOVERNOR_OK:
		h->streak = 0;
		speed_up(b, now);
		break;
	case GOVERNOR_NEUTRAL:
		h->streak = 0;
		break;
	case GOVERNOR_THROTTLED:
		h->throttled++;
		slow_down(b, t->granted_ms, now);
		back_off(h, t, outcome, retry_after_ms, now);
		break;
	case GOVERNOR_TOO_MUCH:
		h->errors++;
		pause_until(b, now + (int64_t)(random_of(h->governor) % TOO_MUCH_MS));
		break;
	case GOVERNOR_ERROR:
		h->errors++;
		back_off(h, t, outcome, retry_after_ms, now);
		break;
	}
	run_soon(h->governor);
	free(t);
}

void governor_cancel(struct governor_ticket *t)
{
	if (t == NULL)
		return;
	struct host *h = t->host;
	if (t->under_way) {
		h->under_way[t->class]--;
		run_soon(h->governor);
		free(t);
		return;
	}
	for (struct governor_ticket **at = &h->first[t->class]; *at != NULL; at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		if (t->next == NULL)
			h->end[t->class] = at;
		break;
	}
	h->n_waiting--;
	free(t);
}

enum governor_outcome governor_outcome_of(const struct fetch_answer *a)
{
	if (a->status == 429 || (a->status == 503 && a->retry_after_ms >= 0))
		return GOVERNOR_THROTTLED;
	if (a->too_large)
		return GOVERNOR_NEUTRAL;
	if (a->status == 0 || a->status >= 500 || a->status == 403 || a->redirected || a->timed_out)
		return GOVERNOR_ERROR;
	return a->status >= 200 && a->status < 400 && a->error[0] == '\0' ? GOVERNOR_OK : GOVERNOR_NEUTRAL;
}

/* ---- the governor ------------------------------------------------------------------------------------- */

struct governor *governor_new(const struct governor_options *options)
{
	struct governor *g = xcalloc(1, sizeof(*g));

	g->options = *options;
	if (options->loop != NULL)
		uv_timer_init(options->loop, &g->timer);
	return g;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free_all(CONTAINER_OF(handle, struct governor, timer));
}

void governor_close(struct governor *g)
{
	if (g == NULL || g->closing)
		return;
	g->closing = true;
	if (g->options.loop != NULL)
		uv_close((uv_handle_t *)&g->timer, on_timer_closed);
	else if (g->depth == 0)
		free_all(g);
}

void governor_remember(struct governor *g, const char *host, double rate)
{
	struct host *h = host_get(g, host);

	if (!(rate > 0))
		return;
	h->data.searching = false;
	set_rate(&h->data, rate, now_of(g));
	fit_burst(&h->data);
}

static void status_of(const struct host *h, struct governor_status *out)
{
	*out = (struct governor_status){
		.rate = h->data.rate, .settled = !h->data.searching, .requests = h->requests, .throttled = h->throttled, .errors = h->errors, .waiting = h->n_waiting,
		.under_way = h->under_way[GOVERNOR_HEAD] + h->under_way[GOVERNOR_TAIL] + h->under_way[GOVERNOR_GAP],
		.paused_until_ms = h->data.paused_until_ms > now_of(h->governor) ? h->data.paused_until_ms : 0,
	};
	memcpy(out->host, h->name, sizeof(out->host));
}

bool governor_status(const struct governor *g, const char *url, struct governor_status *out)
{
	char name[128];

	governor_host(url, name, sizeof(name));
	const struct host *h = host_find(g, name);
	if (h == NULL)
		return false;
	status_of(h, out);
	return true;
}

void governor_each(const struct governor *g, void (*fn)(void *ctx, const struct governor_status *status), void *ctx)
{
	for (const struct host *h = g->hosts; h != NULL; h = h->next) {
		struct governor_status status;

		status_of(h, &status);
		fn(ctx, &status);
	}
}
