/*
 * How good is the naming score? Recall of the published names (leave-one-out) and of names that gave no weights, false
 * alarms per million registrable domains on each background file. Every background is cut in two halves by hash: weights
 * come from one, alarms are counted on the other, both ways round.
 */
#include "learn.h"
#include "shared.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const int THRESHOLDS[] = { 90, 75, 60, 50 };
#define N_THRESHOLDS ARRAY_LEN(THRESHOLDS)

static const struct {
	const char *row, *path;
} BACKGROUNDS[] = {
	{ "new registrations", "corpora/benign-nrd.tsv.gz" },
	{ "certificate names", "corpora/benign-ct-hosts.txt.gz" },
	{ "top sites", "corpora/benign-top.tsv.gz" },
	{ "disposable mail", "corpora/grey-disposable.txt.gz" },
};

/* Names that Microsoft published for the same group in August 2022; they gave no weights. */
static const char *const UNSEEN_2022[] = {
	"cache-dns.com", "cache-dns-forwarding.com", "cache-dns-preview.com", "cache-docs.com", "cache-pdf.com",
	"cache-pdf.online", "cache-services.live", "cloud-docs.com", "cloud-drive.live", "cloud-storage.live", "docs-cache.com",
	"docs-forwarding.online", "docs-info.com", "docs-shared.com", "docs-shared.online", "docs-view.online",
	"document-forwarding.com", "document-online.live", "document-preview.com", "documents-cloud.com",
	"documents-cloud.online", "documents-forwarding.com", "document-share.live", "documents-online.live",
	"documents-pdf.online", "documents-preview.com", "documents-view.live", "document-view.live", "drive-docs.com",
	"drive-share.live", "goo-link.online", "hypertextteches.com", "mail-docs.online", "officeonline365.live",
	"online365-office.com", "online-document.live", "online-storage.live", "pdf-cache.com", "pdf-cache.online",
	"pdf-docs.online", "pdf-forwarding.online", "protection-checklinks.xyz", "protection-link.online",
	"protectionmail.online", "protection-office.live", "protect-link.online", "proton-docs.com", "proton-reader.com",
	"proton-viewer.com", "relogin-dashboard.online", "safe-connection.online", "safelinks-protect.live",
	"secureoffice.live", "webresources.live", "word-yand.live", "yandx-online.cloud", "y-ml.co", "docs-drive.online",
	"docs-info.online", "cloud-mail.online", "onlinecloud365.live", "pdf-cloud.online", "pdf-shared.online",
	"proton-pdf.online", "proton-view.online", "office365-online.live", "doc-viewer.com", "file-milgov.systems",
	"office-protection.online",
};

struct names {
	struct slice text;
	const char *row;
};

struct bench {
	struct suffix_table *suffixes;
	struct text_list actor, theme, unrelated;
	struct names files[ARRAY_LEN(BACKGROUNDS)];
};

static bool take_line(struct slice *text, struct slice *name)
{
	ptrdiff_t end;

	if (text->len == 0)
		return false;
	end = slice_find(*text, '\n');
	*name = slice_sub(*text, 0, end < 0 ? text->len : (size_t)end);
	*text = slice_sub(*text, end < 0 ? text->len : (size_t)end + 1, text->len);

	ptrdiff_t tab = slice_find(*name, '\t');

	if (tab >= 0)
		name->len = (size_t)tab;
	return true;
}

/* Of the registrable domain, so that a host and its domain fall into the same half. */
static int half_of(const struct name_view *view)
{
	struct hash h = sha256(view_registrable_domain(view));

	return h.bytes[0] & 1;
}

static struct background *count_half(const struct bench *b, int half)
{
	struct background *bg = background_new();

	for (size_t i = 0; i < ARRAY_LEN(BACKGROUNDS); i++) {
		struct slice rest = b->files[i].text, name;

		while (take_line(&rest, &name)) {
			struct name_view view;

			view_init(&view, name, b->suffixes);
			if (view.has_registrable && (half < 0 || half_of(&view) == half))
				background_add(bg, name, b->suffixes);
		}
	}
	return bg;
}

static struct naming_model model_of(const struct bench *b, const struct background *bg, size_t leave_out)
{
	struct learn_input input = { &b->actor, &b->theme, &b->unrelated };
	struct error err = { 0 };
	struct text_list warnings = { 0 };
	struct source src = { "learned", { 0 }, &warnings, &err, false };
	struct node root = { .value = naming_learn(&input, bg, b->suffixes, leave_out) };
	struct naming_model model;

	if (!naming_read(&src, &root, &model)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	json_decref(root.value);
	return model;
}

static int score_of(const struct bench *b, const struct naming_model *model, struct slice name)
{
	struct name_view view;

	view_init(&view, name, b->suffixes);
	return naming_score(model, &view, NULL);
}

static void print_row(const char *row, int threshold, double value, const char *unit, const char *aim)
{
	bool alarms = strcmp(unit, "per million") == 0;

	printf("{\"bench\":\"detection\",\"group\":\"naming score: %s\",\"row\":\"%s, score >= %d\",\"value\":%.0f,\"unit\":\"%s\"%s%s%s}\n",
	       alarms ? "registrable domains that mean no harm, weights from the other half of them" : "the actor's names", row, threshold, value, unit, aim ? ",\"aim\":\"" : "", aim ? aim : "", aim ? "\"" : "");
}

static void recall(const struct bench *b, struct background *const halves[2])
{
	size_t loo[N_THRESHOLDS] = { 0 }, in_sample[N_THRESHOLDS] = { 0 }, unseen[N_THRESHOLDS] = { 0 };
	struct naming_model whole = model_of(b, halves[0], SIZE_MAX);

	for (size_t i = 0; i < b->actor.n; i++) {
		struct naming_model without = model_of(b, halves[0], i);
		int l = score_of(b, &without, slice_text(b->actor.items[i])), s = score_of(b, &whole, slice_text(b->actor.items[i]));

		for (size_t t = 0; t < N_THRESHOLDS; t++) {
			loo[t] += l >= THRESHOLDS[t];
			in_sample[t] += s >= THRESHOLDS[t];
		}
		if (getenv("CTWATCH_BENCH_NAMES"))
			fprintf(stderr, "%4d %4d %s\n", l, s, b->actor.items[i]);
		naming_deinit(&without);
	}
	for (size_t i = 0; i < ARRAY_LEN(UNSEEN_2022); i++)
		for (size_t t = 0; t < N_THRESHOLDS; t++)
			unseen[t] += score_of(b, &whole, slice_text(UNSEEN_2022[i])) >= THRESHOLDS[t];
	for (size_t t = 0; t < N_THRESHOLDS; t++) {
		bool flags = THRESHOLDS[t] == SCORE_MEDIUM;

		print_row("38 published, leave-one-out", THRESHOLDS[t], (double)loo[t], "of 38", flags ? ">= 31" : NULL);
		print_row("38 published, in sample", THRESHOLDS[t], (double)in_sample[t], "of 38", NULL);
		print_row("69 of August 2022 that gave no weights", THRESHOLDS[t], 100.0 * (double)unseen[t] / (double)ARRAY_LEN(UNSEEN_2022),
			  "%", flags ? ">= 60" : NULL);
	}
	naming_deinit(&whole);
}

struct tally {
	size_t names, over[N_THRESHOLDS];
	json_t *names_by_tld, *over_by_tld;
};

static void count_up(json_t *counts, struct slice key)
{
	char *text = slice_dup_text(key);

	json_object_set_new(counts, text, json_integer(json_integer_value(json_object_get(counts, text)) + 1));
	free(text);
}

static void count_alarms(const struct bench *b, const struct naming_model *model, size_t file, int half, struct tally *tally)
{
	struct background *seen = background_new();
	struct slice rest = b->files[file].text, name;

	while (take_line(&rest, &name)) {
		struct name_view view;
		struct slice tld;
		int score;

		view_init(&view, name, b->suffixes);
		if (!view.has_registrable || half_of(&view) != half || !background_add(seen, name, b->suffixes))
			continue;
		tld = slice_sub(view.name, view.labels[view.n_labels - 1].start, view.name.len);
		score = naming_score(model, &view, NULL);
		tally->names++;
		count_up(tally->names_by_tld, tld);
		for (size_t t = 0; t < N_THRESHOLDS; t++)
			tally->over[t] += score >= THRESHOLDS[t];
		if (score >= SCORE_MEDIUM)
			count_up(tally->over_by_tld, tld);
		if (score >= SCORE_MEDIUM && getenv("CTWATCH_BENCH_NAMES"))
			fprintf(stderr, "%4d %.*s (%s)\n", score, SLICE_ARGS(name), BACKGROUNDS[file].row);
	}
	background_free(seen);
}

static double per_million(size_t n, size_t of)
{
	return of ? 1e6 * (double)n / (double)of : 0;
}

static void alarms(const struct bench *b, struct background *const halves[2])
{
	static const char *const AIMS[] = { "<= 200", "<= 100", "<= 450", NULL };

	for (size_t i = 0; i < ARRAY_LEN(BACKGROUNDS); i++) {
		struct tally tally = { .names_by_tld = json_object(), .over_by_tld = json_object() };
		const char *tld;
		json_t *value;

		for (int half = 0; half < 2; half++) {
			struct naming_model model = model_of(b, halves[half], SIZE_MAX);

			count_alarms(b, &model, i, !half, &tally);
			naming_deinit(&model);
		}
		for (size_t t = 0; t < N_THRESHOLDS; t++)
			print_row(BACKGROUNDS[i].row, THRESHOLDS[t], per_million(tally.over[t], tally.names), "per million",
				  THRESHOLDS[t] == SCORE_MEDIUM ? AIMS[i] : NULL);
		/* of the names in that top-level domain: the certificate names at hand hold no .com */
		json_object_foreach(tally.over_by_tld, tld, value) {
			char row[120];

			snprintf(row, sizeof(row), "%s in .%s", BACKGROUNDS[i].row, tld);
			print_row(row, SCORE_MEDIUM,
				  per_million((size_t)json_integer_value(value), (size_t)json_integer_value(json_object_get(tally.names_by_tld, tld))),
				  "per million", i == 0 && !strcmp(tld, "com") ? "<= 450" : NULL);
		}
		json_decref(tally.names_by_tld);
		json_decref(tally.over_by_tld);
	}
}

static bool load(struct bench *b)
{
	struct error err = { 0 };
	struct slice actor = shared_file("tag53/indicators.json");
	json_t *indicators, *value;
	size_t i;

	if (!actor.data)
		return false;
	for (i = 0; i < ARRAY_LEN(BACKGROUNDS); i++)
		b->files[i].text = shared_file(BACKGROUNDS[i].path);
	indicators = json_loadb((const char *)actor.data, actor.len, 0, NULL);
	json_array_foreach(json_object_get(indicators, "domains"), i, value)
		text_list_add(&b->actor, json_string_value(value));
	json_decref(indicators);

	FILE *in = fopen(CTWATCH_SOURCE_DIR "/rules/learn/tag53.input.json", "r");
	json_t *pack = in ? json_loadf(in, 0, NULL) : NULL, *naming = json_object_get(pack, "naming");

	json_array_foreach(json_object_get(naming, "theme"), i, value)
		text_list_add(&b->theme, json_string_value(value));
	json_array_foreach(json_object_get(naming, "unrelated"), i, value)
		text_list_add(&b->unrelated, json_string_value(value));
	json_decref(pack);
	if (in)
		fclose(in);

	struct slice list = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");

	b->suffixes = suffix_table_new(list, "shared", &err);
	free((void *)list.data);
	free((void *)actor.data);
	return b->suffixes && b->theme.n > 0;
}

int main(void)
{
	struct bench b = { 0 };
	struct background *halves[2];

	if (!load(&b)) {
		fprintf(stderr, "skipped: no ../shared\n");
		return 0;
	}
	halves[0] = count_half(&b, 0);
	halves[1] = count_half(&b, 1);
	recall(&b, halves);
	alarms(&b, halves);
	for (size_t i = 0; i < 2; i++)
		background_free(halves[i]);
	for (size_t i = 0; i < ARRAY_LEN(BACKGROUNDS); i++)
		free((void *)b.files[i].text.data);
	text_list_deinit(&b.actor);
	text_list_deinit(&b.theme);
	text_list_deinit(&b.unrelated);
	suffix_table_free(b.suffixes);
	return 0;
}
