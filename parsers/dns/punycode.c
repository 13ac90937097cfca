/* Punycode, RFC 3492: the bootstring that stands behind "xn--". */
#include "dns.h"

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_N = 128 };

/* RFC 3492 section 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t n_points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / n_points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
	return k <= bias + T_MIN ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

static bool is_scalar(uint32_t c)
{
	return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

struct writer {
	char *out;
	size_t len, used;
};

static bool put(struct writer *w, char c)
{
	if (w->used == w->len)
		return false;
	w->out[w->used++] = c;
	return true;
}

static bool put_digit(struct writer *w, uint32_t digit)
{
	return put(w, (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26)));
}

/* One delta as a generalised variable-length integer, RFC 3492 section 3.3. */
static bool put_delta(struct writer *w, uint32_t q, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);

		if (q < t)
			return put_digit(w, q);
		if (!put_digit(w, t + (q - t) % (BASE - t)))
			return false;
		q = (q - t) / (BASE - t);
	}
}

/* Smallest code point >= n; there is one, since not all have been handled. */
static uint32_t next_point(const uint32_t *in, size_t len, uint32_t n)
{
	uint32_t m = UINT32_MAX;

	for (size_t i = 0; i < len; i++)
		if (in[i] >= n && in[i] < m)
			m = in[i];
	return m;
}

bool punycode_encode(const uint32_t *in, size_t n, char *out, size_t out_len, size_t *written)
{
	struct writer w = { out, out_len, 0 };
	uint32_t point = FIRST_N, delta = 0, bias = FIRST_BIAS;
	size_t n_basic = 0, handled;

	if (n > UINT32_MAX - 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_scalar(in[i]))
			return false;
		if (in[i] >= FIRST_N)
			continue;
		if (!put(&w, (char)in[i]))
			return false;
		n_basic++;
	}
	if (n_basic > 0 && !put(&w, '-'))
		return false;

	for (handled = n_basic; handled < n;) {
		uint32_t m = next_point(in, n, point), step;

		if (__builtin_mul_overflow(m - point, (uint32_t)handled + 1, &step) ||
		    __builtin_add_overflow(delta, step, &delta))
			return false;
		point = m;
		for (size_t i = 0; i < n; i++) {
			if (in[i] < point && ++delta == 0)
				return false;
			if (in[i] != point)
				continue;
			if (!put_delta(&w, delta, bias))
				return false;
			bias = adapt(delta, (uint32_t)handled + 1, handled == n_basic);
			delta = 0;
			handled++;
		}
		delta++;
		point++;
	}
	*written = w.used;
	return true;
}

static bool digit_of(uint8_t c, uint32_t *digit)
{
	if (c >= 'a' && c <= 'z')
		*digit = c - (uint32_t)'a';
	else if (c >= 'A' && c <= 'Z')
		*digit = c - (uint32_t)'A';
	else if (c >= '0' && c <= '9')
		*digit = c - (uint32_t)'0' + 26;
	else
		return false;
	return true;
}

/* Reads one delta and adds it to *i. */
static bool take_delta(struct slice *in, uint32_t bias, uint32_t *i)
{
	uint32_t weight = 1, digit, step;

	for (uint32_t k = BASE;; k += BASE) {
		if (in->len == 0 || !digit_of(in->data[0], &digit))
			return false;
		*in = slice_sub(*in, 1, in->len);
		if (__builtin_mul_overflow(digit, weight, &step) || __builtin_add_overflow(*i, step, i))
			return false;
		uint32_t t = threshold(k, bias);
		if (digit < t)
			return true;
		if (__builtin_mul_overflow(weight, BASE - t, &weight))
			return false;
	}
}

bool punycode_decode(struct slice in, uint32_t *out, size_t max, size_t *n)
{
	uint32_t point = FIRST_N, i = 0, bias = FIRST_BIAS;
	size_t len = 0;

	/* the basic code points stand before the last delimiter, if there are any */
	for (size_t at = in.len; at-- > 1;) {
		if (in.data[at] != '-')
			continue;
		for (; len < at; len++) {
			if (len == max || in.data[len] >= FIRST_N)
				return false;
			out[len] = in.data[len];
		}
		in = slice_sub(in, at + 1, in.len);
		break;
	}
	while (in.len > 0) {
		uint32_t before = i, count = (uint32_t)len + 1;

		if (len == max || !take_delta(&in, bias, &i))
			return false;
		bias = adapt(i - before, count, before == 0);
		if (__builtin_add_overflow(point, i / count, &point) || !is_scalar(point))
			return false;
		i %= count;
		for (size_t move = len; move > i; move--)
			out[move] = out[move - 1];
		out[i++] = point;
		len++;
	}
	*n = len;
	return true;
}
