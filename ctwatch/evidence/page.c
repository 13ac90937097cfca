/*
 * The readable page of an evidence directory: what was logged, what proves it, how to check it, and what it does not prove. One file, no
 * scripts, nothing fetched; every text from outside goes through html.h.
 */
#include "private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "json_read.h"
#include "render.h"
#include "words.h"

static void row_begin(FILE *out, const char *title)
{
	html_raw(out, "<tr><th scope=\"row\">");
	html_text(out, title);
	html_raw(out, "</th><td>");
}

static void row(FILE *out, const char *title, const char *text)
{
	row_begin(out, title);
	html_prose(out, text);
	html_raw(out, "</td></tr>\n");
}

static void code_row(FILE *out, const char *title, const char *text)
{
	row_begin(out, title);
	html_raw(out, "<code>");
	html_text(out, text);
	html_raw(out, "</code></td></tr>\n");
}

static void time_row(FILE *out, const char *title, const char *rfc3339)
{
	row_begin(out, title);
	html_time(out, rfc3339);
	html_raw(out, "</td></tr>\n");
}

static void number_row(FILE *out, const char *title, const json_t *object, const char *key)
{
	row_begin(out, title);
	html_member(out, object, key);
	html_raw(out, "</td></tr>\n");
}

/* ---- what it is --------------------------------------------------------------------------------------------- */

static void introduction(FILE *out, const struct finding *f, const json_t *sightings, int64_t now_ms)
{
	char *name = defang(f->name), *sentence = finding_sentence(f, name), text[TIME_TEXT_LEN];
	size_t n = json_array_size(sightings), n_proofs = 0, i;
	json_t *s;

	json_array_foreach((json_t *)sightings, i, s)
		n_proofs += json_is_object(json_object_get(s, "proof"));
	html_raw(out, "<h1>");
	html_name(out, f->name);
	html_raw(out, "</h1>\n<p class=\"meta\">Evidence about a certificate that was issued and publicly logged for this name. Written ");
	html_time(out, time_format_rfc3339(now_ms, text));
	html_raw(out, " by ctwatch " CTWATCH_VERSION "; finding <code>");
	html_text(out, f->id);
	html_raw(out, "</code></p>\n<p>");
	html_prose(out, sentence);
	html_raw(out, ".</p>\n<p>");
	if (n_proofs > 0)
		fprintf(out, "This directory holds %zu %s of a public certificate log as the log gave %s, %s with a proof that it is part of what the log "
			     "has signed. The proof can be checked by anybody with OpenSSL and Python, without trusting whoever hands this over.",
			n, n == 1 ? "entry" : "entries", n == 1 ? "it" : "them", n_proofs == n ? n == 1 ? "together" : "each" : "some");
	else if (n > 0)
		html_raw(out, "This directory holds what a public certificate log gave, but <strong>no inclusion proof was kept</strong>: that the log signed for the entry "
			      "cannot be shown from here.");
	else
		html_raw(out, "<strong>No entry of a log is kept for this finding any more.</strong> What is left is its description in finding.json.");
	html_raw(out, "</p>\n<p>Names are written with [.] here so that nothing turns them into a link.</p>\n");
	free(sentence);
	free(name);
}

static void reasons(FILE *out, const json_t *finding)
{
	static const struct html_column columns[] = { { "Signal", "signal", CELL_TEXT }, { "What", "detail", CELL_TEXT }, { "Points", "points", CELL_COUNT } };

	html_raw(out, "<h2>Why it was flagged</h2>\n<p>Score ");
	html_member(out, finding, "score");
	html_raw(out, " of 100, ");
	html_text(out, json_read_text(finding, "severity"));
	html_raw(out, ", by the rule ");
	html_text(out, json_read_text(finding, "rule"));
	html_raw(out, ". This is the opinion of the program that read the log; it says what the name resembles, not what anybody intends. Status: ");
	html_text(out, json_read_text(finding, "status"));
	html_raw(out, ".</p>\n");
	html_table(out, "Every point of the score", json_object_get(finding, "evidence"), columns, sizeof(columns) / sizeof(*columns), "No reasons are kept.");
}

/* ---- sightings ------------------------------------------------------------------------------------------------- */

#define NAMES_SHOWN 50

static void names(FILE *out, const json_t *s)
{
	const json_t *names = json_object_get(s, "names");
	size_t n = json_array_size(names), n_all = json_read_count(s, "names", "names_total");
	size_t n_shown = n < NAMES_SHOWN ? n : NAMES_SHOWN;

	row_begin(out, "Names in it");
	for (size_t i = 0; i < n_shown; i++) {
		html_raw(out, i > 0 ? "<br>" : "");
		html_name(out, json_string_value(json_array_get(names, i)));
	}
	if (n_all > n_shown)
		fprintf(out, "%sand %zu more", n_shown > 0 ? "<br>" : "", n_all - n_shown);
	html_raw(out, "</td></tr>\n");
}

static void certificate_rows(FILE *out, const json_t *s)
{
	const json_t *certificate = json_object_get(s, "certificate");

	names(out, s);
	row(out, "Issued by", json_read_text(s, "issuer"));
	code_row(out, "Serial number", json_read_text(s, "serial"));
	row_begin(out, "Valid");
	html_time(out, json_read_text(s, "not_before"));
	html_raw(out, " to ");
	html_time(out, json_read_text(s, "not_after"));
	html_raw(out, "</td></tr>\n");
	row_begin(out, "Files");
	if (json_is_object(certificate)) {
		html_raw(out, "<code>");
		html_text(out, json_read_text(certificate, "file"));
		html_raw(out, "</code> (");
		html_text(out, strcmp(json_read_text(certificate, "kind"), "tbs") == 0 ? "the TBSCertificate: what the authority signed, without its signature" : json_read_text(certificate, "kind"));
		html_raw(out, ")");
	}
	fprintf(out, "%s%zu certificates of its chain", json_is_object(certificate) ? ", " : "", json_array_size(json_object_get(s, "chain")));
	if (json_array_size(json_object_get(s, "chain_missing")) > 0)
		fprintf(out, "; %zu more were named by the log but not kept", json_array_size(json_object_get(s, "chain_missing")));
	html_raw(out, "</td></tr>\n");
	if (json_object_get(s, "note") != NULL)
		row(out, "Note", json_read_text(s, "note"));
}

static void proof_rows(FILE *out, const json_t *s)
{
	const json_t *proof = json_object_get(s, "proof"), *head = json_object_get(s, "head");

	if (!json_is_object(proof)) {
		row(out, "Proof", json_is_true(json_object_get(s, "verified")) ?
					  "none kept; ctwatch itself rebuilt the signed tree over this entry, which cannot be repeated from this directory" :
					  "none kept");
		return;
	}
	row_begin(out, "Proof");
	fprintf(out, "%zu hashes lead from the entry to the signed root of a tree of ", json_array_size(json_object_get(proof, "audit_path")));
	html_member(out, proof, "tree_size");
	html_raw(out, " entries</td></tr>\n");
	code_row(out, "Signed root hash", json_read_text(proof, "root"));
	row_begin(out, "Signed head");
	html_raw(out, "dated ");
	html_time(out, json_read_text(head, "time"));
	html_raw(out, ", received ");
	html_time(out, json_read_text(head, "received"));
	html_raw(out, ": <code>");
	html_text(out, json_read_text(head, "file"));
	html_raw(out, "</code></td></tr>\n");
	time_row(out, "Proof fetched", json_read_text(proof, "kept"));
}

static void sighting(FILE *out, const json_t *s)
{
	const json_t *log = json_object_get(s, "log");

	html_raw(out, "<section class=\"sighting\">\n<h3>");
	html_text(out, json_read_text(s, "place"));
	html_raw(out, "</h3>\n<div class=\"scroll\"><table><tbody>\n");
	row(out, "Log", json_read_text(log, "name"));
	code_row(out, "Log id (SHA-256 of its key)", json_read_text(log, "id"));
	number_row(out, "Entry", s, "index");
	time_row(out, "Time of the entry", json_read_text(s, "timestamp"));
	code_row(out, "Leaf hash", json_read_text(s, "leaf_hash"));
	proof_rows(out, s);
	certificate_rows(out, s);
	html_raw(out, "</tbody></table></div>\n</section>\n");
}

/* ---- checking it --------------------------------------------------------------------------------------------------- */

static void instructions(FILE *out, bool has_proof)
{
	html_raw(out, "<h2>How to check it</h2>\n<p>In this directory, with Python 3 and OpenSSL:</p>\n<pre><code>python3 verify.py</code></pre>\n"
		      "<p>It reads every file here, and says in a line each what holds. Its text is short enough to be read first. By hand, for each sighting:</p>\n<ol>\n"
		      "<li>No file was changed since this was written:<pre><code>sha256sum -c SHA256SUMS</code></pre></li>\n");
	if (has_proof)
		html_raw(out,
			 "<li>The key is that of the log: the SHA-256 of <code>log-key.der</code>, in base64, is the log id, and the log lists that browsers use name both. Fetch a list "
			 "yourself, for example the one at <code>www.gstatic.com/ct/log_list/v3/all_logs_list.json</code>, and compare; "
			 "<code>verify.py --log-list FILE</code> does.<pre><code>openssl dgst -sha256 -binary sighting-1/log-key.der | openssl base64</code></pre></li>\n"
			 "<li>The log signed the head (RFC 6962 section 3.5):<pre><code>cd sighting-1\nopenssl dgst -sha256 -verify log-key.pem \\\n  -signature head-signature.bin "
			 "head-signed.bin</code></pre><code>head-signed.bin</code> is two bytes 0 and 1, the time in milliseconds, the size and the root hash; all of them stand in the head "
			 "as received.</li>\n"
			 "<li>The leaf hash is the SHA-256 of a zero byte and <code>leaf.bin</code>:<pre><code>(printf '\\0'; cat leaf.bin) | openssl dgst -sha256</code></pre></li>\n"
			 "<li>The audit path in <code>facts.json</code> leads from the leaf hash to the root, as RFC 9162 section 2.1.3.2 says. <code>verify.py</code> needs fifteen "
			 "lines for it.</li>\n");
	html_raw(out, "<li>The certificate is the one in the leaf, and its authority signed it:<pre><code>openssl x509 -in certificate.pem -noout -text\n"
		      "openssl verify -partial_chain -ignore_critical -no_check_time \\\n  -trusted chain-1.pem certificate.pem</code></pre></li>\n</ol>\n");
}

static void limits(FILE *out)
{
	html_raw(out, "<h2>What this shows, and what not</h2>\n<ul>\n"
		      "<li>It shows that a certificate authority issued, or bound itself to issue, a certificate for these names, and that a public log recorded it at that time.</li>\n"
		      "<li>Whoever asked for the certificate controlled the name then, as far as the authority's check goes. Who that was stands in no certificate.</li>\n"
		      "<li>It does not show what the name was used for.</li>\n"
		      "<li>The manifest protects against accidents: whoever can change a file here can also write a new manifest. The signatures of log and authority protect entry "
		      "and certificate; nothing but the word of its author stands behind finding.json, this page, and the times at which answers came.</li>\n</ul>\n");
}

static void answers(FILE *out, const json_t *sightings)
{
	static const struct html_column columns[] = { { "Received", "received", CELL_CODE }, { "Request", "url", CELL_CODE }, { "Status", "status", CELL_COUNT }, { "From", "peer", CELL_CODE }, { "Kept as", "file", CELL_CODE } };
	json_t *s;
	size_t i;

	html_raw(out, "<h2>What the logs answered</h2>\n");
	json_array_foreach((json_t *)sightings, i, s)
		html_table(out, json_read_text(s, "place"), json_object_get(s, "answers"), columns, sizeof(columns) / sizeof(*columns), "No answers are kept.");
}

static void file_list(FILE *out, const json_t *files)
{
	static const struct html_column columns[] = { { "File", "file", CELL_CODE }, { "Bytes", "bytes", CELL_COUNT }, { "SHA-256", "sha256", CELL_CODE } };

	html_raw(out, "<h2>Files</h2>\n");
	html_table(out, "Listed with this page in SHA256SUMS", files, columns, sizeof(columns) / sizeof(*columns), "");
}

void evidence_page(FILE *out, const struct finding *finding, const json_t *finding_json, const json_t *sightings, const json_t *files, int64_t now_ms)
{
	bool has_proof = false;
	json_t *s;
	size_t i;

	json_array_foreach((json_t *)sightings, i, s)
		has_proof |= json_is_object(json_object_get(s, "proof"));
	html_raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>Evidence: ");
	html_name(out, finding->name);
	html_raw(out, "</title>\n<style>\n");
	html_raw(out, HTML_STYLE);
	html_raw(out, "pre{background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:8px 12px;overflow-x:auto;white-space:pre-wrap;margin:6px 0}\n"
		      "h1{overflow-wrap:anywhere}.sighting th{width:24ch}td{overflow-wrap:anywhere}.sighting{break-inside:avoid}li{margin:4px 0}.sighting code{font-size:13px}\n"
		      "@media print{.sighting code,td code{font-size:7.5pt}.sighting th{width:20ch}}\n</style>\n</head>\n<body>\n<main>\n");
	introduction(out, finding, sightings, now_ms);
	if (json_array_size(sightings) > 0) {
		html_raw(out, "<h2>What the logs hold</h2>\n");
		json_array_foreach((json_t *)sightings, i, s)
			sighting(out, s);
	}
	reasons(out, finding_json);
	instructions(out, has_proof);
	limits(out);
	if (has_proof)
		answers(out, sightings);
	file_list(out, files);
	html_raw(out, "</main>\n</body>\n</html>\n");
}
