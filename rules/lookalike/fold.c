/* What a letter passes for: F1 (any script to ASCII), F2 (shapes in ASCII), F3 (leet), and the coarse fold of near shapes. */
#include "lookalike_private.h"
#include "confusables.h"

#include <string.h>

#define LETTER(c) ((uint8_t)((c) - 'a' + 1))
#define DIGIT(c) ((uint8_t)((c) - '0' + 27))

uint8_t code_of_ascii(uint8_t byte)
{
	if (byte >= 'a' && byte <= 'z')
		return LETTER(byte);
	if (byte >= 'A' && byte <= 'Z')
		return (uint8_t)(byte - 'A' + 1);
	if (byte >= '0' && byte <= '9')
		return DIGIT(byte);
	return 0;
}

char ascii_of_code(uint8_t code)
{
	return "?abcdefghijklmnopqrstuvwxyz0123456789?"[code < CODES ? code : 0];
}

static bool is_mark(uint32_t point)
{
	size_t low = 0, high = n_mark_ranges;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (point < mark_ranges[middle].first)
			high = middle;
		else if (point > mark_ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

const char *fold_code_point(uint32_t point, char ascii[4])
{
	size_t low = 0, high = n_confusables;

	if (point < 0x80) {
		uint8_t code = code_of_ascii((uint8_t)point);

		ascii[0] = ascii_of_code(code);
		ascii[1] = '\0';
		return code != 0 ? ascii : NULL;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (point < confusables[middle].code_point)
			high = middle;
		else if (point > confusables[middle].code_point)
			low = middle + 1;
		else
			return confusables[middle].ascii;
	}
	return is_mark(point) ? "" : NULL;
}

uint8_t fold_shape(uint8_t code)
{
	static const uint8_t shapes[CODES] = {
		0,  1,           2,           3,  4,           5,  6,  7,  8,           LETTER('l'), 10, 11,         12,
		13, 14,          15,          16, LETTER('g'), 18, 19, 20, LETTER('v'), 22,          23, 24,         25,
		26, LETTER('o'), LETTER('l'), 29, 30,          31, 32, 33, 34,          35,          36, CODE_OTHER,
	};

	return shapes[code];
}

uint8_t fold_leet(uint8_t code)
{
	static const char letters[] = "__zeasgtbg"; /* 0 and 1 are shapes; 6 reads as g or b: g, 8 as b */

	if (code < DIGIT('2') || code > DIGIT('9'))
		return code;
	return LETTER(letters[code - DIGIT('0')]);
}

uint8_t fold_pair(uint8_t first, uint8_t second)
{
	if (second == LETTER('n') && (first == LETTER('r') || first == LETTER('n')))
		return LETTER('m');
	if (first == LETTER('v') && second == LETTER('v'))
		return LETTER('w');
	if (first == LETTER('c') && second == LETTER('l'))
		return LETTER('d');
	/* a sound, not a shape: "netfliks" */
	if (first == LETTER('k') && second == LETTER('s'))
		return LETTER('x');
	return 0;
}

size_t word_codes(const char *word, uint8_t out[TERM_LEN_MAX], bool *native)
{
	struct slice in = slice_text(word);
	uint32_t point;
	size_t n = 0;

	*native = false;
	while (in.len > 0) {
		char ascii[4];
		const char *letters;

		if (!utf8_take(&in, &point)) {
			in = slice_sub(in, 1, in.len);
			continue;
		}
		letters = fold_code_point(point, ascii);
		*native = *native || point >= 0x80;
		for (; letters && *letters && n < TERM_LEN_MAX; letters++)
			out[n++] = code_of_ascii((uint8_t)*letters);
	}
	return n;
}

size_t fold_codes(const uint8_t *in, size_t n, bool sequences, uint8_t *out)
{
	size_t written = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t pair = sequences && i + 1 < n ? fold_pair(in[i], in[i + 1]) : 0;

		out[written++] = fold_shape(pair ? pair : in[i]);
		i += pair != 0;
	}
	return written;
}

/*
 * Letters of one class stand for one of them: m n r, o c e 0, l t f i j 1, v y u, s z 5, d b h, g q 9, k x. Strokes are not
 * counted: a run of m, n and r is one, whether it was written m, rn or nn.
 */
#define NEAR_RUN LETTER('n')

static const uint8_t near_classes[CODES] = {
	0,           LETTER('a'), LETTER('d'), LETTER('o'), LETTER('d'), LETTER('o'), LETTER('l'), LETTER('g'),
	LETTER('d'), LETTER('l'), LETTER('l'), LETTER('k'), LETTER('l'), LETTER('n'), LETTER('n'), LETTER('o'),
	LETTER('p'), LETTER('g'), LETTER('n'), LETTER('s'), LETTER('l'), LETTER('v'), LETTER('v'), LETTER('w'),
	LETTER('k'), LETTER('v'), LETTER('s'), LETTER('o'), LETTER('l'), DIGIT('2'),  DIGIT('3'),  DIGIT('4'),
	LETTER('s'), DIGIT('6'),  DIGIT('7'),  DIGIT('8'),  LETTER('g'), CODE_OTHER,
};

size_t fold_near(const uint8_t *folded, size_t n, uint8_t *out)
{
	size_t written = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t class = near_classes[folded[i]];

		if (class != NEAR_RUN || written == 0 || out[written - 1] != class)
			out[written++] = class;
	}
	return written;
}

uint64_t hash_near(const uint8_t *folded, size_t n)
{
	uint64_t hash = 0;
	uint8_t before = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t class = near_classes[folded[i]];

		if (class != NEAR_RUN || before != class)
			hash = hash_step(hash, class);
		before = class;
	}
	return hash;
}
