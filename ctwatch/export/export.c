/* What is exported, in which order; the formats say how. See export.h. */
#include "export.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "published.h"

#define EXPIRE_MS (INT64_C(90) * 86400000)

extern const struct export_format export_suricata, export_rpz, export_hosts, export_stix, export_misp, export_csv;

const struct export_format *const EXPORT_FORMATS[] = {
	&export_suricata, &export_rpz, &export_hosts, &export_stix, &export_misp, &export_csv, NULL,
};

const struct export_format *export_format_find(const char *name)
{
	for (size_t i = 0; EXPORT_FORMATS[i] != NULL; i++)
		if (strcmp(EXPORT_FORMATS[i]->name, name) == 0)
			return EXPORT_FORMATS[i];
	return NULL;
}

bool export_plain_name(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len > 253)
		return false;
	for (; *name != '\0'; name++) {
		bool plain = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '-' || *name == '_';

		if (*name == '.' ? label == 0 : !plain)
			return false;
		label = *name == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

char *export_plain_word(const char *text, char out[EXPORT_WORD_LEN])
{
	size_t len = 0;

	for (; *text != '\0' && len + 1 < EXPORT_WORD_LEN; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') || strchr("-_./", *text) != NULL;

		out[len++] = plain ? *text : '_';
	}
	out[len] = '\0';
	return out;
}

void uuid_v5(const uint8_t space[16], struct slice text, char out[37])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[33];

	EVP_DigestInit_ex(ctx, EVP_sha1(), NULL);
	EVP_DigestUpdate(ctx, space, 16);
	EVP_DigestUpdate(ctx, text.data, text.len);
	EVP_DigestFinal_ex(ctx, hash, NULL);
	EVP_MD_CTX_free(ctx);
	hash[6] = (uint8_t)(0x50 | (hash[6] & 0x0f));
	hash[8] = (uint8_t)(0x80 | (hash[8] & 0x3f));
	hex_encode(hash, 16, hex);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* ---- what there is ----------------------------------------------------------------------------------- */

/* Facts of so many items are kept in one transaction: few enough that a running daemon hardly waits for it. */
#define ITEMS_PER_COMMIT 200

struct running {
	struct exporter *x;
	struct error *err;
	bool ok;
	bool confirmed;                   /* this pass: the confirmed ones, or all others */
	bool two_passes;
	struct export_seen written;       /* ids of findings about published names */
	size_t n_uncommitted;
};

static void look_at_name(struct export_item *item)
{
	uint8_t address[16];

	item->is_ipv6 = inet_pton(AF_INET6, item->name, address) == 1;
	item->is_address = item->is_ipv6 || inet_pton(AF_INET, item->name, address) == 1;
}

/* A snapshot for reading; short transactions for formats that keep numbers. */
static bool commit_some(struct running *running)
{
	struct exporter *x = running->x;

	if (!x->format->needs_write || ++running->n_uncommitted < ITEMS_PER_COMMIT)
		return true;
	running->n_uncommitted = 0;
	return state_commit(x->state, running->err) && state_begin(x->state, running->err);
}

static bool put(struct running *running, const struct export_item *item)
{
	struct exporter *x = running->x;
	bool sure = item->confirmed || item->published;

	if (item->expires_ms <= x->options->now_ms || (x->format->blocks && !sure && !x->options->unconfirmed)) {
		x->result.left_out++;
		return true;
	}
	if (x->format->once_a_name && export_seen_add(&x->seen, item->name))
		return true;
	uint64_t left_out = x->result.left_out;
	if (!x->format->item(x, item, running->err))
		return false;
	x->result.written += left_out == x->result.left_out;
	if (item->finding != NULL && export_seen_has(&x->published->names, item->name))
		export_seen_add(&running->written, item->id);
	return commit_some(running);
}

/*
 * What is to be watched for: the registrable domain, which whoever registered it controls. Of published indicators only the name
 * itself where the domain was not published: it may belong to somebody else.
 */
static const char *name_of(const struct exporter *x, const struct finding *finding)
{
	if (strcmp(finding->kind, "indicator") != 0 || export_seen_has(&x->published->names, finding->registrable_domain))
		return finding->registrable_domain;
	return strncmp(finding->name, "*.", 2) == 0 ? finding->name + 2 : finding->name;
}

static bool last_word(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	int64_t *changed_ms = ctx;

	(void)finding, (void)action, (void)who, (void)why;
	if (at_ms > *changed_ms)
		*changed_ms = at_ms;
	return true;
}

static bool on_finding(void *ctx, const struct finding *finding)
{
	struct running *running = ctx;
	const struct export_options *options = running->x->options;
	struct export_item item = {
		.name = name_of(running->x, finding),
		.confirmed = strcmp(finding->status, "confirmed") == 0,
		.rule = finding->rule,
		.kind = finding->kind,
		.brand = finding->brand,
		.technique = finding->technique,
		.status = finding->status,
		.evidence_json = finding->evidence_json,
		.actor = published_actor(running->x->published, finding->rule),
		.score = finding->score,
		.first_seen_ms = finding->first_seen_ms,
		.last_seen_ms = finding->last_seen_ms,
		.changed_ms = finding->last_seen_ms,
		.expires_ms = finding->last_seen_ms + (options->expire_ms > 0 ? options->expire_ms : EXPIRE_MS),
		.finding = finding,
	};

	if (running->two_passes && item.confirmed != running->confirmed)
		return true;
	/* these are no indicators of anybody: an official domain, a watched name, an entry that cannot be read */
	if (strcmp(finding->kind, "own") == 0 || strcmp(finding->kind, "watch") == 0 || strcmp(finding->kind, "unreadable") == 0) {
		running->x->result.left_out++;
		return true;
	}
	memcpy(item.id, finding->id, sizeof(item.id));
	look_at_name(&item);
	running->ok = state_each_triage(running->x->state, finding->id, 0, 0, last_word, &item.changed_ms, running->err) && put(running, &item);
	return running->ok;
}

/*
 * The published names do not expire by being seen; a list that nobody renews should. They hold to the end of a calendar year that is
 * still EXPIRE_MS away, so that a daily export does not change them daily.
 */
static int64_t published_until(int64_t now_ms, int64_t expire_ms, int *year)
{
	int month, day, hour, minute, second, ms;

	time_to_civil(now_ms + expire_ms, year, &month, &day, &hour, &minute, &second, &ms);
	return time_from_civil(*year + 1, 1, 1, 0, 0, 0);
}

/* An analyst's word about a published name stands above who published it. */
static bool is_dismissed(struct state *st, const char *id)
{
	struct finding finding;
	struct error none;

	if (!state_get_finding(st, id, &finding, &none))
		return false;
	bool dismissed = strcmp(finding.status, "dismissed") == 0;
	finding_deinit(&finding);
	return dismissed;
}

static bool put_published(void *ctx, const char *rule, const char *name, const char *published)
{
	struct running *running = ctx;
	const struct export_options *options = running->x->options;
	struct export_item item = {
		.name = name,
		.published = true,
		.rule = rule,
		.kind = "indicator",
		.status = "published",
		.actor = published_actor(running->x->published, rule),
		.score = 100,
	};
	char *day = xasprintf("%s%s", published != NULL ? published : "2022-12", published == NULL || strlen(published) == 7 ? "-01" : "");
	int year;

	time_parse_rfc3339(slice_text(day), &item.first_seen_ms);
	free(day);
	item.expires_ms = published_until(options->now_ms, options->expire_ms > 0 ? options->expire_ms : EXPIRE_MS, &year);
	item.last_seen_ms = item.first_seen_ms;
	item.changed_ms = time_from_civil(year - 1, 1, 1, 0, 0, 0);
	if (item.changed_ms < item.first_seen_ms)
		item.changed_ms = item.first_seen_ms;
	finding_id(rule, name, item.id);
	look_at_name(&item);
	if (export_seen_has(&running->written, item.id))
		return true;
	if (is_dismissed(running->x->state, item.id)) {
		running->x->result.left_out++;
		return true;
	}
	running->ok = put(running, &item);
	return running->ok;
}

/*
 * Who is confirmed comes first, then what was published, then the rest: where a format says each name once, the surest word
 * about it stands. A finding about a published name stands for the published one.
 */
static bool put_all(struct running *running)
{
	struct exporter *x = running->x;
	struct finding_filter filter = x->options->filter;

	filter.all = false;
	filter.exclude_dismissed = true;
	running->two_passes = x->format->once_a_name;
	running->confirmed = true;
	if (running->two_passes && (!state_each_finding(x->state, &filter, on_finding, running, running->err) || !running->ok))
		return false;
	if (running->two_passes && x->options->with_published && !published_each(x->published, put_published, running))
		return false;
	running->confirmed = false;
	if (!state_each_finding(x->state, &filter, on_finding, running, running->err) || !running->ok)
		return false;
	return running->two_passes || !x->options->with_published || published_each(x->published, put_published, running);
}

bool export_write(struct state *st, const struct export_format *format, const struct export_options *options, FILE *out, struct export_result *result, struct error *err)
{
	struct published published;
	struct exporter x = { .format = format, .options = options, .state = st, .out = out, .published = &published };
	struct running running = { .x = &x, .err = err, .ok = true };

	if (!state_begin(st, err))
		return false;
	published_load(&published);
	bool begun = format->begin(&x, err), ok = begun && put_all(&running);
	if (begun && !format->end(&x, ok ? err : &(struct error){ 0 }))
		ok = false;
	if (ok && format->needs_write)
		ok = state_commit(st, err);
	if (!ok || !format->needs_write)
		state_abort(st);
	export_seen_deinit(&x.seen);
	export_seen_deinit(&running.written);
	published_deinit(&published);
	if (ok && (fflush(out) != 0 || ferror(out)))
		ok = error_set(err, ERR_FATAL, "the export cannot be written: %s", strerror(errno));
	if (ok)
		*result = x.result;
	return ok;
}
