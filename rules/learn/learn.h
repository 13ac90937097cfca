/*
 * Making the "naming" part of an actor pack: weights from a list of the actor's names and from counts over background names.
 * Used by pack_maker.c and by the benchmark's leave-one-out; not by anything that runs. The method, with its reasons, is
 * in docs/RULES.md.
 */
#ifndef CTWATCH_RULES_LEARN_H
#define CTWATCH_RULES_LEARN_H

#include "naming.h"

/* Counts over distinct registrable domains. */
struct background;
struct background *background_new(void);
void background_free(struct background *);
/* Counts the name's registrable domain unless it was counted already. False: it has none, or it was. */
bool background_add(struct background *, struct slice name, const struct suffix_table *suffixes);
size_t background_size(const struct background *);

/* What a person says of the actor beside the names. */
struct learn_input {
	const struct text_list *names;          /* the actor's domains */
	const struct text_list *theme;          /* words that such names may well hold; lower case */
	const struct text_list *unrelated;      /* words that share a stem with the actor's by accident */
};

/*
 * The JSON object that naming_read reads. `leave_out` (or SIZE_MAX) is the number of a name to learn without. New reference.
 */
json_t *naming_learn(const struct learn_input *, const struct background *, const struct suffix_table *, size_t leave_out);

#endif
