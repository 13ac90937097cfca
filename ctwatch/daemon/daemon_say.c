/* What the daemon tells its operator at the start, and at the end of --once. */
#include "daemon_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* A live log grows by some 50 entries a second; 0.7 kB an entry on the wire from tiles, 3 kB from get-entries, compressed. */
#define ENTRIES_PER_SECOND 50
#define STATIC_BYTES 700
#define CLASSIC_BYTES 3000

struct tally {
	size_t n_static, n_classic, n_not;
	size_t n_reasons;
	struct {
		const char *why;
		size_t n;
	} reasons[16];
};

/* The same reason with another date is the same reason here; `ctwatch logs` has the dates. */
static bool same_reason(const char *a, const char *b)
{
	size_t len = strcspn(a, "0123456789");

	return len == strcspn(b, "0123456789") && strncmp(a, b, len) == 0;
}

static void count_reason(struct tally *t, const char *why)
{
	t->n_not++;
	for (size_t i = 0; i < t->n_reasons; i++) {
		if (same_reason(t->reasons[i].why, why)) {
			t->reasons[i].n++;
			return;
		}
	}
	if (t->n_reasons < ARRAY_LEN(t->reasons)) {
		t->reasons[t->n_reasons].why = why;
		t->reasons[t->n_reasons++].n = 1;
	}
}

static void say_logs(struct daemon *d, const struct lists_view *view)
{
	struct diag *out = d->options->diag;
	struct tally t = { 0 };
	char rate[TIME_TEXT_LEN], limit[TIME_TEXT_LEN];

	for (size_t i = 0; i < view->union_list->n_logs; i++) {
		if (view->decisions[i].how == FOLLOW_NOT)
			count_reason(&t, view->decisions[i].why);
		else if (view->union_list->logs[i].protocol == LOG_STATIC)
			t.n_static++;
		else
			t.n_classic++;
	}
	diag(out, DIAG_NOTICE, "daemon", NULL, "follows %zu log%s (%zu classic, %zu static)%s; state in %s", t.n_static + t.n_classic,
	     t.n_static + t.n_classic == 1 ? "" : "s", t.n_classic,
	     t.n_static, view->builtin ? ", known from the build until a list arrives" : "", d->config->state);
	for (size_t i = 0; i < t.n_reasons; i++)
		diag(out, DIAG_NOTICE, "daemon", NULL, "not read: %zu log%s (%s)", t.reasons[i].n, t.reasons[i].n == 1 ? "" : "s", t.reasons[i].why);
	if (view->union_list->n_unread > 0)
		diag(out, DIAG_WARNING, "daemon", NULL, "not read: %zu log%s whose entry in a list breaks a rule; `ctwatch logs` names each and which",
		     view->union_list->n_unread, view->union_list->n_unread == 1 ? "" : "s");
	if (t.n_not > 0)
		diag(out, DIAG_NOTICE, "daemon", NULL, "`ctwatch logs` names each of the %zu and why", t.n_not);
	if (t.n_static + t.n_classic == 0)
		diag(out, DIAG_WARNING, "daemon", NULL, "no log is followed: see `ctwatch logs` for the reasons");
	uint64_t bytes = ENTRIES_PER_SECOND * (t.n_static * STATIC_BYTES + t.n_classic * CLASSIC_BYTES);
	if (!d->once)
		diag(out, DIAG_NOTICE, "daemon", NULL, "expect about %s a second from logs of ordinary size at their head (limit: %s), and some 50 MB of disk a month",
		     bytes_format(bytes, rate), d->config->bandwidth_bytes == 0 ? "none" : bytes_format(d->config->bandwidth_bytes, limit));
}

static void say_rules(struct daemon *d)
{
	const struct ruleset *rules = rules_ref_set(pool_rules(d->pool));
	char *text = ruleset_describe_json(rules);
	json_t *json = text == NULL ? NULL : json_loads(text, 0, NULL);
	size_t i;
	json_t *pack;

	json_array_foreach(json_object_get(json, "packs"), i, pack) {
		const char *name = json_string_value(json_object_get(pack, "id"));
		const char *published = json_string_value(json_object_get(json_array_get(json_object_get(pack, "indicators"), 0), "published"));
		const char *learned = json_string_value(json_object_get(json_object_get(json_object_get(pack, "naming"), "learned"), "date"));

		diag(d->options->diag, DIAG_NOTICE, "rules", NULL, "pack %s%s%s%s%s", name == NULL ? "?" : name,
		     published == NULL ? "" : ", indicators published ", published == NULL ? "" : published,
		     learned == NULL ? "" : ", naming learned ", learned == NULL ? "" : learned);
	}
	json_array_foreach(json_object_get(json, "brand_files"), i, pack) {
		const char *published = json_string_value(json_object_get(pack, "published"));
		long long n = json_integer_value(json_object_get(pack, "brands"));

		diag(d->options->diag, DIAG_NOTICE, "rules", NULL, "watch list %s, %lld organisation%s%s%s", json_string_value(json_object_get(pack, "source")), n,
		     n == 1 ? "" : "s", published == NULL ? "" : ", published ", published == NULL ? "" : published);
	}
	for (size_t k = 0; k < ruleset_n_warnings(rules); k++)
		diag(d->options->diag, DIAG_NOTICE, "rules", NULL, "%s", ruleset_warning(rules, k));
	json_decref(json);
	free(text);
}

static void say_sinks(struct daemon *d)
{
	const struct sink_set *sinks = d->alerts != NULL ? alerts_sinks(d->alerts) : NULL;

	for (size_t i = 0; sinks != NULL && i < sinks->n; i++) {
		char *text = sink_describe(sinks->items[i]);

		diag(d->options->diag, DIAG_NOTICE, "alerts", NULL, "%s", text);
		free(text);
	}
}

static void say_pattern(struct daemon *d, const struct lists_view *view, const char *key, const char *pattern)
{
	if (strcmp(pattern, "*") != 0 && !lists_pattern_matches(view->union_list, pattern))
		diag(d->options->diag, DIAG_WARNING, "daemon", NULL, "\"%s\": \"%s\" means none of the %zu logs that are listed; `ctwatch logs` has their names", key,
		     pattern, view->union_list->n_logs);
}

void daemon_say_patterns(struct daemon *d, const struct lists_view *view)
{
	for (size_t i = 0; i < d->config->log_include.n; i++)
		say_pattern(d, view, "logs.include", d->config->log_include.items[i]);
	for (size_t i = 0; i < d->config->log_exclude.n; i++)
		say_pattern(d, view, "logs.exclude", d->config->log_exclude.items[i]);
}

static void on_note(void *ctx, const char *sentence)
{
	struct daemon *d = ctx;

	diag(d->options->diag, DIAG_NOTICE, "config", NULL, "%s", sentence);
}

void daemon_banner(struct daemon *d, const struct lists_view *view)
{
	config_each_note(d->config, on_note, d);
	say_logs(d, view);
	daemon_say_patterns(d, view);
	say_rules(d);
	say_sinks(d);
	if (d->config->contact == NULL || d->config->contact[0] == '\0')
		diag(d->options->diag, DIAG_WARNING, "daemon", NULL,
		     "no contact is configured: logs put readers without a mail address into one slow lane; set \"contact\"");
}

void daemon_summary(struct daemon *d)
{
	size_t n = 0, n_behind = 0, n_wrong = 0, n_started = 0;
	uint64_t entries = 0;
	char text[TIME_TEXT_LEN];

	for (struct followed *f = d->followed; f != NULL; f = f->next) {
		struct watcher_status status;

		watcher_status(f->watcher, &status);
		n++;
		entries += status.entries_read;
		n_behind += status.outcome == WATCHER_LEFT_BEHIND;
		n_started += status.outcome == WATCHER_STARTED_AT_END;
		n_wrong += status.contradicted;
		if (status.contradicted)
			daemon_fail(d, 3);
	}
	if (n == 0)
		daemon_fail(d, 5);        /* whoever runs it by a timer must not take silence for an answer */
	if (d->options->scan != NULL)
		return;
	diag(d->options->diag, DIAG_NOTICE, "daemon", NULL, "read %s entries of %zu log%s", count_format(entries, text), n, n == 1 ? "" : "s");
	if (n_started > 0)
		diag(d->options->diag, DIAG_NOTICE, "daemon", NULL, "%zu log%s only had the place recorded where reading starts, at the end; the next run reads on from there", n_started,
		     n_started == 1 ? "" : "s");
	if (n_behind > 0)
		diag(d->options->diag, DIAG_WARNING, "daemon", NULL, "%zu log%s left behind: `ctwatch logs` says why", n_behind, n_behind == 1 ? " was" : "s were");
	if (n_wrong > 0)
		diag(d->options->diag, DIAG_WARNING, "daemon", NULL, "%zu log%s: `ctwatch incidents` has the evidence", n_wrong,
		     n_wrong == 1 ? " contradicts itself" : "s contradict themselves");
}
