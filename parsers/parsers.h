/*
 * Bytes in, borrowed structs out: log entries, tiles, tree arithmetic, signed tree heads, proofs, log
 * lists, certificates and DNS names, as shared/spec/ct-protocols.md and the RFCs named at each item
 * describe them. No I/O, no clock, no diagnostics, no writable globals: everything here may run on any
 * thread.
 *
 * Slices in results borrow from the bytes that were parsed, unless said otherwise.
 * Parsers fail with ERR_MALFORMED and leave their outputs as they were.
 */
#ifndef CTWATCH_PARSERS_H
#define CTWATCH_PARSERS_H

#include "base.h"

struct x509_st;      /* OpenSSL's X509 */
struct evp_pkey_st;  /* OpenSSL's EVP_PKEY */

/* Ceilings that every user of these parsers may rely on. */
#define RESPONSE_BYTES_MAX (64u << 20)    /* one response after inflating; certspotter's value */
#define TILE_WIDTH 256                    /* static-ct-api: hashes and entries of a full tile */
#define PROOF_NODES_MAX 64                /* a tree of 2^63 leaves */
#define TREE_PEAKS_MAX 64
#define NOTE_BYTES_MAX (256u << 10)
#define NOTE_SIGNATURES_MAX 64

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

/* ---- log lists (Chrome v3, Apple v5; spec section 3) ------------------------------------------ */

enum log_protocol { LOG_RFC6962, LOG_STATIC };
/* In order of strength: the strongest of several lists wins. */
enum log_lifecycle { LIFECYCLE_NONE, LIFECYCLE_PENDING, LIFECYCLE_REJECTED, LIFECYCLE_RETIRED, LIFECYCLE_READONLY, LIFECYCLE_QUALIFIED, LIFECYCLE_USABLE };
enum log_type { LOG_TYPE_PROD, LOG_TYPE_TEST, LOG_TYPE_MONITORING_ONLY };

struct listed_log {
	struct hash log_id;
	char *description, *log_operator;
	char *url;                        /* classic: base URL; static: monitoring prefix; no trailing slash */
	char *submission_url;             /* static only, else NULL; no trailing slash */
	uint8_t *key;                     /* SPKI, DER */
	size_t key_len;
	enum log_protocol protocol;
	enum log_lifecycle lifecycle;
	enum log_type type;
	int64_t mmd_s;
	int64_t interval_start_ms, interval_end_ms;     /* INT64_MIN / INT64_MAX when there is none */
	int64_t lifecycle_since_ms;                     /* 0 when unknown */
	bool has_final_head;
	struct tree_head final_head;                    /* readonly logs; its timestamp_ms may be 0 */
	unsigned sources;                               /* bit i: named by list i (see log_list_merge) */
};

struct log_list {
	struct listed_log *logs;
	size_t n_logs;
	int64_t timestamp_ms;             /* log_list_timestamp; 0 when the list has none */
	char *version;
	char **warnings;                  /* sentences about logs that were dropped */
	size_t n_warnings;
	size_t n_decoys;                  /* logs below example.com, dropped without a word: they are no mistake */
	size_t n_mimics;                  /* of them, the two logs that Google serves to third-party enforcers */
};

/*
 * Chrome's v3 schema or Apple's v5: they share every member that is read. Refuses a list with the same id twice; drops single bad
 * logs with a warning (spec 3.2). URLs are https, or http on 127.0.0.0/8, [::1] and localhost. Free with log_list_deinit.
 */
bool log_list_parse(struct slice json, struct log_list *out, struct error *err);
/* The same, with hosts (compared without case, no port) whose logs may be read over plain http. */
struct log_list_hosts {
	const char *const *names;
	size_t n;
};
bool log_list_parse_allowing(struct slice json, const struct log_list_hosts *hosts, struct log_list *out, struct error *err);
void log_list_deinit(struct log_list *);
/* RSASSA-PKCS1-v1_5 with SHA-256 over the exact bytes, by the key that Google publishes (pinned here). */
bool log_list_verify(struct slice json, struct slice signature, struct error *err);
/* The same with another key, PEM: for tests and private lists. */
bool log_list_verify_with(struct slice json, struct slice signature, struct slice key_pem, struct error *err);
/*
 * Is this a list for third-party enforcers rather than for monitors (spec 3.1)? It names a mimic log, no log outside example.com, or
 * states lifecycles of which none is live. `why` says what gave it away.
 */
bool log_list_is_mimic(const struct log_list *list, char *why, size_t why_len);
/*
 * Union by log id: adds copies of the logs of `from` (list number `source` below 32) to `into`, which may be zeroed. The strongest lifecycle
 * wins and brings its date and final head; everything else stays as the first list says it.
 */
void log_list_merge(struct log_list *into, const struct log_list *from, unsigned source);
/* The logs this program knows from its build (parsers/known_logs.c): dated facts, for a first start without the list. */
void log_list_builtin(struct log_list *out);
const char *log_lifecycle_name(enum log_lifecycle);
const char *log_protocol_name(enum log_protocol);

/* ---- certificates ------------------------------------------------------------------------------ */

/*
 * What matching needs of a certificate, found by a tolerant, bounds-checked DER walk; nothing is copied. Works on a
 * Certificate and on a bare TBSCertificate. Makes no judgement: see spec section 6.
 */
struct cert_view {
	struct slice tbs;                 /* TBSCertificate, whole TLV */
	struct slice serial;              /* content bytes, raw, possibly non-minimal or negative */
	struct slice issuer, subject;     /* Name, whole TLV */
	struct slice issuer_org;          /* value of the first O, as it stands; empty when absent */
	struct slice spki;                /* whole TLV */
	struct slice extensions;          /* content of the SEQUENCE; empty when there are none */
	struct slice san;                 /* content of the first SAN's GeneralNames; further ones are found by the name walk */
	struct slice cn;                  /* value of the subject's first CN, of ASN.1 type cn_tag; likewise */
	uint8_t cn_tag;
	uint32_t n_san, n_cn;
	int64_t not_before_ms, not_after_ms;   /* INT64_MIN when unreadable */
	bool has_san, has_cn, has_poison, has_sct_list;
	bool san_in_pieces;               /* a SAN in a BER string of several pieces, which only the name walk joins */
	bool is_ca;                       /* basicConstraints cA, where readable */
	bool names_cut;                   /* subject or extensions break off: there may be names that nobody can read */
};

bool cert_scan(struct slice der, struct cert_view *out, struct error *err);          /* a Certificate */
bool cert_scan_tbs(struct slice tbs, struct cert_view *out, struct error *err);      /* a TBSCertificate */
/* The view of an entry: Certificate for x509, TBS for a precert. */
bool cert_scan_entry(const struct entry *entry, struct cert_view *out, struct error *err);

enum name_kind { NAME_DNS, NAME_IP };
enum name_origin { NAME_FROM_SAN, NAME_FROM_CN };
enum name_flag {
	NAME_WILDCARD = 1,                /* has a label with '*' */
	NAME_UNPARSABLE_LABEL = 2,        /* a label became "<unparsable>" */
	NAME_ALTERNATE_READING = 4,       /* one of several readings of the same bytes */
};

/*
 * Bytes of one name that are looked at, counted from its end; what stands before them becomes one "<unparsable>" label.
 * A DNS name has at most 253, and a client compares them all, so nothing that could match is lost.
 */
#define NAME_RAW_MAX 1024
/* No normalised name is longer: punycode makes at most 8 characters of a byte. */
#define NAME_TEXT_MAX 8192
/* Names of one certificate; a log's 16 MB entry could hold more, and no client reads them. */
#define CERT_NAMES_MAX (1u << 20)
/*
 * Bytes beyond ASCII of one certificate that are made into punycode, whose cost is the square of a label: ten times what an
 * honest certificate could hold. Labels after that read "<unparsable>", which stands for any label, and count as unreadable.
 */
#define NAMES_ENCODED_MAX (256u << 10)

/*
 * One identifier, normalised (spec section 6.2): a DNS name is lower case, A-label form, no trailing dot; an address is
 * 4 or 16 bytes in network order. `text` borrows from the certificate or from the list's arena, until names_clear.
 */
struct cert_name {
	enum name_kind kind;
	enum name_origin origin;
	unsigned flags;
	struct slice text;
};

struct cert_names {
	struct cert_name *items;
	size_t n, cap;
	size_t n_unreadable;              /* names whose bytes could not be turned into an identifier */
	size_t encoded_bytes;             /* what punycode was made of: see NAMES_ENCODED_MAX */
	struct buf arena;
	struct name_slot *slots;          /* finds repeated names once there are many; private to names.c */
	size_t n_slots, slots_cap;
};

void names_init(struct cert_names *);
void names_deinit(struct cert_names *);
/*
 * Replace the content of `names` by the identifiers of `view`; repeated names are dropped. Reuses memory: allocates only
 * while it grows. Returns false when the certificate's name fields cannot be walked to their end: what was read before is kept.
 */
bool names_collect(const struct cert_view *view, struct cert_names *names, struct error *err);
/* Normalises one name as from a SAN dNSName or a CN; appends 0..n readings. For `check` and the watch list. */
void names_add_text(struct cert_names *names, struct slice text, enum name_origin origin);
void names_clear(struct cert_names *);
/* "192.0.2.1" or "2001:db8::1" for NAME_IP, the text itself for NAME_DNS. Returns `out`. */
char *name_format(const struct cert_name *name, char *out, size_t out_len);

/*
 * The key that makes precertificate and certificate one: SHA-256 of the TBS as logged, that is without the poison, or else
 * without the SCT list (RFC 6962 section 3.2; spec 1.11). For a precert entry simply SHA-256 of entry.certificate. Hashes the
 * pieces where they lie. Fails only for a certificate that repeats those extensions past all reason.
 */
bool cert_tbs_sha256(const struct cert_view *view, struct hash *out, struct error *err);
bool entry_tbs_sha256(const struct entry *entry, const struct cert_view *view, struct hash *out, struct error *err);
/*
 * The TBS bytes themselves; with a Precertificate Signing Certificate `preissuer` (may be empty) the issuer and the value of the
 * authority key identifier become the preissuer's. All other bytes stay as they are, however odd. Appends to out.
 */
bool cert_rebuild_tbs(struct slice certificate, struct slice preissuer, struct buf *out, struct error *err);
/* The embedded SCT list's items (content of the u16 vector), or false when there is none. */
bool cert_sct_list(const struct cert_view *view, struct slice *out);

/*
 * X.509 Name, DER, as people read it: "C=US, O=Let's Encrypt, CN=E7". Values that could pass for more than one attribute are
 * quoted. Escaped with text_escape. Tolerant: what cannot be read is "?".
 */
char *x509_name_format(struct slice name, char *out, size_t out_len);

/*
 * Full decoding with OpenSSL, for certificates that matched: slow, complete, may refuse what cert_scan reads. `der` is a
 * Certificate or, when is_tbs, a TBSCertificate that gets wrapped (spec 1.5).
 */
struct cert_details {
	char *subject, *issuer;           /* one line each */
	char *serial_hex;
	char *key;                        /* "RSA 2048", "EC P-256", "unknown" */
	char *signature_algorithm;
	char **names;                     /* as OpenSSL reads them: "DNS:..." and "IP:..." */
	size_t n_names;
	int64_t not_before_ms, not_after_ms;
};
bool cert_decode(struct slice der, bool is_tbs, struct cert_details *out, struct error *err);
void cert_details_deinit(struct cert_details *);

/* ---- DNS names ------------------------------------------------------------------------------- */

#define DNS_NAME_MAX 253
#define DNS_LABEL_MAX 63

/*
 * Public suffixes, compiled once into an immutable table (publicsuffix.org format, private section included). Held equal to
 * libpsl by a test. `origin` is said back by suffix_table_origin ("public_suffix_list.dat of 2026-08-19").
 */
struct suffix_table;
struct suffix_table *suffix_table_new(struct slice list_text, const char *origin, struct error *err);
/* For a machine without the list's file: asks libpsl's built-in data at each look-up (slower, same answers). */
struct suffix_table *suffix_table_new_libpsl(void);
void suffix_table_free(struct suffix_table *);
/* Where the list came from and its date, for `rules list` and diagnostics. */
const char *suffix_table_origin(const struct suffix_table *);
/* Offset in `name` of the registrable domain (eTLD+1), or -1 when the name is itself a public suffix. *suffix_at: offset of the suffix. Name: lower case A-labels. */
ptrdiff_t suffix_registrable(const struct suffix_table *, struct slice name, size_t *suffix_at);

/* Punycode (RFC 3492) of one label, without "xn--". Code points in, ASCII out and back. False when it does not fit or is invalid. */
bool punycode_encode(const uint32_t *in, size_t n, char *out, size_t out_len, size_t *written);
bool punycode_decode(struct slice in, uint32_t *out, size_t max, size_t *n);
/* A whole name for people: xn-- labels decoded where valid, UTF-8. Returns `out`. */
char *dns_name_to_unicode(struct slice name, char *out, size_t out_len);
/* U-label or mixed-case input to A-labels (UTS 46, libidn2). For configuration and watch lists, not for logged names. */
bool dns_name_to_ascii(struct slice name, char out[DNS_NAME_MAX + 1], struct error *err);

#endif
