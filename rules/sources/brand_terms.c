/* What to look for when a brand file gives only a name and the real domains. */
#include "rule_config.h"

#include <stdlib.h>
#include <string.h>

/* Said of a company, not its name; compared after the name was cut into lower-case words. */
static const char *const LEGAL_FORMS[] = {
	"ab", "ag", "as", "asa", "bv", "co", "company", "corp", "corporation", "doo", "ev", "gmbh", "group", "holding", "holdings", "inc",
	"incorporated", "kft", "kg", "kgaa", "limited", "llc", "llp", "ltd", "nv", "oao", "ohg", "ooo", "oy", "oyj", "pao", "plc", "pte",
	"pty", "pvt", "sa", "sas", "se", "sl", "spa", "srl", "sro", "zao",
};

#define TERM_LETTERS_MIN 3
#define NAME_TERM_LETTERS_MAX 24   /* nobody registers the whole of a longer name */
#define NAME_WORDS_MAX 16

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *brand_slug(const char *name)
{
	char *slug = xmalloc(strlen(name) + 1);
	size_t n = 0;

	for (; *name; name++) {
		char c = to_lower(*name);

		if (is_alnum(c))
			slug[n++] = c;
		else if (n > 0 && slug[n - 1] != '-' && c != '\'')
			slug[n++] = '-';
	}
	while (n > 0 && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	return slug;
}

static bool is_legal_form(struct slice word)
{
	for (size_t i = 0; i < ARRAY_LEN(LEGAL_FORMS); i++)
		if (slice_equal_text(word, LEGAL_FORMS[i]))
			return true;
	return false;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* "Commission for ... (CIJA)": what stands in parentheses is an abbreviation, a term of its own. */
static char *cut_abbreviation(char *name, struct text_list *terms)
{
	char *open = strchr(name, '('), *close = open ? strchr(open, ')') : NULL;

	if (!close)
		return name;
	*close = *open = '\0';

	char *slug = brand_slug(open + 1);

	if (strlen(slug) >= TERM_LETTERS_MIN && !strchr(slug, '-'))
		text_list_add(terms, slug);
	free(slug);
	return name;
}

static void term_of_name(struct brand_config *b)
{
	char *name, *slug, joined[NAME_TERM_LETTERS_MAX + 1];
	struct name_part words[NAME_WORDS_MAX];
	size_t n, len = 0;

	/* letters of other scripts have no plain form to look for: "native" is for them */
	if (!is_ascii(b->name))
		return;
	name = cut_abbreviation(xstrdup(b->name), &b->terms);
	slug = brand_slug(name);
	if (strlen(slug) > DNS_NAME_MAX)
		slug[DNS_NAME_MAX] = '\0';

	struct slice text = slice_text(slug);

	n = label_terms(text, (struct name_part){ 0, (uint8_t)text.len }, words, NAME_WORDS_MAX);
	while (n > 1 && is_legal_form(slice_sub(text, words[n - 1].start, words[n - 1].end)))
		n--;
	for (size_t i = 0; i < n; i++) {
		size_t word_len = (size_t)(words[i].end - words[i].start);

		if (len + word_len > NAME_TERM_LETTERS_MAX) {
			len = 0;
			break;
		}
		memcpy(joined + len, text.data + words[i].start, word_len);
		len += word_len;
	}
	joined[len] = '\0';
	if (len >= TERM_LETTERS_MIN)
		text_list_add(&b->terms, joined);
	free(slug);
	free(name);
}

static void term_of_domain(struct brand_config *b, const char *domain, const struct suffix_table *suffixes)
{
	struct name_view view;
	struct slice label;
	char text[DNS_NAME_MAX * 4 + 1];

	view_init(&view, slice_text(domain), suffixes);
	label = view_registrable_label(&view);
	if (label.len < TERM_LETTERS_MIN)
		return;
	if (!slice_starts_with(label, SLICE_LITERAL("xn--"))) {
		text_list_add_slice(&b->terms, label);
		return;
	}
	dns_name_to_unicode(label, text, sizeof(text));
	if (!is_ascii(text))
		text_list_add(&b->native, text);
}

void brand_derive_terms(struct brand_config *b, const struct suffix_table *suffixes)
{
	b->terms_derived = true;
	for (size_t i = 0; i < b->official_domains.n; i++)
		term_of_domain(b, b->official_domains.items[i], suffixes);
	term_of_name(b);
}
