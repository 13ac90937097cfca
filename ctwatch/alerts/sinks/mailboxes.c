/* See mailboxes.h. */
#include "mailboxes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void mailbox_set(struct mailbox *box, enum mailbox_state state, const char *why)
{
	free(box->why);
	box->state = state;
	box->why = why != NULL ? xstrdup(why) : NULL;
}

static bool is_in(const json_t *list, const char *address)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), address) == 0)
			return true;
	return false;
}

void mailboxes_init(struct mailboxes *boxes, const char *const *addresses, size_t n, const char *progress)
{
	json_t *before = progress != NULL ? json_loads(progress, 0, NULL) : NULL;

	*boxes = (struct mailboxes){ 0 };
	for (size_t i = 0; i < n && boxes->n < MAILBOXES_MAX; i++) {
		struct mailbox *box = &boxes->items[boxes->n++];
		const char *refused = json_string_value(json_object_get(json_object_get(before, "refused"), addresses[i]));

		box->address = addresses[i];
		if (is_in(json_object_get(before, "taken"), addresses[i]))
			mailbox_set(box, MAILBOX_TAKEN, NULL);
		else if (refused != NULL)
			mailbox_set(box, MAILBOX_REFUSED, refused);
	}
	json_decref(before);
}

void mailboxes_deinit(struct mailboxes *boxes)
{
	for (size_t i = 0; i < boxes->n; i++)
		free(boxes->items[i].why);
	boxes->n = 0;
}

size_t mailboxes_count(const struct mailboxes *boxes, enum mailbox_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < boxes->n; i++)
		n += boxes->items[i].state == state;
	return n;
}

char *mailboxes_progress(const struct mailboxes *boxes)
{
	json_t *taken = json_array(), *refused = json_object();

	for (size_t i = 0; i < boxes->n; i++) {
		const struct mailbox *box = &boxes->items[i];

		if (box->state == MAILBOX_TAKEN)
			json_array_append_new(taken, json_string(box->address));
		else if (box->state == MAILBOX_REFUSED)
			json_object_set_new(refused, box->address, json_string(box->why != NULL ? box->why : ""));
	}
	json_t *both = json_pack("{s:o, s:o}", "taken", taken, "refused", refused);
	char *text = json_dumps(both, JSON_COMPACT);

	json_decref(both);
	return text;
}

char *mailboxes_name(const struct mailboxes *boxes, enum mailbox_state state, char *out, size_t out_len)
{
	size_t len = 0, n_left = mailboxes_count(boxes, state);

	out[0] = '\0';
	for (size_t i = 0; i < boxes->n; i++) {
		const struct mailbox *box = &boxes->items[i];
		char *one, more[32];

		if (box->state != state)
			continue;
		one = xasprintf("%s%s%s%s", len > 0 ? "; " : "", box->address, box->why != NULL ? ": " : "", box->why != NULL ? box->why : "");
		snprintf(more, sizeof(more), " and %zu more", n_left);
		bool fits = len + strlen(one) + (n_left > 1 ? sizeof(more) : 1) < out_len;
		len += (size_t)snprintf(out + len, out_len - len, "%.*s", (int)(out_len - len - 1), fits ? one : len > 0 ? more : one);
		free(one);
		if (!fits)
			break;
		n_left--;
	}
	return out;
}
