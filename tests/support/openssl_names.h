/* The names of a certificate as OpenSSL finds them, for tests that hold ours against it. */
#ifndef CTWATCH_TESTS_OPENSSL_NAMES_H
#define CTWATCH_TESTS_OPENSSL_NAMES_H

#include "x509.h"

#include <openssl/x509.h>

/* Adds dNSNames, addresses and CNs. Their bytes go through names_add_text, so that what is compared is how they are found. */
void openssl_names(const X509 *, struct cert_names *names);
/* The first name of `a` that `b` lacks; NULL when there is none. */
const struct cert_name *names_missing_in(const struct cert_names *a, const struct cert_names *b);

#endif
