/* Brand files: the organisations that a user watches over. Format: docs/RULES.md. */
#include "rule_config.h"
#include "lookalike.h"

#include <stdlib.h>
#include <string.h>

/* Brand files that do not say otherwise. */
static const char *const USUAL_KEYWORD_SETS[] = { "service", "legal", "geo" };

struct defaults {
	int min_score;                   /* -1: not said */
	struct text_list keyword_sets, issuers, expected_issuers, keywords, exclude_terms;
	bool has_keyword_sets;
	enum technique_mode *techniques;
};

struct file_form {
	struct rule_config *config;
	const struct suffix_table *suffixes;
	int64_t now_ms;
	const struct node *root;
	struct defaults defaults;
	/* the brand being read */
	struct brand_config brand;
	struct text_list keyword_sets;
	int min_score;
	int version;
	json_t *shown;
};

/* ---- small parts ------------------------------------------------------------------------------------------- */

static bool read_technique_modes(const struct source *src, const struct node *at, enum technique_mode **out)
{
	static const char *const MODES[] = { "off", "digest", "on" };
	const char *const *names = lookalike_techniques();
	size_t n = lookalike_n_techniques();
	const char *key;
	json_t *value;

	if (!source_want_object(src, at))
		return false;
	if (!*out)
		*out = xcalloc(n, sizeof(**out));
	json_object_foreach(at->value, key, value) {
		struct node member = source_member(at, key, value);
		const char *mode = json_is_string(value) ? json_string_value(value) : "", *near = text_nearest_of(key, names, n);
		size_t i, m;

		for (i = 0; i < n && strcmp(names[i], key) != 0; i++)
			;
		if (i == n)
			return source_error(src, &member, "there is no technique of this name%s%s%s", near ? ": did you mean \"" : "",
					    near ? near : "", near ? "\"?" : "");
		for (m = 0; m < ARRAY_LEN(MODES) && strcmp(MODES[m], mode) != 0; m++)
			;
		if (m == ARRAY_LEN(MODES))
			return source_error(src, &member, "technique \"%s\" may be \"off\", \"digest\" or \"on\"", key);
		(*out)[i] = (enum technique_mode)(TECHNIQUE_OFF + m);
	}
	return true;
}

struct exception_form {
	struct domain_exception exception;
	json_t *shown;
};

static bool read_exception_domain(const struct source *src, const struct node *at, void *out)
{
	struct domain_exception *exception = &((struct exception_form *)out)->exception;
	const char *text = json_is_string(at->value) ? json_string_value(at->value) : "";
	char domain[DNS_NAME_MAX + 1];
	struct given_name given;
	struct error ignored;

	if (!source_domain(src, at, domain))
		return false;
	exception->subtree = given_name_read(slice_text(text), &given, &ignored) && given.below;
	free(exception->domain);
	exception->domain = xstrdup(domain);
	return true;
}

static bool read_until(const struct source *src, const struct node *at, void *out)
{
	return source_time(src, at, &((struct exception_form *)out)->exception.until_ms);
}

static const struct member EXCEPTION_MEMBERS[] = {
	{ "domain", MEMBER_CUSTOM, 0, read_exception_domain, true },
	{ "reason", MEMBER_TEXT, offsetof(struct exception_form, exception.reason), NULL, true },
	{ "until", MEMBER_CUSTOM, 0, read_until, false },
	{ "author", MEMBER_JSON, offsetof(struct exception_form, shown), NULL, false },
	{ 0 },
};

/* Dead entries are kept out, and said. */
static bool read_exception(const struct source *src, const struct node *at, const char *what, int64_t now_ms, struct domain_exception *out,
			   bool *dead)
{
	struct exception_form form = { .exception.until_ms = INT64_MAX };
	bool ok = source_members(src, at, EXCEPTION_MEMBERS, what, &form);

	*dead = ok && form.exception.until_ms <= now_ms;
	if (*dead) {
		char time[TIME_TEXT_LEN];

		source_warn(src, at, "%s for %s ended on %.10s and no longer counts", what, form.exception.domain,
			    time_format_rfc3339(form.exception.until_ms, time));
	}
	if (!ok || *dead) {
		free(form.exception.domain);
		free(form.exception.reason);
		return ok;
	}
	*out = form.exception;
	return true;
}

static bool read_allow_entry(const struct source *src, const struct node *at, void *out)
{
	struct file_form *form = out;
	struct domain_exception exception;
	bool dead;

	if (!read_exception(src, at, "an \"allow\" entry", form->now_ms, &exception, &dead))
		return false;
	if (!dead)
		*CONFIG_PUSH(form->config->allow, form->config->n_allow) = exception;
	return true;
}

static bool read_allow(const struct source *src, const struct node *at, void *out)
{
	return source_each(src, at, read_allow_entry, out);
}

static bool read_exclude_entry(const struct source *src, const struct node *at, void *out)
{
	struct file_form *form = out;
	struct domain_exception exception;
	bool dead;

	if (!read_exception(src, at, "an \"exclude_domains\" entry", form->now_ms, &exception, &dead))
		return false;
	if (!dead)
		*CONFIG_PUSH(form->brand.exclude_domains, form->brand.n_exclude_domains) = exception;
	return true;
}

static bool read_exclude_domains(const struct source *src, const struct node *at, void *out)
{
	return source_each(src, at, read_exclude_entry, out);
}

/* ---- keyword sets --------------------------------------------------------------------------------------------- */

static bool read_keyword_sets(const struct source *src, const struct node *at, void *out)
{
	struct file_form *form = out;
	const char *key;
	json_t *value;

	if (!source_want_object(src, at))
		return false;
	json_object_foreach(at->value, key, value) {
		struct node member = source_member(at, key, value);
		struct text_list words = { 0 };
		struct keyword_set *set;

		if (!source_words(src, &member, &words)) {
			text_list_deinit(&words);
			return false;
		}
		set = xcalloc(1, sizeof(*set));
		*set = (struct keyword_set){ xstrdup(key), (const char *const *)words.items, words.n };
		*CONFIG_PUSH(form->config->sets, form->config->n_sets) = set;
	}
	return true;
}

static const struct keyword_set *find_set(const struct rule_config *config, const char *name)
{
	/* the last definition stands, so that a file may have a set of its own by the name of another file's */
	for (size_t i = config->n_sets; i > 0; i--)
		if (!strcmp(config->sets[i - 1]->name, name))
			return config->sets[i - 1];
	return keyword_set_builtin(name);
}

static bool use_set(const struct source *src, const struct node *at, const struct rule_config *config, const char *name,
		    struct brand_config *brand)
{
	const struct keyword_set *set = find_set(config, name);
	const char *words[64], *near;
	size_t n = 0;

	if (set) {
		brand->keyword_sets = xreallocarray(brand->keyword_sets, brand->n_keyword_sets + 1, sizeof(*brand->keyword_sets));
		brand->keyword_sets[brand->n_keyword_sets++] = set;
		return true;
	}
	for (const char *const *p = keyword_set_builtin_names(); *p && n < ARRAY_LEN(words); p++)
		words[n++] = *p;
	for (size_t i = 0; i < config->n_sets && n < ARRAY_LEN(words); i++)
		words[n++] = config->sets[i]->name;
	near = text_nearest_of(name, words, n);
	return source_error(src, at, "there is no keyword set \"%s\"%s%s%s", name, near ? ": did you mean \"" : "", near ? near : "",
			    near ? "\"?" : "");
}

/* ---- brands --------------------------------------------------------------------------------------------------- */

static bool read_brand_techniques(const struct source *src, const struct node *at, void *out)
{
	return read_technique_modes(src, at, &((struct file_form *)out)->brand.techniques);
}

#define FORM(name) offsetof(struct file_form, name)

static const struct member BRAND_MEMBERS[] = {
	{ "id", MEMBER_TEXT, FORM(brand.id), NULL, false },
	{ "name", MEMBER_TEXT, FORM(brand.name), NULL, true },
	{ "sectors", MEMBER_TEXTS, FORM(brand.sectors), NULL, false },
	{ "terms", MEMBER_WORDS, FORM(brand.terms), NULL, false },
	{ "aliases", MEMBER_WORDS, FORM(brand.aliases), NULL, false },
	{ "native", MEMBER_WORDS, FORM(brand.native), NULL, false },
	{ "ordinary_terms", MEMBER_WORDS, FORM(brand.ordinary_terms), NULL, false },
	{ "official_domains", MEMBER_DOMAINS, FORM(brand.official_domains), NULL, false },
	{ "keywords", MEMBER_WORDS, FORM(brand.keywords), NULL, false },
	{ "keyword_sets", MEMBER_TEXTS, FORM(keyword_sets), NULL, false },
	{ "exclude_terms", MEMBER_WORDS, FORM(brand.exclude_terms), NULL, false },
	{ "exclude_domains", MEMBER_CUSTOM, 0, read_exclude_domains, false },
	{ "issuers", MEMBER_TEXTS, FORM(brand.issuers), NULL, false },
	{ "expected_issuers", MEMBER_TEXTS, FORM(brand.expected_issuers), NULL, false },
	{ "techniques", MEMBER_CUSTOM, 0, read_brand_techniques, false },
	{ "min_score", MEMBER_SCORE, FORM(min_score), NULL, false },
	{ "note", MEMBER_TEXT, FORM(brand.note), NULL, false },
	{ 0 },
};

static void inherit_list(struct text_list *list, const struct text_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		text_list_add(list, from->items[i]);
}

/* Scalars and who issues: the brand's word stands instead of the default's; lists of words: both count. */
static bool inherit(const struct source *src, const struct node *at, struct file_form *form)
{
	const struct defaults *d = &form->defaults;
	struct brand_config *b = &form->brand;

	b->min_score = form->min_score >= 0 ? form->min_score : d->min_score >= 0 ? d->min_score : SCORE_MEDIUM;
	if (b->issuers.n == 0)
		inherit_list(&b->issuers, &d->issuers);
	if (b->issuers.n == 0)
		text_list_add(&b->issuers, "Let's Encrypt");
	if (b->expected_issuers.n == 0)
		inherit_list(&b->expected_issuers, &d->expected_issuers);
	inherit_list(&b->keywords, &d->keywords);
	inherit_list(&b->exclude_terms, &d->exclude_terms);
	if (!b->techniques)
		b->techniques = xcalloc(lookalike_n_techniques(), sizeof(*b->techniques));
	for (size_t i = 0; d->techniques && i < lookalike_n_techniques(); i++)
		if (b->techniques[i] == TECHNIQUE_DEFAULT)
			b->techniques[i] = d->techniques[i];
	for (size_t i = 0; !d->has_keyword_sets && i < ARRAY_LEN(USUAL_KEYWORD_SETS); i++)
		text_list_add(&form->keyword_sets, USUAL_KEYWORD_SETS[i]);
	inherit_list(&form->keyword_sets, &d->keyword_sets);
	for (size_t i = 0; i < form->keyword_sets.n; i++)
		if (!use_set(src, at, form->config, form->keyword_sets.items[i], b))
			return false;
	return true;
}

static bool finish_brand(const struct source *src, const struct node *at, struct file_form *form)
{
	struct brand_config *b = &form->brand;
	struct node named = *at;

	if (!b->id)
		b->id = brand_slug(b->name);
	if (json_object_get(at->value, "id"))
		named = source_member(at, "id", json_object_get(at->value, "id"));
	if (!b->id[0] || strlen(b->id) > 64 || b->id[strspn(b->id, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return source_error(src, &named, "the brand needs an \"id\" of a-z, 0-9 and hyphens, up to 64 of them");
	if (!rule_config_claim_id(form->config, src, &named, b->id) || !inherit(src, at, form))
		return false;
	if (b->terms.n == 0)
		brand_derive_terms(b, form->suffixes);
	if (b->terms.n == 0 && b->native.n == 0)
		return source_error(src, at, "\"%s\" gives no term to look for: list \"terms\" or \"official_domains\"", b->name);
	/* an empty list says that nobody knows them; none at all may have been forgotten */
	if (b->official_domains.n == 0 && !json_object_get(at->value, "official_domains"))
		source_warn(src, at, "\"%s\" has no \"official_domains\": its own certificates may be reported, and the domain inside other names is not found",
			    b->name);
	return true;
}

/* "acme.com": letters, a dot, letters. "J.P. Morgan" is none. */
static bool looks_like_domain(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot != NULL && dot > text + 1 && strlen(dot) > 2 && strchr(text, ' ') == NULL;
}

/* A term is looked for inside labels: a URL or a mailbox is none, and a domain is found only where it is written as one word. */
static bool terms_are_labels(const struct source *src, const struct node *at)
{
	static const char *const keys[] = { "terms", "aliases" };

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		struct node list = source_member(at, keys[k], json_object_get(at->value, keys[k]));

		for (size_t i = 0; i < json_array_size(list.value); i++) {
			struct node term = source_element(&list, i);
			char shown[120];

			text_escape(slice_text(json_string_value(term.value)), shown, sizeof(shown));
			if (looks_like_domain(json_string_value(term.value)))
				source_warn(src, &term, "\"%s\" looks like a domain; as a term it is found only where it is written together, without its dot", shown);
			if (strpbrk(json_string_value(term.value), "/:@*\\") == NULL)
				continue;
			return source_error(src, &term, "\"%s\" is no term: terms are words inside names, such as \"acme\"; put a domain under \"official_domains\"", shown);
		}
	}
	return true;
}

static bool read_brand(const struct source *src, const struct node *at, void *out)
{
	struct file_form *form = out;
	bool ok;

	form->brand = (struct brand_config){ .source = xstrdup(src->name) };
	form->keyword_sets = (struct text_list){ 0 };
	form->min_score = -1;
	ok = source_members(src, at, BRAND_MEMBERS, "a brand", form) && terms_are_labels(src, at) && finish_brand(src, at, form);
	text_list_deinit(&form->keyword_sets);
	*CONFIG_PUSH(form->config->brands, form->config->n_brands) = form->brand;
	return ok;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static bool read_default_techniques(const struct source *src, const struct node *at, void *out)
{
	return read_technique_modes(src, at, &((struct defaults *)out)->techniques);
}

static bool read_defaults(const struct source *src, const struct node *at, void *out)
{
	static const struct member MEMBERS[] = {
		{ "min_score", MEMBER_SCORE, offsetof(struct defaults, min_score), NULL, false },
		{ "keyword_sets", MEMBER_TEXTS, offsetof(struct defaults, keyword_sets), NULL, false },
		{ "keywords", MEMBER_WORDS, offsetof(struct defaults, keywords), NULL, false },
		{ "exclude_terms", MEMBER_WORDS, offsetof(struct defaults, exclude_terms), NULL, false },
		{ "issuers", MEMBER_TEXTS, offsetof(struct defaults, issuers), NULL, false },
		{ "expected_issuers", MEMBER_TEXTS, offsetof(struct defaults, expected_issuers), NULL, false },
		{ "techniques", MEMBER_CUSTOM, 0, read_default_techniques, false },
		{ 0 },
	};
	struct defaults *defaults = &((struct file_form *)out)->defaults;

	defaults->has_keyword_sets = json_object_get(at->value, "keyword_sets") != NULL;
	return source_members(src, at, MEMBERS, "\"defaults\"", defaults);
}

/* Read after the rest of the file, whatever the order of its members: brands lean on defaults and sets. */
static bool brands_come_last(const struct source *src, const struct node *at, void *out)
{
	(void)out;
	return source_want_array(src, at);
}

static const struct member FILE_MEMBERS[] = {
	{ "version", MEMBER_POINTS, FORM(version), NULL, false },
	{ "defaults", MEMBER_CUSTOM, 0, read_defaults, false },
	{ "keyword_sets", MEMBER_CUSTOM, 0, read_keyword_sets, false },
	{ "allow", MEMBER_CUSTOM, 0, read_allow, false },
	{ "brands", MEMBER_CUSTOM, 0, brands_come_last, true },
	{ "note", MEMBER_JSON, FORM(shown), NULL, false },
	{ "sources", MEMBER_JSON, FORM(shown), NULL, false },
	{ "published", MEMBER_JSON, FORM(shown), NULL, false },
	{ 0 },
};

/* What `rules list` and the start of `run` say of the file. */
static void note_file(const struct source *src, const struct node *root, size_t n_brands, struct rule_config *config)
{
	const char *published = json_string_value(json_object_get(root->value, "published"));

	if (config->brand_files == NULL)
		config->brand_files = json_array();
	json_array_append_new(config->brand_files, json_pack("{s:s, s:I, s:s*}", "source", src->name, "brands", (json_int_t)n_brands, "published", published));
}

bool brand_file_read(const struct source *src, const struct node *root, const struct suffix_table *suffixes, int64_t now_ms,
		     struct rule_config *config)
{
	struct file_form form = { .config = config, .suffixes = suffixes, .now_ms = now_ms, .root = root, .version = 1 };
	struct node brands = source_member(root, "brands", json_object_get(root->value, "brands"));
	struct node version = source_member(root, "version", json_object_get(root->value, "version"));
	bool ok;

	form.defaults.min_score = -1;
	ok = source_members(src, root, FILE_MEMBERS, "a brand file", &form);
	if (ok && form.version != 1)
		ok = source_error(src, &version, "version %d is not known here: this program reads version 1", form.version);
	ok = ok && source_each(src, &brands, read_brand, &form);
	if (ok)
		note_file(src, root, json_array_size(brands.value), config);
	text_list_deinit(&form.defaults.keyword_sets);
	text_list_deinit(&form.defaults.issuers);
	text_list_deinit(&form.defaults.expected_issuers);
	text_list_deinit(&form.defaults.keywords);
	text_list_deinit(&form.defaults.exclude_terms);
	free(form.defaults.techniques);
	return ok;
}
