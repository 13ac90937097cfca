/* Decisions of a test: by chance from a seed, or byte by byte from a fuzzer; when its bytes are used up, every decision is 0. */
#ifndef CTWATCH_TESTS_DICE_H
#define CTWATCH_TESTS_DICE_H

#include <stdbool.h>

#include "base.h"
#include "random.h"

struct dice {
	struct random random;
	bool from_bytes;
	struct slice bytes;
};

/* 0 to n - 1 */
static inline uint64_t dice_below(struct dice *dice, uint64_t n)
{
	if (!dice->from_bytes)
		return random_below(&dice->random, n);
	if (dice->bytes.len == 0)
		return 0;
	uint64_t value = dice->bytes.data[0];
	dice->bytes = slice_sub(dice->bytes, 1, dice->bytes.len);
	if (n > 256 && dice->bytes.len > 0) {
		value = value << 8 | dice->bytes.data[0];
		dice->bytes = slice_sub(dice->bytes, 1, dice->bytes.len);
	}
	return value % n;
}

static inline bool dice_percent(struct dice *dice, unsigned percent)
{
	return dice_below(dice, 100) < percent;
}

#endif
