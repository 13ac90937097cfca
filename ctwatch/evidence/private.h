/* Private to the files evidence*.c. */
#ifndef CTWATCH_EVIDENCE_PRIVATE_H
#define CTWATCH_EVIDENCE_PRIVATE_H

#include <stdio.h>

#include <jansson.h>

#include "evidence.h"

extern const unsigned char EVIDENCE_VERIFY[];     /* verify.py */
extern const size_t EVIDENCE_VERIFY_LEN;

/* The directory while it is written: files in it are listed in the manifest as they come. The first failure stays. */
struct evidence_files {
	const char *directory;
	json_t *listed;                   /* {"file", "bytes", "sha256"} */
	bool ok;
	struct error *err;
};
/* `name` is relative, at most one directory deep. */
void evidence_put(struct evidence_files *, const char *name, struct slice content);
void evidence_put_json(struct evidence_files *, const char *name, const json_t *value);
/* <name>.der and <name>.pem */
void evidence_put_der(struct evidence_files *, const char *name, const char *label, struct slice der);

/*
 * A stored head as two files that `openssl dgst -verify` takes: the bytes that were signed (RFC 6962 section 3.5) and the bare
 * signature. False when the head has no signature of this log.
 */
bool evidence_head_parts(const struct state_proof *proof, uint8_t out_signed[50], struct buf *out_signature);

/* index.html: `finding` as in DESIGN.md 5.2, `sightings` an array of what facts.json holds, `files` the manifest so far. */
void evidence_page(FILE *out, const struct finding *finding, const json_t *finding_json, const json_t *sightings, const json_t *files, int64_t now_ms);

#endif
