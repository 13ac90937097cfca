/* Generated names: shops, people's sites, hosting platforms, internal hosts of companies. */
#include "names.h"

#include <stdio.h>
#include <string.h>

static const char *const WORDS[] = {
	"acorn", "alpine", "amber", "anchor", "apple", "archer", "artisan", "aspen", "atlas", "aurora", "bakery", "bamboo",
	"beacon", "berlin", "birch", "bistro", "blossom", "bluebird", "bottle", "boulder", "bridge", "brook", "butter", "cactus",
	"canyon", "carpenter", "castle", "cedar", "ceramic", "cherry", "cinema", "citrus", "clinic", "clover", "coastal", "copper",
	"coral", "cottage", "county", "cricket", "crystal", "cypress", "dairy", "dancing", "delta", "dental", "diamond", "dolphin",
	"eagle", "elder", "elm", "ember", "emerald", "engine", "evergreen", "falcon", "family", "farmers", "feather", "festival",
	"fitness", "florist", "forest", "fountain", "fox", "galaxy", "garden", "ginger", "glacier", "golden", "granite", "grove",
	"harbor", "harvest", "hazel", "heritage", "heron", "hiking", "hollow", "honey", "horizon", "island", "ivory", "jasmine",
	"juniper", "kitchen", "lagoon", "lantern", "lavender", "lemon", "library", "lighthouse", "lotus", "lunar", "maple", "marble",
	"meadow", "melody", "midland", "mill", "mint", "monarch", "moon", "mountain", "museum", "music", "nordic", "oak", "oasis",
	"ocean", "olive", "orchard", "orchid", "otter", "paper", "pearl", "pebble", "pepper", "phoenix", "photo", "pine", "pizza",
	"planet", "plumbing", "pottery", "prairie", "quarry", "quartz", "raven", "redwood", "river", "robin", "rocket", "rose",
	"ruby", "sage", "sailing", "salon", "sapphire", "school", "sierra", "silver", "sparrow", "spice", "spring", "stone",
	"studio", "summit", "sunrise", "sunset", "swan", "thistle", "tiger", "timber", "topaz", "travel", "tulip", "valley",
	"vanilla", "velvet", "village", "vineyard", "violet", "walnut", "water", "willow", "winter", "wolf", "yoga", "zebra",
};
static const char *const ENDINGS[] = { "com", "com", "com", "com", "net", "org", "de", "co.uk", "io", "app", "dev", "shop",
	"online", "site", "fr", "nl", "pl", "com.br", "ru", "in", "xyz", "it", "ca", "com.au", "ch", "eu" };
static const char *const HOSTS[] = { "mail", "blog", "api", "staging", "test", "webmail", "autodiscover", "cpanel", "m",
	"intranet", "git", "jira", "vpn", "crm", "img", "static", "grafana", "pay" };
static const char *const PLATFORMS[] = { "herokuapp.com", "azurewebsites.net", "onrender.com", "fly.dev", "vercel.app",
	"myshopify.com", "dyndns.org", "webflow.io" };

#define PICK(chance, list) (list)[chance_below(chance, ARRAY_LEN(list))]

static void base_name(struct chance *chance, char out[CERT_NAME_LEN])
{
	const char *a = PICK(chance, WORDS), *b = PICK(chance, WORDS), *ending = PICK(chance, ENDINGS);

	switch (chance_below(chance, 6)) {
	case 0:
		snprintf(out, CERT_NAME_LEN, "%s-%s.%s", a, b, ending);
		break;
	case 1:
		snprintf(out, CERT_NAME_LEN, "%s%u.%s", a, chance_below(chance, 1000), ending);
		break;
	case 2:
		snprintf(out, CERT_NAME_LEN, "the%s%s.%s", a, b, ending);
		break;
	default:
		snprintf(out, CERT_NAME_LEN, "%s%s.%s", a, b, ending);
	}
}

static void add_below(struct name_set *set, const char *label, const char *base)
{
	snprintf(set->names[set->n++], CERT_NAME_LEN, "%s.%.80s", label, base);
}

void names_generate(struct chance *chance, struct name_set *out)
{
	char base[CERT_NAME_LEN];
	unsigned shape = chance_below(chance, 20);

	out->n = 0;
	base_name(chance, base);
	if (shape == 0) {                                /* a host of a platform */
		snprintf(out->names[out->n++], CERT_NAME_LEN, "%s-%06x.%s", PICK(chance, WORDS), chance_below(chance, 1 << 24),
			 PICK(chance, PLATFORMS));
		return;
	}
	if (shape == 1) {                                /* many customers on one certificate */
		for (unsigned n = 5 + chance_below(chance, 40); out->n < n;)
			base_name(chance, out->names[out->n++]);
		return;
	}
	if (shape < 5) {                                 /* everything of one domain */
		add_below(out, "*", base);
		memcpy(out->names[out->n++], base, sizeof(base));
		return;
	}
	memcpy(out->names[out->n++], base, sizeof(base));
	add_below(out, shape < 14 ? "www" : PICK(chance, HOSTS), base);
	if (shape > 17)
		add_below(out, PICK(chance, HOSTS), base);
}

bool names_split(const char *text, struct name_set *out)
{
	static const char SEPARATORS[] = ", \t\r\n";

	out->n = 0;
	for (text += strspn(text, SEPARATORS); *text != '\0'; text += strspn(text, SEPARATORS)) {
		size_t len = strcspn(text, SEPARATORS);

		if (out->n == CERT_NAMES_MAX || len >= CERT_NAME_LEN)
			return false;
		memcpy(out->names[out->n], text, len);
		out->names[out->n++][len] = '\0';
		text += len;
	}
	return out->n > 0;
}
