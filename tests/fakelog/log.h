/*
 * One fake log: its key, its tree, its entries, the heads it has signed. Entries are not stored: they are minted again
 * whenever they are served, from the seed and the index; only hashes and timestamps stay.
 */
#ifndef FAKELOG_LOG_H
#define FAKELOG_LOG_H

#include "fault.h"
#include "mint.h"
#include "tree.h"

/* Names to be logged at a certain index instead of generated ones. */
struct planting {
	uint64_t index;
	int authority;
	uint64_t identity;               /* the same in all logs: one certificate, several sightings */
	struct name_set names;
};

struct plantings {
	struct planting *items;          /* by index */
	size_t n, cap;
};

/*
 * Adds the lines of a file: "INDEX ISSUER NAME[,NAME...]"; INDEX "-" is `spacing` after the line before, ISSUER "-" is E7;
 * '#' starts a comment.
 */
bool plantings_load(struct plantings *, const char *path, uint64_t first, uint64_t spacing, const struct mint *mint, struct error *err);
void plantings_add(struct plantings *, uint64_t index, int authority, const struct name_set *names);
const struct planting *plantings_at(const struct plantings *, uint64_t index);
void plantings_deinit(struct plantings *);

/* What all logs of one fakelog have in common. */
struct world {
	uint64_t seed;
	int64_t start_ms;                /* the wall clock's time when it started, or what was said instead */
	int64_t clock_offset_ms;         /* added to the wall clock */
	bool same_certificates;          /* every log holds the same certificates at the same indexes */
	uint64_t initial;                /* entries of each log at the start */
	int64_t span_ms;                 /* over which they were logged; 0: one every INITIAL_SPACING_MS */
	unsigned page;                   /* get-entries: most entries per answer */
	bool aligned_pages;
	unsigned delay_ms;
	bool without_gzip;
	bool fast;                       /* pseudo-random bytes for signatures of certificates and SCTs */
	struct mint *mint;
	struct plantings plantings;
	struct buf bomb;                 /* gzip of zeros, made when first asked for: it takes a while */
	uint64_t bomb_mib;
};
int64_t world_now(const struct world *);

enum listed_as { LISTED_CLASSIC, LISTED_STATIC };

struct head {
	uint64_t size;
	int64_t timestamp_ms;
	struct hash root;
};

struct fake_log {
	struct world *world;
	unsigned number;
	enum listed_as listed_as;        /* both APIs are served; leaves of static logs state their index */
	char *description, *url, *origin;
	int64_t mmd_ms;
	struct signer *signer;
	struct hash id;
	struct tree tree;
	int64_t *timestamps;             /* of entries */
	size_t timestamps_cap;
	struct mark {                    /* entries that went into the tree with something wrong */
		uint64_t index;
		enum fault_id fault;
	} *marks;
	size_t n_marks;
	struct head *heads;              /* all that were published: strictly growing timestamps */
	size_t n_heads, heads_cap;
	struct head last_served;         /* without faults */
	struct faults faults;
};

void log_init(struct fake_log *, struct world *world, unsigned number, enum listed_as listed_as, const char *url);
void log_deinit(struct fake_log *);
uint64_t log_size(const struct fake_log *);                      /* sequenced; >= the newest published head's */
const struct head *log_head(const struct fake_log *);            /* newest published */
/* Sequence `n` more entries and publish a head. */
void log_grow(struct fake_log *, uint64_t n);
/* Sign the tree as it is under a new timestamp. */
void log_publish(struct fake_log *);
/* Was a head of a size in [from, to) published? */
bool log_published_within(const struct fake_log *, uint64_t from, uint64_t to);

/* One entry as both APIs need it. */
struct entry_bytes {
	struct buf leaf;                 /* MerkleTreeLeaf */
	struct buf precertificate;       /* empty for a certificate */
	bool is_precert;
	size_t authority;
};
void entry_bytes_init(struct entry_bytes *);
void entry_bytes_deinit(struct entry_bytes *);
/* The leaf as it went into the tree; the precertificate is left empty. */
void log_leaf(struct fake_log *, uint64_t index, struct entry_bytes *out);
/* The same and the precertificate. */
void log_entry(struct fake_log *, uint64_t index, struct entry_bytes *out);
/* Chain of an entry, issuer first: indexes of authorities. Returns how many. */
size_t log_chain(const struct fake_log *, const struct entry_bytes *entry, size_t out[2]);

/* A head as it is served now, faults applied, with its signature. */
struct served_head {
	struct head head;
	uint8_t signature[4 + SIGNATURE_MAX];     /* DigitallySigned */
	size_t signature_len;
	bool malformed, other_origin, extension_line, strangers;
};
void log_serve_head(struct fake_log *, struct served_head *out);

#endif
