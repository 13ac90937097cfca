/* See brands.h. */
#include "brands.h"
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_list_add(struct text_list *list, const char *words)
{
	char *copy = words ? xstrdup(words) : NULL, *save = NULL;

	for (char *word = copy ? strtok_r(copy, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save))
		text_list_add(list, word);
	free(copy);
}

struct brand_config *test_brands_add(struct test_brands *brands, const char *id, const char *terms,
				     const char *official_domains)
{
	static const char *const sets[] = { "service", "legal", "geo" };

	if (brands->n == brands->cap) {
		brands->cap = brands->cap ? brands->cap * 2 : 8;
		brands->items = xreallocarray(brands->items, brands->cap, sizeof(*brands->items));
	}

	struct brand_config *b = &brands->items[brands->n++];

	memset(b, 0, sizeof(*b));
	b->id = xstrdup(id);
	b->name = xstrdup(id);
	b->source = xstrdup("test");
	test_list_add(&b->terms, terms);
	test_list_add(&b->official_domains, official_domains);
	b->keyword_sets = xcalloc(ARRAY_LEN(sets), sizeof(*b->keyword_sets));
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		b->keyword_sets[b->n_keyword_sets++] = keyword_set_builtin(sets[i]);
	b->techniques = xcalloc(lookalike_n_techniques(), sizeof(*b->techniques));
	b->min_score = SCORE_MEDIUM;
	return b;
}

void test_brands_deinit(struct test_brands *brands)
{
	for (size_t i = 0; i < brands->n; i++) {
		struct brand_config *b = &brands->items[i];

		free(b->id);
		free(b->name);
		free(b->source);
		text_list_deinit(&b->terms);
		text_list_deinit(&b->aliases);
		text_list_deinit(&b->native);
		text_list_deinit(&b->ordinary_terms);
		text_list_deinit(&b->official_domains);
		text_list_deinit(&b->keywords);
		text_list_deinit(&b->exclude_terms);
		free(b->keyword_sets);
		free(b->techniques);
	}
	free(brands->items);
	*brands = (struct test_brands){ 0 };
}

void test_brands_watched(struct test_brands *brands)
{
	struct brand_config *b;

	test_brands_add(brands, "globalordnance", "globalordnance", "globalordnance.com");
	b = test_brands_add(brands, "cija", "cija cijaonline", "cijaonline.org");
	test_list_add(&b->keywords, "justice accountability evidence hague");
	b = test_brands_add(brands, "umopl", "umopl", "umopl.com");
	test_list_add(&b->aliases, "umo");
	test_list_add(&b->keywords, "poland polska ammunition");
	b = test_brands_add(brands, "sangrail", "sangrail", "sangrail.com");
	test_list_add(&b->exclude_terms, "sandrail");
	b = test_brands_add(brands, "dtgruelle", "dtgruelle", "dtgruelle.com");
	test_list_add(&b->keywords, "tracking freight");
	test_brands_add(brands, "blueskynetwork", "blueskynetwork", "blueskynetwork.com");
	b = test_brands_add(brands, "mvd", "mvd", "mvd.ru xn--b1aew.xn--p1ai");
	test_list_add(&b->native, "\xd0\xbc\xd0\xb2\xd0\xb4");
	test_list_add(&b->keywords, "police gibdd kabinet");
}

static const char *const ordinary_organisations[] = {
	/* relief, rights, nature */
	"riverbankrelief",
	"openhandsaid",
	"nordhjelp",
	"medicbridge",
	"waterforall",
	"clearskiesfund",
	"childharbour",
	"refugeelawcentre",
	"pressfreedomwatch",
	"humanrightsdesk",
	"savethewetlands",
	"forestguardians",
	"oceanwardens",
	"greenfutures",
	"peaceworksintl",
	"justicewithoutborders",
	"documentingtruth",
	"votersunion",
	"villagehealth",
	"schoolmeals",
	"womenlead",
	"eyesforall",
	"caritasnova",
	"redlantern",
	"whitehelm",
	/* media */
	"thedailyobserver",
	"eastgazette",
	"balticherald",
	"kyivcourier",
	"radiovolna",
	"tvzenit",
	"meridianpost",
	"northernstar",
	"newslineeurope",
	"openledgernews",
	"insiderbrief",
	"thewatchman",
	"factcheckhub",
	"citizenreport",
	"novayatribuna",
	"pravdivo",
	"mediazone",
	"vestnik",
	"slovopolskie",
	"echosudest",
	"lavocelibera",
	"tagesbote",
	"abendspiegel",
	"lecourrierdunord",
	"diarionuevo",
	/* logistics, industry, defence */
	"transeuroline",
	"balticcargo",
	"dtgfreight",
	"kargoplus",
	"logistrans",
	"hermanntransporte",
	"seawaycontainers",
	"railbridge",
	"polarshipping",
	"bluecrane",
	"airliftsolutions",
	"quickparcel",
	"speditionkraus",
	"translog",
	"portmasters",
	"heliosdefence",
	"aegisoptics",
	"ironforgearms",
	"steelwingaero",
	"dynatechsystems",
	"novatekmarine",
	"orbitalworks",
	"kestrelavionics",
	"polymetalgroup",
	"armexport",
	/* finance, research, public bodies */
	"firststatebank",
	"sparverein",
	"volkskreditbank",
	"creditnord",
	"unionpay24",
	"safeharborcapital",
	"europeanpolicyforum",
	"instituteforsecurity",
	"chathamstudies",
	"atlanticdialogue",
	"balticcentre",
	"universitasnova",
	"eastwestcollege",
	"techpolitika",
	"ministryofrecords",
	"cityofbremerton",
	"landkreisnord",
	"gmina-lipowa",
	"osce-watch",
	"unitylabs",
	"datasphere",
	"cloudnine",
	"nature",
	"russia",
	"horizon",
};

/* Known organisations that the rules were not made for: aid, media, institutes, carriers, makers, banks. */
/* clang-format off */
static const char *const known_organisations[] = {
	"accessnow", "agentura", "airbus", "aljazeera", "amnesty", "article19", "atlanticcouncil", "baesystems",
	"barclays", "basf", "bayer", "bbc", "bbva", "bellingcat", "belsat", "bloomberg", "bollore", "bosch",
	"brookings", "careinternational", "caritas", "carnegieendowment", "ceva-logistics", "chathamhouse",
	"citizenlab", "cmacgm", "cnn", "commerzbank", "correctiv", "corriere", "cosco", "cpj", "creditsuisse",
	"csis", "currenttime", "dachser", "danskebank", "dbschenker", "dekoder", "derspiegel", "deutschebank",
	"deutschepost", "deutschewelle", "dhl", "dsv", "dw", "ecfr", "economist", "eff", "elmundo", "elpais",
	"erstegroup", "euractiv", "euronews", "evergreen", "faz", "fedex", "flixbus", "forbiddenstories",
	"freedomhouse", "gefco", "geodis", "girteka", "gmfus", "greenpeace", "guardian", "haaretz", "handelsbanken",
	"handicap-international", "hapag-lloyd", "hellmann", "hromadske", "hrw", "hsbc", "icij", "icrc", "icrw",
	"iiss", "independent", "intesasanpaolo", "istories", "kuehne-nagel", "kuehnenagel", "kyivindependent",
	"lefigaro", "lemonde", "leonardo", "liberation", "lloyds", "lockheedmartin", "lufthansa", "maersk",
	"medecinsdumonde", "meduza", "memorial-hr", "mercycorps", "msc", "msf", "nato", "natwest", "ned-org",
	"nordea", "northropgrumman", "novayagazeta", "nytimes", "occrp", "opensociety", "orange", "osce", "oxfam",
	"plan-international", "politico", "pravda", "proekt", "raben", "raiffeisen", "rand", "raytheon",
	"redcrescent", "redcross", "repubblica", "reuters", "rferl", "rheinmetall", "rhenus", "roskomsvoboda", "rsf",
	"rusi", "saab", "santander", "savethechildren", "seb", "sennder", "siemens", "sparkasse", "stimson",
	"sueddeutsche", "suspilne", "svoboda", "swedbank", "swisscom", "telegraph", "telekom", "thales",
	"transparency", "tvrain", "ubs", "ukrinform", "unhcr", "unian", "unicredit", "ups", "vodafone", "volksbank",
	"waberers", "washingtonpost", "wilsoncenter", "worldvision", "wsj", "zeit", "zmina", "zona-media",
};
/* clang-format on */

static void add_organisations(struct test_brands *brands, const char *const *labels, size_t n, const char *suffix)
{
	for (size_t i = 0; i < n; i++) {
		char *domain = xasprintf("%s.%s", labels[i], suffix);

		test_brands_add(brands, labels[i], labels[i], domain);
		free(domain);
	}
}

void test_brands_ordinary(struct test_brands *brands)
{
	add_organisations(brands, ordinary_organisations, ARRAY_LEN(ordinary_organisations), "org");
}

void test_brands_known(struct test_brands *brands)
{
	add_organisations(brands, known_organisations, ARRAY_LEN(known_organisations), "com");
}

uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void test_brands_random(struct test_brands *brands, size_t n, uint64_t seed)
{
	static const char *const syllables[] = {
		"ba",  "ber", "bo", "ca",  "car", "cen", "cla", "co",  "con", "da",  "de",  "di",  "dor", "el",
		"en",  "er",  "fa", "fi",  "for", "ga",  "gen", "go",  "gra", "ha",  "hel", "in",  "is",  "ja",
		"ka",  "kor", "la", "len", "li",  "lo",  "lux", "ma",  "mar", "me",  "mi",  "mon", "na",  "ne",
		"no",  "nor", "o",  "or",  "pa",  "per", "pla", "po",  "pro", "qua", "ra",  "re",  "ri",  "ro",
		"sa",  "sen", "si", "so",  "sta", "ta",  "tec", "ter", "ti",  "to",  "tra", "tri", "u",   "va",
		"ven", "vi",  "vo", "wa",  "we",  "xi",  "ya",  "za",  "zen", "zo",
	};

	while (n-- > 0) {
		char term[64] = "", *domain;
		size_t want = 2 + test_random(&seed) % 4;

		for (size_t i = 0; i < want; i++)
			strcat(term, syllables[test_random(&seed) % ARRAY_LEN(syllables)]);
		domain = xasprintf("%s.com", term);
		test_brands_add(brands, term, term, domain);
		free(domain);
	}
}

struct suffix_table *test_suffixes(void)
{
	struct slice text = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");
	struct error err;
	struct suffix_table *table = text.data ? suffix_table_new(text, "shared", &err) : suffix_table_new_libpsl();

	free((void *)text.data);
	return table;
}

struct lookalike *test_compile(const struct test_brands *brands, const struct suffix_table *suffixes)
{
	struct text_list warnings = { 0 };
	struct lookalike *look = NULL;
	struct error err;

	if (!lookalike_new(brands->items, brands->n, suffixes, &warnings, &look, &err)) {
		fprintf(stderr, "brands do not compile: %s\n", err.text);
		abort();
	}
	text_list_deinit(&warnings);
	return look;
}
