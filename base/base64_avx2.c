/*
 * Base64 digits to bytes, 32 at a time, after W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2
 * Instructions" (2018): two table look-ups by nibble say whether a character is a digit, a third how far it is from its value.
 */
#include "base64_vector.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define TWICE(...) __VA_ARGS__, __VA_ARGS__

bool base64_vector_available(void)
{
	return __builtin_cpu_supports("avx2");
}

/* 32 digits to their 6-bit values; false when one is no digit. */
__attribute__((target("avx2"))) static bool values_of(__m256i text, __m256i *out)
{
	/* a character is a digit when its high and low nibble have no class of error in common */
	const __m256i low_errors = _mm256_setr_epi8(
		TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
	const __m256i high_errors = _mm256_setr_epi8(
		TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
	/* from a character to its value, by high nibble; '/' has the place before its own */
	const __m256i shifts = _mm256_setr_epi8(TWICE(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
	const __m256i slash = _mm256_set1_epi8('/');
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), slash), low = _mm256_and_si256(text, slash);

	if (!_mm256_testz_si256(_mm256_shuffle_epi8(low_errors, low), _mm256_shuffle_epi8(high_errors, high)))
		return false;
	*out = _mm256_add_epi8(text,
			       _mm256_shuffle_epi8(shifts, _mm256_add_epi8(_mm256_cmpeq_epi8(text, slash), high)));
	return true;
}

/* 32 values of 6 bits to 24 bytes at the front. */
__attribute__((target("avx2"))) static __m256i pack(__m256i values)
{
	const __m256i order = _mm256_setr_epi8(TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
	__m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
	__m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));

	return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, order),
					   _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
}

__attribute__((target("avx2"))) size_t base64_vector_decode(const uint8_t *text, size_t len, uint8_t *out)
{
	size_t done = 0;

	/* each store writes 32 bytes of which 24 count: the rest must lie in the room of digits that follow */
	for (; len - done >= 48; done += 32, out += 24) {
		__m256i values;

		if (!values_of(_mm256_loadu_si256((const __m256i *)(const void *)(text + done)), &values))
			break;
		_mm256_storeu_si256((__m256i *)(void *)out, pack(values));
	}
	return done;
}

#else

bool base64_vector_available(void)
{
	return false;
}

size_t base64_vector_decode(const uint8_t *text, size_t len, uint8_t *out)
{
	(void)text;
	(void)len;
	(void)out;
	return 0;
}

#endif
