/* Optimal string alignment within a small distance, and the edits in words. */
#include "lookalike_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX (TERM_LEN_MAX + 5)

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The whole matrix, limited to the diagonal band that can stay within `max`. Cells outside the band count as max + 1. */
static unsigned fill(const uint8_t *a, size_t n, const uint8_t *b, size_t m, unsigned max,
		     uint8_t cost[SIDE_MAX + 1][SIDE_MAX + 1])
{
	for (size_t i = 0; i <= n; i++) {
		size_t first = i > max ? i - max : 0, last = i + max < m ? i + max : m;
		unsigned row_least = max + 1;

		if (first > 0)
			cost[i][first - 1] = (uint8_t)(max + 1);
		for (size_t j = first; j <= last; j++) {
			unsigned here;

			if (i == 0 || j == 0) {
				here = (unsigned)(i + j);
			} else {
				unsigned above = j < i + max ? cost[i - 1][j] : max + 1;

				here = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
				here = least(here, least(above, j > first ? cost[i][j - 1] : max + 1) + 1);
				if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
					here = least(here, cost[i - 2][j - 2] + 1u);
			}
			cost[i][j] = (uint8_t)least(here, max + 1);
			row_least = least(row_least, here);
		}
		if (row_least > max)
			return max + 1;
	}
	return cost[n][m];
}

unsigned osa_distance(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, unsigned max)
{
	uint8_t cost[SIDE_MAX + 1][SIDE_MAX + 1];

	if (a_len > SIDE_MAX || b_len > SIDE_MAX || (a_len > b_len ? a_len - b_len : b_len - a_len) > max)
		return max + 1;
	return fill(a, a_len, b, b_len, max, cost);
}

struct edit {
	char kind; /* 's'wap, 'r'eplace, 'a'dd, 'd'rop, of `from` */
	size_t at; /* 1-based letter of `from` */
	uint8_t old, new;
};

static void say(const struct edit *e, char *out, size_t out_len)
{
	char old = ascii_of_code(e->old), new = ascii_of_code(e->new);

	switch (e->kind) {
	case 's':
		snprintf(out, out_len, "letters %zu and %zu swapped", e->at, e->at + 1);
		break;
	case 'r':
		snprintf(out, out_len, "'%c' for '%c' at letter %zu", new, old, e->at);
		break;
	case 'a':
		snprintf(out, out_len, "'%c' added after letter %zu", new, e->at);
		break;
	default:
		snprintf(out, out_len, "'%c' left out at letter %zu", old, e->at);
	}
}

void osa_describe(const uint8_t *from, size_t n, const uint8_t *to, size_t m, char *out, size_t out_len)
{
	enum { EDITS_MAX = 4 };
	uint8_t cost[SIDE_MAX + 1][SIDE_MAX + 1];
	struct edit edits[EDITS_MAX];
	size_t n_edits = 0, used = 0, i = n, j = m;

	out[0] = '\0';
	if (n > SIDE_MAX || m > SIDE_MAX || fill(from, n, to, m, EDITS_MAX, cost) > EDITS_MAX)
		return;
	while ((i > 0 || j > 0) && n_edits < EDITS_MAX) {
		unsigned here = cost[i][j];

		if (i > 1 && j > 1 && from[i - 1] != to[j - 1] && from[i - 1] == to[j - 2] &&
		    from[i - 2] == to[j - 1] && here == cost[i - 2][j - 2] + 1u) {
			edits[n_edits++] = (struct edit){ 's', i - 1, from[i - 2], from[i - 1] };
			i -= 2, j -= 2;
		} else if (i > 0 && j > 0 && here == cost[i - 1][j - 1] + (unsigned)(from[i - 1] != to[j - 1])) {
			if (from[i - 1] != to[j - 1])
				edits[n_edits++] = (struct edit){ 'r', i, from[i - 1], to[j - 1] };
			i--, j--;
		} else if (i > 0 && (j == 0 || (j < i + EDITS_MAX && here == cost[i - 1][j] + 1u))) {
			edits[n_edits++] = (struct edit){ 'd', i, from[i - 1], 0 };
			i--;
		} else {
			edits[n_edits++] = (struct edit){ 'a', i, 0, to[j - 1] };
			j--;
		}
	}
	while (n_edits-- > 0 && used < out_len) {
		char text[64];

		say(&edits[n_edits], text, sizeof(text));
		int len = snprintf(out + used, out_len - used, "%s%s", used ? ", " : "", text);
		used += len > 0 ? (size_t)len : 0;
	}
}

bool osa_is_quiet(const uint8_t *term, size_t n, const uint8_t *seen, size_t m)
{
	if (n == 0 || m == 0 || term[0] != seen[0])
		return false;
	if (m == n + 1)
		return osa_distance(term, n, seen, m, 1) == 1;
	if (m != n)
		return false;

	size_t first = 0;

	while (first < n && term[first] == seen[first])
		first++;
	return first + 1 < n && term[first] == seen[first + 1] && term[first + 1] == seen[first] &&
	       memcmp(term + first + 2, seen + first + 2, n - first - 2) == 0;
}
