/*
 * What every library of ctwatch may use: borrowed and owned bytes, errors, allocation that
 * cannot fail, text encodings, civil time and SHA-256. Nothing here does I/O or reads a clock.
 *
 * Conventions of the whole project: a function that can fail returns bool and takes a
 * `struct error *` as its last argument (never NULL); outputs are written on success only.
 */
#ifndef CTWATCH_BASE_H
#define CTWATCH_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- bytes ------------------------------------------------------------------------------ */

/* Borrowed bytes, never freed through. `data` may be NULL only when `len` is 0. */
struct slice {
	const uint8_t *data;
	size_t len;
};

#define SLICE_LITERAL(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })
/* printf("%.*s", SLICE_ARGS(s)); for text only, and only where it is known to be printable */
#define SLICE_ARGS(s) (int)(s).len, (const char *)(s).data

struct slice slice_of(const void *data, size_t len);
struct slice slice_text(const char *text);                 /* without the terminating NUL */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_text(struct slice a, const char *text);
int slice_compare(struct slice a, struct slice b);         /* as memcmp, then by length */
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);
struct slice slice_sub(struct slice s, size_t from, size_t to); /* from <= to <= s.len */
/* First position of byte `c`, or -1. */
ptrdiff_t slice_find(struct slice s, uint8_t c);
char *slice_dup_text(struct slice s);                      /* malloc'd, NUL-terminated; the caller frees */
/* Without the byte order mark that editors on some systems put in front of UTF-8. For every text that is read. */
struct slice slice_without_mark(struct slice text);

/*
 * Owned, growing bytes with the ceiling they were born with. An append that would pass `max`
 * changes nothing and returns false; memory itself cannot run out (see xrealloc).
 */
struct buf {
	uint8_t *data;
	size_t len, cap, max;
};

void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);                            /* copes with a zeroed struct; may be used again after buf_init */
void buf_clear(struct buf *b);                             /* keeps the memory */
bool buf_append(struct buf *b, const void *data, size_t len);
bool buf_append_slice(struct buf *b, struct slice s);
bool buf_append_text(struct buf *b, const char *text);
bool buf_append_byte(struct buf *b, uint8_t byte);
bool buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for `len` more bytes at the returned address; NULL past `max`. Then add to b->len. */
uint8_t *buf_reserve(struct buf *b, size_t len);
struct slice buf_slice(const struct buf *b);
/* The bytes as text; appends a NUL that is not counted in `len`. */
const char *buf_text(struct buf *b);

/* ---- memory ----------------------------------------------------------------------------- */

/* Ends the process at once, from any thread: one sentence on standard error (unless nobody reads it), exit code 4. For what a program cannot go on without. */
_Noreturn void fatal(const char *format, ...) PRINTF_LIKE(1, 2);

/* fatal() when memory is out: sizes are checked before. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- errors ----------------------------------------------------------------------------- */

enum error_kind {
	ERR_NONE,
	ERR_RETRY,          /* try later: network, overload, a database that is locked */
	ERR_MALFORMED,      /* bytes from outside break their format: record, treat as possible match */
	ERR_CONTRADICTION,  /* a log denies what it signed: keep both statements, alert */
	ERR_NO_SPACE,       /* disk full: stop reading, stay up */
	ERR_USAGE,          /* the user's words or configuration: say how to put it right */
	ERR_FATAL,          /* stop */
};

struct error {
	enum error_kind kind;
	char text[512];     /* one sentence for the operator, no full stop */
};

/* Both return false, so that a failure is one line. Longer text is cut. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "<context>: " in front of what is there. */
bool error_context(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- text encodings ----------------------------------------------------------------------- */

/* `out` has room for 2 * len + 1 chars; lower case, NUL-terminated. */
void hex_encode(const void *data, size_t len, char *out);
/* Exactly `out_len` bytes from 2 * out_len hex digits of any case. */
bool hex_decode(struct slice text, uint8_t *out, size_t out_len);

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* Standard alphabet with padding; `out` has room for BASE64_LEN(len) + 1 chars. */
void base64_encode(const void *data, size_t len, char *out);
/*
 * Strict (RFC 4648 section 4): no white space, padding present, unused bits zero. `out` has
 * room for text.len / 4 * 3 bytes; *out_len is the number written.
 */
bool base64_decode(struct slice text, uint8_t *out, size_t *out_len);
/* The same, exactly `len` bytes (a hash, a log id). */
bool base64_decode_exact(struct slice text, uint8_t *out, size_t len);
/* RFC 4648 base32, lower case, no padding; `out` has room for (len * 8 + 4) / 5 + 1 chars. */
void base32_encode(const void *data, size_t len, char *out);

/*
 * Bytes from outside made safe for a terminal or a diagnostic: control characters, invalid UTF-8
 * and bidirectional controls become \xNN (or \u{NNNN}). NUL-terminated, cut with "..." at out_len.
 */
char *text_escape(struct slice in, char *out, size_t out_len);
/* Is it well-formed UTF-8 (no surrogates, no overlong forms)? */
bool utf8_valid(struct slice in);
/* Decodes one code point from the front of `in`, which shrinks; false on malformed bytes. */
bool utf8_take(struct slice *in, uint32_t *code_point);
/* Encodes into out[4]; returns the number of bytes. */
size_t utf8_put(uint32_t code_point, uint8_t *out);

/*
 * The word of `known` (NULL-terminated, or `n` of them) that `word` was probably meant to be, or NULL: for "did you mean". The only one
 * that it begins, else the nearest by edit distance; case is ignored.
 */
const char *text_nearest(const char *word, const char *const *known);
const char *text_nearest_of(const char *word, const char *const *known, size_t n);

/* Does this pattern ("*", "?", "[...]") match, case ignored? */
bool glob_match(const char *pattern, const char *text);

/* ---- files ------------------------------------------------------------------------------------ */

/* One file, whole, with a ceiling. ERR_USAGE names the path and what is wrong. */
bool file_read(const char *path, size_t max_bytes, struct buf *out, struct error *err);

/* ---- time: milliseconds since the Unix epoch, UTC, no leap seconds ------------------------- */

#define TIME_TEXT_LEN 32
/* 2026-11-22T08:15:30.123Z; years 0 to 9999, anything outside is clamped. Returns `out`. */
char *time_format_rfc3339(int64_t time_ms, char out[TIME_TEXT_LEN]);
/* Any RFC 3339 time, with or without fraction, any offset; also "2026-11-22" (midnight UTC). */
bool time_parse_rfc3339(struct slice text, int64_t *time_ms);
/* 7d, 12h, 30m, 45s, 2w, 3y (365 days), 1500ms; no sign, no fraction. */
bool duration_parse(struct slice text, int64_t *duration_ms);
/* Proleptic Gregorian calendar. month 1..12, day 1..31. */
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second);
void time_to_civil(int64_t time_ms, int *year, int *month, int *day, int *hour, int *minute, int *second, int *ms);
/* ISO 8601 week of a time in UTC: year and week 1..53. */
void time_iso_week(int64_t time_ms, int *iso_year, int *iso_week);
/* "3 min", "2 h 10 min", "4 days": for people. Returns `out`. */
char *duration_format(int64_t duration_ms, char out[TIME_TEXT_LEN]);

/* ---- numbers for people ------------------------------------------------------------------- */

/* 1234567 as "1 234 567" (narrow, ASCII space); 1536 bytes as "1.5 kB". Returns `out`. */
char *count_format(uint64_t n, char out[TIME_TEXT_LEN]);
char *bytes_format(uint64_t n_bytes, char out[TIME_TEXT_LEN]);
/* Strict decimal without sign or leading zeros ("0" is fine), at most UINT64_MAX. */
bool uint64_parse(struct slice text, uint64_t *out);

/* ---- SHA-256 (OpenSSL) -------------------------------------------------------------------- */

#define HASH_LEN 32
struct hash {
	uint8_t bytes[HASH_LEN];
};

struct hash sha256(struct slice data);
/* SHA-256 over the concatenation; one pass, no copy. */
struct hash sha256_parts(const struct slice *parts, size_t n_parts);
bool hash_equal(const struct hash *a, const struct hash *b);

#endif
