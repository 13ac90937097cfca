/*
 * Certificate Transparency on the wire: log entries, tiles, tree arithmetic, signed tree heads and proofs (RFC 6962, RFC 9162,
 * static-ct-api).
 *
 * No I/O, no clock, no diagnostics, no writable globals: everything here may run on any thread. Slices in results borrow from the bytes
 * that were parsed, unless said otherwise. Parsers fail with ERR_MALFORMED and leave their outputs as they were.
 */
#ifndef CTWATCH_CT_H
#define CTWATCH_CT_H

#include "base.h"

/* Ceilings that every user of these parsers may rely on. */
#define RESPONSE_BYTES_MAX (64u << 20)    /* one response after inflating; certspotter's value */
#define TILE_WIDTH 256                    /* static-ct-api: hashes and entries of a full tile */
#define PROOF_NODES_MAX 64                /* a tree of 2^63 leaves */
#define TREE_PEAKS_MAX 64
#define NOTE_BYTES_MAX (64u << 10)
#define NOTE_SIGNATURES_MAX 64

/* The two interfaces that logs have. */
enum log_protocol { LOG_RFC6962, LOG_STATIC };
const char *log_protocol_name(enum log_protocol);

/* ---- TLS presentation language (RFC 8446 section 3): each take_ succeeds or changes nothing ---- */

bool take_u8(struct slice *in, uint8_t *out);
bool take_u16(struct slice *in, uint16_t *out);
bool take_u24(struct slice *in, uint32_t *out);
bool take_u64(struct slice *in, uint64_t *out);
bool take_bytes(struct slice *in, size_t len, struct slice *out);
bool take_vec8(struct slice *in, struct slice *out);    /* opaque x<0..2^8-1> */
bool take_vec16(struct slice *in, struct slice *out);
bool take_vec24(struct slice *in, struct slice *out);

/* ---- log entries (RFC 6962 section 3.4; static-ct-api) ------------------------------------------ */

enum entry_type {
	ENTRY_X509 = 0,
	ENTRY_PRECERT = 1,
	ENTRY_UNKNOWN = -1,     /* hashed and counted as an opaque leaf, never an integrity error */
};

/*
 * One log entry, as hashed into the tree: MerkleTreeLeaf. `leaf` are the very bytes to hash, except that for
 * a data tile they lack their first two bytes (version and leaf type, both zero): see entry_leaf_hash.
 */
struct entry {
	uint64_t timestamp_ms;          /* since the Unix epoch, UTC */
	enum entry_type type;
	uint16_t raw_type;              /* as on the wire */
	uint8_t issuer_key_hash[32];    /* precerts only: SHA-256 of the issuer's SPKI */
	struct slice certificate;       /* DER Certificate; for a precert, its TBSCertificate */
	struct slice extensions;        /* CtExtensions: empty in classic logs */
	struct slice leaf;              /* whole MerkleTreeLeaf, or from offset 2 on when `headless` */
	bool headless;
	/* not covered by the tree hash: for display only */
	struct slice precertificate;    /* DER, precerts only; empty when extra_data was not decoded */
	struct slice chain;             /* classic: vec24 items; static: n * 32 bytes of fingerprints */
};

/*
 * Parse exactly one MerkleTreeLeaf. Allocates nothing. An unknown version, leaf type or entry type is no
 * error: the result has ENTRY_UNKNOWN and an empty certificate.
 */
bool entry_parse(struct slice leaf, struct entry *out, struct error *err);
/* extra_data of get-entries (RFC 6962 section 4.6): fills precertificate and chain of `entry`; an entry of unknown type has none that can be read. */
bool entry_parse_extra(struct slice extra_data, struct entry *entry, struct error *err);
/* Take one TileLeaf from the front of a data tile (static-ct-api). An unknown entry type is an error: its length is unknown. */
bool entry_take_tile_leaf(struct slice *in, struct entry *out, struct error *err);
struct hash entry_leaf_hash(const struct entry *entry);
/* SHA-256(0x00 || leaf). */
struct hash leaf_hash(struct slice leaf);
/* leaf_index in CtExtensions (static-ct-api): 1 found, 0 absent, -1 malformed or repeated. */
int entry_leaf_index(struct slice extensions, uint64_t *out);
/* Iterates a classic chain: items of vec24. False at the end or at a broken item. */
bool chain_take(struct slice *chain, struct slice *certificate);

/*
 * A get-entries page (RFC 6962 section 4.6), scanned in place: no JSON tree. Member order, white space, unknown
 * members and escapes ("\/", "\u002b") are accepted as JSON allows; nesting is bounded.
 *
 *   struct entries_page page;
 *   entries_page_init(&page, body);
 *   while (entries_page_next(&page, &leaf_b64, &extra_b64, err)) ...
 *   if (!page.done) the error says where it broke
 */
struct entries_page {
	struct slice in;
	size_t body_len;
	size_t n_entries;       /* returned so far */
	bool started, seen_entries, in_entries;
	bool done;              /* the closing brace was reached and nothing follows */
};

void entries_page_init(struct entries_page *page, struct slice json);
/*
 * The raw base64 texts between the quotes (escapes not resolved; base64 text that holds a backslash is slow-pathed by
 * page_base64_decode). An entry without extra_data gets an empty one: it is for display only and never holds a log back.
 */
bool entries_page_next(struct entries_page *page, struct slice *leaf_input, struct slice *extra_data, struct error *err);
/* Strict base64 with JSON escapes resolved; `out` as in base64_decode. */
bool page_base64_decode(struct slice text, uint8_t *out, size_t *out_len);

/* ---- inflating (gzip and zlib members, RFC 1952) --------------------------------------------- */

struct inflater;                /* one per worker thread; reused, grows to its ceiling */
struct inflater *inflater_new(size_t max_bytes);
void inflater_free(struct inflater *);
/*
 * One zlib stream, or gzip members in a row. The result borrows from the inflater until its next use. A bomb is refused with its ceiling
 * named.
 */
bool inflater_gunzip(struct inflater *, struct slice compressed, struct slice *out, struct error *err);
/* The same with a ceiling for this answer: not a byte more is inflated, whatever it holds. */
bool inflater_gunzip_within(struct inflater *, struct slice compressed, size_t max_bytes, struct slice *out, struct error *err);
/* Bytes of room that it holds between answers, and giving them back when they are more than `most`. */
size_t inflater_room(const struct inflater *);
void inflater_trim(struct inflater *, size_t most);

/* ---- tree arithmetic (RFC 9162 section 2.1) -------------------------------------------------- */

struct hash tree_node_hash(const struct hash *left, const struct hash *right);   /* SHA-256(0x01 || l || r) */
struct hash tree_empty_root(void);

/*
 * The hashes of the perfect, aligned subtrees that cover leaves [start, end) of one tree, left to right:
 * at most 2*log2(n). With start = 0 these are the peaks of the tree of size `end`. Ranges are appended to and
 * merged in any order; that is how workers hash out of order.
 * A plain value: copy it freely. 2 * 64 hashes are the worst case of any start and end below 2^63.
 */
#define RANGE_HASHES_MAX 126
struct compact_range {
	uint64_t start, end;
	uint32_t n_hashes;
	struct hash hashes[RANGE_HASHES_MAX];
};

void range_init(struct compact_range *range, uint64_t start);
/* Amortised one node hash a leaf. */
void range_append_leaf(struct compact_range *range, const struct hash *leaf_hash);
/* A perfect subtree of 2^height leaves; range->end must be a multiple of 2^height (asserted). */
void range_append_subtree(struct compact_range *range, const struct hash *subtree, unsigned height);
/* left.end == right.start, else false and nothing changes. `left` becomes the union. */
bool range_merge(struct compact_range *left, const struct compact_range *right);
/* The root of a tree; start must be 0 (asserted). Size 0 gives the empty root. */
struct hash range_root(const struct compact_range *range);
/* Number of hashes that [start,end) must have. */
uint32_t range_hash_count(uint64_t start, uint64_t end);
/* Build from stored bytes (32 * n); false when the count does not fit start and end. */
bool range_load(struct compact_range *range, uint64_t start, uint64_t end, struct slice hashes);

struct proof {
	size_t n_nodes;
	struct hash nodes[PROOF_NODES_MAX];
};

bool inclusion_verify(uint64_t index, uint64_t tree_size, const struct hash *leaf_hash, const struct proof *proof, const struct hash *root);
bool consistency_verify(uint64_t old_size, const struct hash *old_root, uint64_t new_size, const struct hash *new_root, const struct proof *proof);
/*
 * Audit path of the last leaf (index tree_size - 1) -> the peaks of the tree without it, of size tree_size - 1 (start at end, classic
 * logs). Append the leaf and compare the root with the head before trusting either. False when the path's length does not fit.
 */
bool range_from_last_leaf_proof(uint64_t tree_size, const struct proof *proof, struct compact_range *out);

/* Answers of get-sth-consistency, get-proof-by-hash, get-entry-and-proof. */
bool consistency_parse(struct slice json, struct proof *out, struct error *err);
bool inclusion_parse(struct slice json, uint64_t *leaf_index, struct proof *out, struct error *err);
/* `leaf_input` is malloc'd; the caller frees. */
bool entry_and_proof_parse(struct slice json, uint8_t **leaf_input, size_t *leaf_len, struct proof *out, struct error *err);

/* ---- tiles (static-ct-api, tlog-tiles) ------------------------------------------------------- */

#define TILE_PATH_LEN 96
/* level < 0 means a data tile; width 256 is the full tile. "tile/0/x001/234.p/17". Returns `out`. */
char *tile_path(int level, uint64_t index, unsigned width, char out[TILE_PATH_LEN]);
/* The inverse, strict, for the fake log and tests. */
bool tile_path_parse(struct slice path, int *level, uint64_t *index, unsigned *width);

/* ---- log keys, signatures, tree heads ---------------------------------------------------------- */

/* A parsed log key: EC P-256 or RSA >= 2048. Immutable; may be used by several threads. */
struct log_key;
struct log_key *log_key_new(struct slice spki_der, struct error *err);
void log_key_free(struct log_key *);
struct hash log_key_id(const struct log_key *);         /* LogID = SHA-256(SPKI) */
struct slice log_key_spki(const struct log_key *);
/* `digitally_signed` is the TLS struct of RFC 6962 section 3.2, all of it. */
bool log_key_verify(const struct log_key *, struct slice message, struct slice digitally_signed, struct error *err);

struct tree_head {
	uint64_t tree_size;
	uint64_t timestamp_ms;
	struct hash root;
};

/* The 50 bytes that an STH signs (RFC 6962 section 3.5). */
void tree_head_signed_bytes(const struct tree_head *head, uint8_t out[50]);
/* get-sth; verified against `key` (ERR_MALFORMED: not an STH; ERR_CONTRADICTION: signature does not verify). */
bool sth_parse(struct slice json, const struct log_key *key, struct tree_head *out, struct error *err);

enum checkpoint_oddity {
	CHECKPOINT_EXTENSION_LINES = 1,     /* tolerated and counted: NOTE_NONCONFORMING */
	CHECKPOINT_ORIGIN_MISMATCH = 2,     /* authentic, but named differently: ORIGIN_MISMATCH */
};
/*
 * A checkpoint (section 2.2 of the spec): finds the RFC6962NoteSignature by name and key id, verifies it. `origin` is
 * the submission prefix without scheme and trailing slash, or empty to accept any. *oddities is a set of enum checkpoint_oddity.
 */
bool checkpoint_parse(struct slice note, const struct log_key *key, struct slice origin, struct tree_head *out, unsigned *oddities, struct error *err);

/* One SCT of an SCT list (RFC 6962 section 3.3). */
struct sct {
	uint8_t log_id[32];
	uint64_t timestamp_ms;
	struct slice extensions, signature;   /* signature: DigitallySigned */
};
/* From the items of the u16 list; unknown versions are skipped. False with err->kind ERR_NONE at the end of the list, ERR_MALFORMED at a broken item. */
bool sct_take(struct slice *list, struct sct *out, struct error *err);

#endif
