/* What every fuzz target asks of results: abort is how libFuzzer hears of it. */
#ifndef CTWATCH_TESTS_FUZZ_CHECK_H
#define CTWATCH_TESTS_FUZZ_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base.h"

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Is `inner` empty or wholly inside `outer`? */
static inline bool lies_inside(struct slice inner, struct slice outer)
{
	return inner.len == 0 || (inner.data >= outer.data && inner.data - outer.data <= (ptrdiff_t)outer.len &&
				  inner.len <= outer.len - (size_t)(inner.data - outer.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
