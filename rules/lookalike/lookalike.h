/* Private to rules/: the look-alike engine, as the rest of the rules uses it. */
#ifndef CTWATCH_LOOKALIKE_H
#define CTWATCH_LOOKALIKE_H

#include "engine.h"

struct lookalike;               /* immutable */
struct lookalike_scratch;       /* per thread; independent of any index, grows when it must */

/* Names of the techniques, NULL-terminated, for brand files ("techniques": {"tld-swap": "off"}) and matches. */
const char *const *lookalike_techniques(void);
size_t lookalike_n_techniques(void);
/* A set that ships with the program, or NULL. */
const struct keyword_set *keyword_set_builtin(const char *name);
const char *const *keyword_set_builtin_names(void);      /* NULL-terminated */

/*
 * Compile. `brands` are borrowed and outlive the index. Warnings (shared terms, terms under three letters, an exclude that
 * hides its own term ...) are appended to `warnings`. Fails only on what cannot be compiled at all.
 */
bool lookalike_new(const struct brand_config *brands, size_t n_brands, const struct suffix_table *suffixes,
		   struct text_list *warnings, struct lookalike **out, struct error *err);
void lookalike_free(struct lookalike *);
struct lookalike_scratch *lookalike_scratch_new(void);
void lookalike_scratch_free(struct lookalike_scratch *);

/*
 * Candidates of one name with a score of at least `floor`, evidence included, into `out` (which may hold others' already).
 * Allocates nothing. The view's name is none of an official domain: the glue has looked.
 */
void lookalike_match(const struct lookalike *, struct lookalike_scratch *, const struct name_view *, int floor,
		     struct candidate_set *out);

/*
 * For `check`: what else was considered, as an array of objects {"rule":"brand/cija","signal":"E6","why":"..."}: terms that occur but
 * are held back by their class, excluded terms, and when nothing was near, the nearest brand by distance. May allocate.
 */
void lookalike_explain(const struct lookalike *, struct lookalike_scratch *, const struct name_view *, json_t *considered);

/* For `brands list` and `brands noise`: array of {"term","kind":"term|alias|native","class","effective_letters","techniques":[...]}. New reference. */
json_t *lookalike_describe_terms(const struct lookalike *, size_t brand);

#endif
