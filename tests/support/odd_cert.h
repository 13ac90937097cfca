/*
 * Certificates as no honest encoder writes them, but as OpenSSL may still read them: tag numbers and lengths in any form,
 * strings in pieces, elements that repeat, that belong elsewhere or break off. How odd one is differs from one to the next,
 * so that most decode. The names in them are plain.
 */
#ifndef CTWATCH_TESTS_ODD_CERT_H
#define CTWATCH_TESTS_ODD_CERT_H

#include "base.h"
#include "random.h"

/* Replaces the content of `out` by a Certificate. The same state of `r` gives the same bytes. */
void odd_cert(struct random *r, struct buf *out);

#endif
