/* Repeatable noise for tests: a failing run names its seed. */
#ifndef CTWATCH_TESTS_RANDOM_H
#define CTWATCH_TESTS_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t at;
};

/* splitmix64 */
static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->at += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

#endif
