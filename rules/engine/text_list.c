/* Lists of texts out of packs and brand files. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

void text_list_add_slice(struct text_list *list, struct slice text)
{
	if (text_list_has(list, text))
		return;
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 4;
		list->items = xreallocarray(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->n++] = slice_dup_text(text);
}

void text_list_add(struct text_list *list, const char *text)
{
	text_list_add_slice(list, slice_text(text));
}

bool text_list_has(const struct text_list *list, struct slice text)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_equal_text(text, list->items[i]))
			return true;
	return false;
}

void text_list_deinit(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){ 0 };
}
