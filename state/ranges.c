/* What has been read of each log: ranges with their compact hashes, always replaced as a whole. */
#include <inttypes.h>

#include "sql.h"

#define RANGE_HASHES_BYTES_MAX (126 * HASH_LEN)   /* RANGE_HASHES_MAX of ct.h */
#define RANGES_MAX 100000                          /* per log; far above what gaps and workers make */

static bool check_ranges(const struct state_range *ranges, size_t n, struct error *err)
{
	uint64_t end = 0;

	if (n > RANGES_MAX)
		return error_set(err, ERR_FATAL, "%zu read ranges of one log are more than the %d that are stored", n, RANGES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct state_range *r = &ranges[i];

		if (!check_size(r->end, "end of a read range", err))
			return false;
		if (r->start > r->end || (i > 0 && r->start < end))
			return error_set(err, ERR_FATAL, "read range [%" PRIu64 ", %" PRIu64 ") is out of order after %" PRIu64, r->start, r->end, end);
		if (r->hashes.len % HASH_LEN != 0 || r->hashes.len > RANGE_HASHES_BYTES_MAX)
			return error_set(err, ERR_FATAL, "read range [%" PRIu64 ", %" PRIu64 ") has %zu bytes of hashes", r->start, r->end, r->hashes.len);
		end = r->end;
	}
	return true;
}

/* Over all of the row: SHA-256 of start, end, verified and the hashes. */
static struct hash checksum(const struct state_range *r)
{
	uint8_t numbers[17];

	for (unsigned i = 0; i < 8; i++) {
		numbers[i] = (uint8_t)(r->start >> 8 * i);
		numbers[8 + i] = (uint8_t)(r->end >> 8 * i);
	}
	numbers[16] = r->verified;
	const struct slice parts[] = { { numbers, sizeof(numbers) }, r->hashes };
	return sha256_parts(parts, ARRAY_LEN(parts));
}

static bool replace_ranges(struct state *st, int64_t log_no, const struct state_range *ranges, size_t n, struct error *err)
{
	if (!RUN(st, SQL_RANGE_CLEAR, err, INT(log_no)))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct hash sum = checksum(&ranges[i]);

		if (!RUN(st, SQL_RANGE_PUT, err, INT(log_no), INT(ranges[i].start), INT(ranges[i].end), INT(ranges[i].verified), BLOB(ranges[i].hashes),
			 HASH(&sum)))
			return false;
	}
	return true;
}

bool state_put_ranges(struct state *st, const struct hash *log_id, const struct state_range *ranges, size_t n, struct error *err)
{
	int64_t no;

	if (!check_ranges(ranges, n, err) || !state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && replace_ranges(st, no, ranges, n, err);
	return state_end(st, ok, err);
}

bool state_each_range(struct state *st, const struct hash *log_id, state_range_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_RANGE_EACH, HASH(log_id));

	while (rows_next(&rows)) {
		struct state_range range = {
			.start = (uint64_t)rows_int(&rows, 0),
			.end = (uint64_t)rows_int(&rows, 1),
			.verified = rows_int(&rows, 2) != 0,
			.hashes = rows_blob(&rows, 3),
		};
		struct hash stored, sum = checksum(&range);

		/* ranges of older versions have none */
		range.damaged = !rows_null(&rows, 4) && (!rows_hash(&rows, 4, &stored) || !hash_equal(&stored, &sum));
		if (!fn(ctx, &range))
			break;
	}
	return rows_close(&rows, err);
}
