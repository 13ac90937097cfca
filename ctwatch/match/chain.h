/* Does what a log sends along with an entry belong to it? No hash covers it (shared/spec/ct-protocols.md 1.6). Private to ingest. */
#ifndef CTWATCH_FOUND_CHAIN_H
#define CTWATCH_FOUND_CHAIN_H

#include "ct.h"

/* The precertificate's TBS, rebuilt, is the logged one. */
bool chain_fits_precertificate(const struct entry *entry);
/*
 * What is wrong with the chain of a classic log's entry, in words; NULL: nothing, or it cannot be told. The issuer that a precert
 * names by its key is the first or second certificate, and the first one's key signed the (pre)certificate.
 */
const char *chain_trouble(const struct entry *entry);

#endif
