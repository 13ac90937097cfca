/* Private to rules/: everything that packs, brand files and watch lists say, parsed and normalised, before it is compiled. */
#ifndef CTWATCH_RULES_RULE_CONFIG_H
#define CTWATCH_RULES_RULE_CONFIG_H

#include "naming.h"
#include "rule_text.h"

/* One published domain or address. */
struct indicator {
	char *domain;            /* A-labels, or NULL for an address */
	uint8_t address[16];
	uint8_t address_len;     /* 4, 16, or 0 for a domain */
	uint32_t pack;
	uint32_t group;          /* of published_groups */
};

/* Indicators that were published together. */
struct indicator_group {
	char *published;         /* "2022-12": as written, and shown */
	char *source;            /* who published them; NULL when not said */
};

struct actor_pack {
	char *id;                /* rules are "indicator/<id>" and "naming/<id>" */
	char *source;            /* file or built-in pack it came from */
	char *actor_name;
	struct text_list issuers;        /* for naming; indicators match whoever issued */
	bool has_naming;
	struct naming_model naming;
	json_t *root;            /* what else the pack says, for `rules list`; shared, never changed */
};

/* One line of a Cert Spotter watch list. */
struct watch_item {
	char *domain;            /* A-labels, without leading dot */
	bool subtree;
	char *source;
};

struct rule_config {
	struct actor_pack *packs;
	struct indicator *indicators;
	struct indicator_group *groups;
	struct brand_config *brands;
	struct domain_exception *allow;
	struct watch_item *watch;
	struct keyword_set **sets;       /* defined by files; allocated one by one, since brands point at them */
	size_t n_packs, n_indicators, n_groups, n_brands, n_allow, n_watch, n_sets;
	json_t *ids;             /* rule id -> source: ids are unique over all files */
	json_t *brand_files;     /* {"source","brands","published"} of each, for who asks what is loaded; NULL: none */
	struct text_list warnings;
};

void rule_config_deinit(struct rule_config *);
/* Adds one file; JSON packs and brand files tell themselves by their members. */
bool rule_config_add(struct rule_config *, const struct rule_source *, const struct suffix_table *, int64_t now_ms, struct error *);

/* The parts of the above. */
bool actor_pack_read(const struct source *, const struct node *root, struct rule_config *);
bool brand_file_read(const struct source *, const struct node *root, const struct suffix_table *, int64_t now_ms, struct rule_config *);
bool watch_list_read(struct slice text, const char *name, struct rule_config *, struct error *);
void brand_config_deinit(struct brand_config *);
/* Terms out of the name and the official domains, for a brand that lists none. */
void brand_derive_terms(struct brand_config *, const struct suffix_table *);
/* "Sangrail LTD" -> "sangrail-ltd". malloc'd. */
char *brand_slug(const char *name);
/* Fails when another file has the id. */
bool rule_config_claim_id(struct rule_config *, const struct source *, const struct node *at, const char *id);

/* Room for one more element, zeroed, at the end of a counted array that grows by doubling. */
#define CONFIG_PUSH(array, n) \
	((array) = config_grow((array), (n), sizeof(*(array))), &(array)[(n)++])
void *config_grow(void *array, size_t n, size_t size);

#endif
