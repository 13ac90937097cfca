/* One name cut into labels, zones and terms: done once, looked at by every engine. */
#include "engine.h"

#include <string.h>

/* The rightmost whole labels of `name` that fit into DNS_NAME_MAX bytes; a single longer label is cut in front. */
static struct slice rightmost(struct slice name)
{
	if (name.len <= DNS_NAME_MAX)
		return name;

	struct slice tail = slice_sub(name, name.len - DNS_NAME_MAX, name.len);
	ptrdiff_t dot = slice_find(tail, '.');

	return dot < 0 ? tail : slice_sub(tail, (size_t)dot + 1, tail.len);
}

static void cut_labels(struct name_view *view)
{
	struct slice name = view->name;
	size_t end = name.len, n = 0;
	struct name_part reversed[VIEW_LABELS_MAX];

	/* from the right, so that a name of more labels than DNS allows keeps its registrable domain */
	while (n < VIEW_LABELS_MAX) {
		size_t start = end;

		while (start > 0 && name.data[start - 1] != '.')
			start--;
		reversed[n++] = (struct name_part){ (uint8_t)start, (uint8_t)end };
		if (start == 0)
			break;
		end = start - 1;
	}
	for (size_t i = 0; i < n; i++)
		view->labels[i] = reversed[n - 1 - i];
	view->n_labels = (uint8_t)n;
}

size_t label_terms(struct slice name, struct name_part label, struct name_part *out, size_t max)
{
	size_t n = 0, start = label.start;

	for (size_t i = label.start; i <= label.end && n < max; i++) {
		if (i < label.end && name.data[i] != '-' && name.data[i] != '_')
			continue;
		if (i > start)
			out[n++] = (struct name_part){ (uint8_t)start, (uint8_t)i };
		start = i + 1;
	}
	return n;
}

void view_init(struct name_view *view, struct slice name, const struct suffix_table *suffixes)
{
	struct slice whole = name;

	view->has_registrable = false;
	view->n_terms = 0;
	view->registrable = 0;
	view->n_labels = 0;
	if (name.len >= 2 && name.data[0] == '*' && name.data[1] == '.')
		name = slice_sub(name, 2, name.len);
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	view->name = rightmost(name);
	view->offset = (size_t)(view->name.data - whole.data);
	if (view->name.len == 0) {
		view->offset = 0;
		return;
	}
	cut_labels(view);

	size_t suffix_at;
	ptrdiff_t at = suffix_registrable(suffixes, view->name, &suffix_at);

	if (at < 0)
		return;
	for (size_t i = 0; i + 1 < view->n_labels; i++) {
		if (view->labels[i].start != at)
			continue;
		view->registrable = (uint8_t)i;
		view->has_registrable = true;
		view->n_terms = (uint8_t)label_terms(view->name, view->labels[i], view->terms, VIEW_TERMS_MAX);
		return;
	}
}

struct slice view_part(const struct name_view *view, struct name_part part)
{
	return slice_sub(view->name, part.start, part.end);
}

struct slice view_label(const struct name_view *view, size_t i)
{
	return view_part(view, view->labels[i]);
}

struct slice view_registrable_label(const struct name_view *view)
{
	return view->has_registrable ? view_label(view, view->registrable) : (struct slice){ 0 };
}

struct slice view_registrable_domain(const struct name_view *view)
{
	if (!view->has_registrable)
		return view->name;
	return slice_sub(view->name, view->labels[view->registrable].start, view->name.len);
}
