/*
 * What a log can be made to do wrong. Each fault is a row: its name on the command line and in /control, the answers it
 * strikes when nothing else is said, and what it does.
 */
#ifndef FAKELOG_FAULT_H
#define FAKELOG_FAULT_H

#include "base.h"

/* What an answer is, as a set. */
enum kind {
	KIND_HEAD = 1,           /* get-sth, checkpoint */
	KIND_ENTRIES = 2,        /* get-entries, get-entry-and-proof */
	KIND_DATA = 4,           /* data tiles */
	KIND_TILE = 8,           /* hash tiles */
	KIND_PROOF = 16,         /* get-sth-consistency, get-proof-by-hash */
	KIND_ISSUER = 32,
	KIND_OTHER = 64,
	KIND_BULK = KIND_ENTRIES | KIND_DATA,
	KIND_READ = KIND_BULK | KIND_TILE,
	KIND_ALL = 127,
};

/* X(ID, name, kinds, every, after, help): `every` second, third ... matching answer once the first `after` are through */
#define FAULTS(X) \
	/* signed heads */ \
	X(FORK, "fork", KIND_HEAD, 2, 0, "every second head has the size of the one before and another root") \
	X(ROLLBACK, "rollback", KIND_HEAD, 1, 0, "heads after the first are newer and a quarter smaller than it") \
	X(INCONSISTENT_HEAD, "inconsistent-head", KIND_HEAD, 1, 0, "heads larger than at= have a root that fits nothing") \
	X(BAD_SIGNATURE, "bad-signature", KIND_HEAD, 1, 0, "heads whose signature does not verify") \
	X(OTHER_KEY, "other-key", KIND_HEAD, 1, 0, "heads signed with another key") \
	X(STALE_HEAD, "stale-head", KIND_HEAD, 1, 0, "head timestamps two MMDs (at least a day) in the past") \
	X(FUTURE_HEAD, "future-head", KIND_HEAD, 1, 0, "head timestamps an hour in the future") \
	X(SAME_TIMESTAMP, "same-timestamp", KIND_HEAD, 1, 0, "larger trees under the timestamp of the first head") \
	X(LAGGING, "lagging", KIND_HEAD, 2, 0, "every second head is an older one, as from a front end behind") \
	X(MALFORMED_HEAD, "malformed-head", KIND_HEAD, 1, 0, "heads that end in the middle") \
	X(ORIGIN_MISMATCH, "origin-mismatch", KIND_HEAD, 1, 0, "checkpoints that name another origin") \
	X(EXTENSION_LINES, "extension-lines", KIND_HEAD, 1, 0, "checkpoints with a fourth line") \
	X(EXTRA_SIGNATURES, "extra-signatures", KIND_HEAD, 1, 0, "checkpoints with 16 signatures of strangers (harmless)") \
	/* proofs and entries */ \
	X(WRONG_PROOF, "wrong-proof", KIND_PROOF, 1, 0, "proofs whose last node is wrong") \
	X(TAMPERED_ENTRY, "tampered-entry", KIND_BULK, 1, 0, "entry at= is served with a byte changed") \
	X(MISSING_ENTRIES, "missing-entries", KIND_READ, 1, 0, "entries from at= on are not served, though signed") \
	X(NEED_TREE_SIZE, "need-tree-size", KIND_ENTRIES, 2, 0, "400 \"need tree size\" as from a front end behind") \
	X(SHORT_PAGES, "short-pages", KIND_ENTRIES, 1, 0, "pages of at= entries (1) whatever was asked") \
	X(EXTRA_ENTRIES, "extra-entries", KIND_ENTRIES, 1, 0, "one entry more than asked") \
	X(ZERO_ENTRIES, "zero-entries", KIND_ENTRIES, 1, 0, "pages without entries") \
	X(PAGE_TOO_LARGE, "page-too-large", KIND_ENTRIES, 1, 0, "403 ResourceExhausted above at= entries (32)") \
	X(TOO_MANY, "too-many", KIND_ENTRIES, 1, 0, "400 above at= entries (32)") \
	X(TOO_MANY_ERROR, "too-many-error", KIND_ENTRIES, 1, 0, "500 above at= entries (32)") \
	X(TOO_MANY_CUT, "too-many-cut", KIND_ENTRIES, 1, 0, "bodies above at= entries (32) end in the middle") \
	X(TOO_MANY_BROKEN, "too-many-broken", KIND_ENTRIES, 1, 0, "200 with half a body above at= entries (32)") \
	X(TOO_MANY_HANG, "too-many-hang", KIND_ENTRIES, 1, 0, "no answer above at= entries (32)") \
	X(BAD_RANGE, "bad-range", KIND_ENTRIES, 1, 0, "500 for every page that holds one of the 5000 entries from at= on") \
	X(BAD_ENTRY, "bad-entry", KIND_ENTRIES, 1, 0, "500 for every page that holds entry at=") \
	X(CHAIN_MISMATCH, "chain-mismatch", KIND_BULK, 1, 0, "chains that belong to another issuer") \
	/* entries that go into the tree like this, when they are sequenced: index at= */ \
	X(UNPARSABLE_CERT, "unparsable-cert", KIND_BULK, 1, 0, "entry at= holds no certificate") \
	X(WRONG_SHARD, "wrong-shard", KIND_BULK, 1, 0, "entry at= expires outside the log's interval") \
	X(MALFORMED_LEAF, "malformed-leaf", KIND_BULK, 1, 0, "entry at= is a leaf with a byte too many") \
	X(UNKNOWN_ENTRY_TYPE, "unknown-entry-type", KIND_BULK, 1, 0, "entry at= has type 0x8001") \
	X(LEAF_INDEX, "leaf-index", KIND_BULK, 1, 0, "entry at= states the index after its own") \
	X(MMD_VIOLATION, "mmd-violation", KIND_BULK, 1, 0, "entry at= was promised three MMDs before it was merged") \
	X(FUTURE_ENTRY, "future-entry", KIND_BULK, 1, 0, "entry at= is an hour newer than the head that covers it") \
	X(DUPLICATE, "duplicate", KIND_BULK, 1, 0, "entry at= repeats the leaf before it") \
	/* tiles and issuers */ \
	X(PARTIAL_404, "partial-404", KIND_READ, 1, 0, "partial tiles are gone (404) once the full tile exists") \
	X(PARTIAL_403, "partial-403", KIND_READ, 1, 0, "the same with 403") \
	X(NO_PARTIALS, "no-partials", KIND_READ, 1, 0, "no partial tile is ever served") \
	X(MISSING_TILE, "missing-tile", KIND_TILE | KIND_DATA, 1, 0, "tiles of index at= are missing") \
	X(MALFORMED_TILE, "malformed-tile", KIND_DATA, 1, 0, "data tiles with seven bytes at their end") \
	X(SHORT_TILE, "short-tile", KIND_TILE | KIND_DATA, 1, 0, "tiles that end in the middle") \
	X(TILE_HASH, "tile-hash", KIND_TILE, 1, 0, "hash tiles with a wrong last hash") \
	X(MISSING_ISSUER, "missing-issuer", KIND_ISSUER, 1, 0, "404 for every issuer") \
	X(WRONG_ISSUER, "wrong-issuer", KIND_ISSUER, 1, 0, "another certificate than the one asked for") \
	/* HTTP answers */ \
	X(STATUS, "status", KIND_BULK, 1, 0, "status code at= (500) with an HTML body") \
	X(RETRY_SECONDS, "retry-seconds", KIND_BULK, 1, 0, "429 with Retry-After: at= (2)") \
	X(RETRY_DATE, "retry-date", KIND_BULK, 1, 0, "429 with a Retry-After date in 2 s") \
	X(RETRY_UTC, "retry-utc", KIND_BULK, 1, 0, "429 with a Retry-After date that ends in UTC") \
	X(TRUNCATED_BODY, "truncated-body", KIND_BULK, 1, 0, "bodies cut in half, with the Content-Length of the half") \
	X(INVALID_JSON, "invalid-json", KIND_BULK, 1, 0, "bodies that are not JSON") \
	X(HTML, "html", KIND_BULK, 1, 0, "200 with a page of HTML") \
	X(GZIP_BOMB, "gzip-bomb", KIND_BULK, 1, 0, "a gzip body of at= MiB of zeros (128)") \
	X(GZIP_UNASKED, "gzip-unasked", KIND_ALL, 1, 0, "gzip for clients that did not ask") \
	X(REDIRECT, "redirect", KIND_BULK, 1, 0, "redirects without end") \
	/* transport */ \
	X(DRIP, "drip", KIND_BULK, 1, 0, "bodies at 20 bytes a second") \
	X(CUT, "cut", KIND_BULK, 1, 0, "the connection closes in the middle of the body") \
	X(LENGTH_HIGH, "length-high", KIND_BULK, 1, 0, "Content-Length 1000 above the truth, then close") \
	X(LENGTH_LOW, "length-low", KIND_BULK, 1, 0, "Content-Length is half the truth") \
	X(RESET, "reset", KIND_BULK, 1, 0, "the connection is reset instead of an answer") \
	X(HANG, "hang", KIND_BULK, 1, 0, "no answer at all") \
	X(NO_KEEPALIVE, "no-keepalive", KIND_ALL, 1, 0, "every connection closes after its answer (harmless)") \
	/* what the log list says; only at start */ \
	X(READONLY, "readonly", 0, 1, 0, "listed as readonly with its true final head") \
	X(READONLY_GREW, "readonly-grew", 0, 1, 0, "listed as readonly with size at=, and larger") \
	X(FINAL_HEAD_MISMATCH, "final-head-mismatch", 0, 1, 0, "listed as readonly with another root")

#define FAULT_ID(id, name, kinds, every, after, help) FAULT_##id,
enum fault_id { FAULTS(FAULT_ID) FAULT_COUNT };
#undef FAULT_ID

struct fault {
	bool on;
	bool has_at;
	uint64_t at;
	unsigned kinds;
	uint64_t every, after, times;
	uint64_t seen;
};

struct faults {
	struct fault fault[FAULT_COUNT];
};

/* Turn on: "name[,at=N][,times=N][,every=N][,after=N][,on=head|entries|data|tile|proof|issuer|bulk|all]...". */
bool fault_on(struct faults *, const char *text, struct error *err);
/* Turn off by name, or all of them. */
bool fault_off(struct faults *, const char *name, struct error *err);
/* Is it on, whatever the answer? *at: its argument, or `otherwise`. */
bool fault_is_on(const struct faults *, enum fault_id id, uint64_t otherwise, uint64_t *at);
/* Does it strike this answer? Counts. */
bool fault_strikes(struct faults *, enum fault_id id, enum kind kind);
void fault_print_all(void);

#endif
