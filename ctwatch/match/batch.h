/*
 * One response of a log, turned into what is kept of it: the hashes of its range, the certificates that match, and what is
 * wrong with it. A pure function of its input; a worker thread runs it with a scratch of its own, a test or a benchmark
 * without any loop. Nothing is allocated per entry unless the entry matches or is broken.
 */
#ifndef CTWATCH_BATCH_H
#define CTWATCH_BATCH_H

#include "rules.h"
#include "state.h"
#include "ct.h"

#define BATCH_HEADS_MAX 64           /* signed sizes at which one response is cut */
#define BATCH_MALFORMED_MAX 16       /* broken entries that one response may make us keep; further ones are counted */
#define BATCH_HELD_MAX (4u << 20)    /* bytes of matches that one response may make us hold; it ends early then, and the rest is read again */
#define BATCH_ROOM_KEPT (2u << 20)   /* room to inflate in that each scratch keeps; a full data tile has 0.3 to 0.8 MB */
#define BATCH_CLOCK_TOLERANCE_MS 60000   /* clocks of a log's machines differ by seconds (spec 1.12) */

/* Per-thread memory, reused between responses. */
struct batch_scratch;
struct batch_scratch *batch_scratch_new(void);
void batch_scratch_free(struct batch_scratch *);

/* A signed head inside or just beyond the response. */
struct batch_head {
	uint64_t tree_size;
	int64_t timestamp_ms;
};

struct batch_input {
	enum log_protocol protocol;
	struct slice body;                /* as it came */
	bool gzip;
	uint64_t first;                   /* index of the response's first entry */
	uint64_t n_asked;                 /* classic: at most so many may come; static: exactly so many (the tile's width) */
	uint64_t from, to;                /* entries wanted: those before `from` were read already, those from `to` on are not yet signed */
	const struct batch_head *heads;   /* ascending; at most BATCH_HEADS_MAX */
	size_t n_heads;
	int64_t floor_head_ms;            /* time of the newest head known to lack these entries; INT64_MIN: none */
	int64_t mmd_ms;
	int64_t interval_start_ms, interval_end_ms;   /* the shard's; INT64_MIN / INT64_MAX */
	int64_t now_ms;                   /* 0: delays are not counted */
	bool in_doubt;                    /* read again, since it did not hash to a signed root: counted before, and evidence now */
	size_t room_max;                  /* what it may inflate to; 0: RESPONSE_BYTES_MAX */
	int64_t slice_us;                 /* pause after so much time; 0: never */
};

/* One certificate that matched, copied out of the response and decoded in full. */
struct found {
	uint64_t index;
	int64_t timestamp_ms;
	struct hash tbs_sha256, sha256, leaf_hash;
	bool precert, der_is_tbs;
	struct buf der, leaf, extra;      /* leaf is the whole MerkleTreeLeaf; each is whole, or empty where that is more than is kept */
	uint64_t too_large_bytes;         /* length of the certificate when it is not kept; else 0 */
	uint64_t names_total;             /* those in names_json and those that had no room */
	bool extra_is_fingerprints;       /* static logs: the chain as SHA-256 of its certificates */
	char *issuer, *subject, *serial, *names_json;
	char *note;                       /* what is odd about it: "OpenSSL refuses it: ..." ; or NULL */
	int64_t not_before_ms, not_after_ms;
	struct match_list matches;
};

struct malformed_entry {
	uint64_t index;
	struct buf leaf;
	char reason[256];
};

/* A check that entries failed: how many, and the first of them. */
struct batch_fault {
	uint64_t count, first_index;
	char first_detail[192];
};

enum batch_check {
	CHECK_MALFORMED_ENTRY,            /* leaf structure broken */
	CHECK_UNKNOWN_ENTRY_TYPE,
	CHECK_UNPARSABLE_CERT,
	CHECK_LEAF_INDEX,                 /* absent, repeated or not the entry's index (static logs) */
	CHECK_WRONG_SHARD,
	CHECK_MMD_VIOLATION,
	CHECK_TIMESTAMP_ORDER,            /* entry newer than the head that covers it */
	N_BATCH_CHECKS,
};

struct batch_output {
	uint64_t from, to;                /* entries that were read: to is smaller than asked when the answer was short */
	bool paused;                      /* the time slice is over: go on with batch_resume, on any scratch */
	bool cut;                         /* BATCH_HELD_MAX was reached: `to` is smaller than what came */
	bool too_large;                   /* after a failure: it inflates past room_max */
	size_t held_bytes;                /* by found and malformed */
	size_t inflated_bytes;            /* 0: it came as it is */
	uint64_t n_received;              /* entries in the response, those outside [from, to) included */
	struct compact_range *pieces;     /* [from, to), cut at the heads' sizes */
	size_t n_pieces, pieces_cap;
	struct found *found;
	size_t n_found, found_cap;
	struct malformed_entry *malformed;
	size_t n_malformed, malformed_cap;
	struct batch_fault faults[N_BATCH_CHECKS];
	struct state_counters counters;   /* entries, lets_encrypt, malformed, matched, n_bytes, delay */
	int64_t min_timestamp_ms, max_timestamp_ms;
	struct hash *leaf_hashes;         /* of [from, to) */
};

/*
 * ERR_MALFORMED: the response as a whole is useless (not JSON, too many or no entries, a tile that does not add up); the output
 * then holds nothing. A single broken entry never fails the batch, except in a tile, where nothing behind it can be found.
 */
bool batch_run(struct batch_scratch *scratch, const struct ruleset *rules, const struct batch_input *input, struct batch_output *out,
	       struct error *err);
/* Goes on with a batch that paused; `input` and its body are the same. */
bool batch_resume(struct batch_scratch *scratch, const struct ruleset *rules, const struct batch_input *input, struct batch_output *out,
		  struct error *err);
void batch_output_deinit(struct batch_output *);
void found_deinit(struct found *);

#endif
