/* "Did you mean ...?": what a word begins, or is nearest to by Damerau-Levenshtein distance. */
#include "base.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 63

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment; three rows of the matrix are enough. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *previous = rows[1], *current = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		previous[j] = (unsigned)j;
	memcpy(before, previous, sizeof(rows[0]));
	for (size_t i = 1; i <= a_len; i++) {
		current[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned substitute = previous[j - 1] + !same(a[i - 1], b[j - 1]);

			current[j] = least(previous[j] + 1, current[j - 1] + 1, substitute);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < current[j])
				current[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = previous;
		previous = current;
		current = spare;
	}
	return previous[b_len];
}

/* The only known word that begins with `word`; NULL when there are several, or none. */
static const char *completion(const char *word, const char *const *known, size_t n)
{
	const char *only = NULL;

	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(known[i], word, strlen(word)) != 0)
			continue;
		if (only != NULL)
			return NULL;
		only = known[i];
	}
	return only;
}

const char *text_nearest_of(const char *word, const char *const *known, size_t n)
{
	size_t len = strlen(word);
	unsigned best_distance = 0;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	const char *best = completion(word, known, n);
	if (best != NULL)
		return best;
	for (size_t i = 0; i < n; i++) {
		size_t known_len = strlen(known[i]);

		if (known_len > WORD_MAX)
			continue;
		unsigned d = distance(word, len, known[i], known_len);
		if (d <= len / 3 + 1 && (best == NULL || d < best_distance)) {
			best = known[i];
			best_distance = d;
		}
	}
	return best;
}

const char *text_nearest(const char *word, const char *const *known)
{
	size_t n = 0;

	while (known[n] != NULL)
		n++;
	return text_nearest_of(word, known, n);
}
