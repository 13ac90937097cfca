/* Plant files: which names stand at which index. */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANTED_IDENTITY (UINT64_C(1) << 62)

void plantings_add(struct plantings *plantings, uint64_t index, int authority, const struct name_set *names)
{
	size_t at = plantings->n;

	if (plantings->n == plantings->cap) {
		plantings->cap = plantings->cap == 0 ? 64 : plantings->cap * 2;
		plantings->items = xreallocarray(plantings->items, plantings->cap, sizeof(*plantings->items));
	}
	while (at > 0 && plantings->items[at - 1].index > index) {
		plantings->items[at] = plantings->items[at - 1];
		at--;
	}
	plantings->items[at] = (struct planting){ index, authority, PLANTED_IDENTITY | plantings->n, *names };
	plantings->n++;
}

const struct planting *plantings_at(const struct plantings *plantings, uint64_t index)
{
	size_t low = 0, high = plantings->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (plantings->items[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plantings->n && plantings->items[low].index == index ? &plantings->items[low] : NULL;
}

void plantings_deinit(struct plantings *plantings)
{
	free(plantings->items);
}

static bool add_line(struct plantings *plantings, char *line, uint64_t *next, uint64_t spacing, const struct mint *mint, struct error *err)
{
	char index_text[24], issuer[24];
	int names_at = 0, authority;
	struct name_set names;
	uint64_t index = *next;

	line[strcspn(line, "#\n")] = '\0';
	if (line[strspn(line, " \t\r")] == '\0')
		return true;
	if (sscanf(line, " %23s %23s %n", index_text, issuer, &names_at) != 2 || !names_split(line + names_at, &names))
		return error_set(err, ERR_USAGE, "\"%.60s\": want INDEX ISSUER NAME[,NAME...]", line);
	if (strcmp(index_text, "-") != 0 && !uint64_parse(slice_text(index_text), &index))
		return error_set(err, ERR_USAGE, "\"%s\" is no index", index_text);
	authority = mint_find(mint, strcmp(issuer, "-") == 0 ? "E7" : issuer);
	if (authority < 0)
		return error_set(err, ERR_USAGE, "no issuer is called \"%s\"", issuer);
	if (plantings_at(plantings, index) != NULL)
		return error_set(err, ERR_USAGE, "index %llu is planted twice", (unsigned long long)index);
	plantings_add(plantings, index, authority, &names);
	*next = index + spacing;
	return true;
}

bool plantings_load(struct plantings *plantings, const char *path, uint64_t first, uint64_t spacing, const struct mint *mint, struct error *err)
{
	FILE *file = fopen(path, "r");
	char line[8192];
	unsigned number = 0;
	bool ok = true;

	if (file == NULL)
		return error_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	while (ok && fgets(line, sizeof(line), file) != NULL) {
		number++;
		ok = add_line(plantings, line, &first, spacing, mint, err);
	}
	fclose(file);
	return ok || error_context(err, "%s line %u", path, number);
}
