/* Matches, and lists of them. */
#include "ruleset.h"

#include <stdlib.h>

void match_deinit(struct match *m)
{
	for (size_t i = 0; i < m->n_evidence; i++)
		free(m->evidence[i].detail);
	free(m->evidence);
	free(m->rule);
	free(m->brand);
	free(m->technique);
	free(m->name);
	free(m->registrable_domain);
	*m = (struct match){ 0 };
}

void match_list_init(struct match_list *list)
{
	*list = (struct match_list){ 0 };
}

void match_list_clear(struct match_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		match_deinit(&list->items[i]);
	list->n = 0;
}

void match_list_deinit(struct match_list *list)
{
	match_list_clear(list);
	free(list->items);
	match_list_init(list);
}

/* The first addition of many is by far the commonest: the list grows by doubling. */
static struct match *room_for(struct match_list *list, size_t n_more)
{
	if (list->cap - list->n < n_more) {
		size_t wanted = list->n + n_more;

		list->cap = list->cap * 2 > wanted ? list->cap * 2 : wanted;
		list->items = xreallocarray(list->items, list->cap, sizeof(*list->items));
	}
	return &list->items[list->n];
}

struct match *match_list_add(struct match_list *list)
{
	struct match *m = room_for(list, 1);

	*m = (struct match){ 0 };
	list->n++;
	return m;
}

void match_list_move(struct match_list *to, struct match_list *from)
{
	if (from->n == 0)
		return;

	struct match *at = room_for(to, from->n);

	for (size_t i = 0; i < from->n; i++)
		at[i] = from->items[i];
	to->n += from->n;
	from->n = 0;
	match_list_deinit(from);
}
