/*
 * DNS names: public suffixes, Punycode, IDNA.
 *
 * No I/O, no clock, no diagnostics, no writable globals: everything here may run on any thread. Slices in results borrow from the bytes
 * that were parsed, unless said otherwise. Parsers fail with ERR_MALFORMED and leave their outputs as they were.
 */
#ifndef CTWATCH_DNS_H
#define CTWATCH_DNS_H

#include "base.h"

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

/*
 * A name as people give it: a URL, a mailbox, "hxxps://login[.]example[.]com/x", "*.Example.COM.", "example.com:443". Everything around the
 * host is taken off, the host becomes lower case and A-labels. For configuration, brand files, watch lists, allow lists and commands;
 * never for logged names.
 */
struct given_name {
	char name[DNS_NAME_MAX + 1];      /* or an address */
	bool is_address;
	bool below;                       /* "." or "*." stood in front */
	bool star;                        /* it was "*." */
	bool has_www;                     /* begins with "www." and has a name behind it */
	char taken_off[64];               /* "scheme, path", for a sentence; "" when nothing was */
};
/* ERR_USAGE with a sentence that says what is wrong with it. */
bool given_name_read(struct slice text, struct given_name *out, struct error *err);
/* The name, without "www.": what a domain of one's own is. Borrowed. */
const char *given_name_without_www(const struct given_name *);

#endif
