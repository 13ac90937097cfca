#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ct.h"

#define PAGE_BYTES_MAX (8u << 20)
#define CHAIN_MAX 16
#define LOGS_MAX 2000

/* What the state knows of a log, for sightings without a proof. */
struct log_row {
	struct hash log_id;
	char *name, *url;
	bool is_static;
};

struct writing {
	struct state *st;
	const struct finding *finding;
	struct evidence_files files;
	struct log_row *logs;
	size_t n_logs;
	json_t *sightings;
	struct evidence_summary summary;
	struct error *err;
	/* the certificate whose sightings are looked at */
	const struct state_certificate *certificate;
	bool wanted_name;                 /* it names what the finding is called */
	bool proven_pass;
	struct hash proven[EVIDENCE_SIGHTINGS_MAX];     /* certificates written with a proof */
};

/* ---- logs -------------------------------------------------------------------------------------------------- */

static bool add_log(void *ctx, const struct state_log *log)
{
	struct writing *w = ctx;

	w->logs = xreallocarray(w->logs, w->n_logs + 1, sizeof(*w->logs));
	w->logs[w->n_logs++] = (struct log_row){ log->log_id, xstrdup(log->name), xstrdup(log->url), strcmp(log->protocol, log_protocol_name(LOG_STATIC)) == 0 };
	return w->n_logs < LOGS_MAX;
}

static const struct log_row *find_log(const struct writing *w, const struct hash *log_id)
{
	for (size_t i = 0; i < w->n_logs; i++)
		if (hash_equal(&w->logs[i].log_id, log_id))
			return &w->logs[i];
	return NULL;
}

/* ---- one sighting -------------------------------------------------------------------------------------------- */

struct sighting {
	struct writing *w;
	const struct state_sighting *s;
	char place[32];                   /* "sighting-3" */
	json_t *facts;
};

static char *in_place(const struct sighting *at, const char *name)
{
	return xasprintf("%s/%s", at->place, name);
}

static void put(const struct sighting *at, const char *name, struct slice content)
{
	char *path = in_place(at, name);

	evidence_put(&at->w->files, path, content);
	free(path);
}

static void put_der(const struct sighting *at, const char *name, const char *label, struct slice der)
{
	char *path = in_place(at, name);

	evidence_put_der(&at->w->files, path, label, der);
	free(path);
}

static json_t *json_time(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return json_string(time_format_rfc3339(time_ms, text));
}

static json_t *json_hex(const void *data, size_t len)
{
	char *hex = xmalloc(2 * len + 1);

	hex_encode(data, len, hex);
	json_t *value = json_string(hex);
	free(hex);
	return value;
}

static void put_answers(const struct sighting *at, const struct state_proof *p)
{
	json_t *answers = json_array();

	for (size_t i = 0; i < p->n_answers; i++) {
		const struct state_answer *a = &p->answers[i];
		char name[32];

		snprintf(name, sizeof(name), "answer-%zu.bin", i + 1);
		if (a->body.len > 0)
			put(at, name, a->body);
		json_t *row = json_pack("{s:s,s:s?,s:i,s:o,s:o}", "url", a->url, "peer", a->peer, "status", a->status, "received", json_time(a->received_ms),
					"file", a->body.len > 0 ? json_string(name) : json_null());
		json_array_append_new(answers, row);
	}
	json_object_set_new(at->facts, "answers", answers);
}

static void put_head(const struct sighting *at, const struct state_proof *p)
{
	const char *file = p->head_raw.len > 0 && p->head_raw.data[0] == '{' ? "head.json" : "checkpoint.txt";
	uint8_t signed_bytes[50];
	struct buf signature;

	put(at, file, p->head_raw);
	json_object_set_new(at->facts, "head", json_pack("{s:s,s:I,s:o,s:o}", "file", file, "tree_size", (json_int_t)p->tree_size, "time",
							 json_time((int64_t)p->timestamp_ms), "received", json_time(p->head_received_ms)));
	buf_init(&signature, 4096);
	if (evidence_head_parts(p, signed_bytes, &signature)) {
		put(at, "head-signed.bin", slice_of(signed_bytes, sizeof(signed_bytes)));
		put(at, "head-signature.bin", buf_slice(&signature));
	}
	buf_deinit(&signature);
}

static void put_proof(void *ctx, const struct state_proof *p)
{
	struct sighting *at = ctx;
	json_t *path = json_array(), *entry = json_loads(p->log_json, 0, NULL);

	for (size_t i = 0; i + HASH_LEN <= p->path.len; i += HASH_LEN)
		json_array_append_new(path, json_hex(p->path.data + i, HASH_LEN));
	json_object_set_new(at->facts, "proof", json_pack("{s:I,s:I,s:o,s:o,s:o}", "leaf_index", (json_int_t)p->proven_index, "tree_size",
							  (json_int_t)p->tree_size, "root", json_hex(p->root.bytes, HASH_LEN), "audit_path", path,
							  "kept", json_time(p->kept_ms)));
	put_head(at, p);
	put_der(at, "log-key", "PUBLIC KEY", p->log_key);
	char *name = in_place(at, "log-entry.json");
	evidence_put_json(&at->w->files, name, entry);
	free(name);
	json_decref(entry);
	put_answers(at, p);
}

static void put_chain_certificate(const struct sighting *at, json_t *chain, struct slice der)
{
	char name[32];
	size_t nth = json_array_size(chain) + 1;

	snprintf(name, sizeof(name), "chain-%zu", nth);
	put_der(at, name, "CERTIFICATE", der);
	json_array_append_new(chain, json_sprintf("%s.der", name));
}

/* Classic logs gave the certificates, static ones their hashes. */
static void put_chain(const struct sighting *at, bool is_static)
{
	json_t *chain = json_array(), *missing = json_array();
	struct slice rest = at->s->extra, certificate;
	struct buf der;

	buf_init(&der, STATE_DER_MAX);
	while (is_static && rest.len >= HASH_LEN && json_array_size(chain) + json_array_size(missing) < CHAIN_MAX) {
		struct hash hash;

		memcpy(hash.bytes, rest.data, HASH_LEN);
		rest = slice_sub(rest, HASH_LEN, rest.len);
		buf_clear(&der);
		if (state_get_issuer(at->w->st, &hash, &der)) {
			put_chain_certificate(at, chain, buf_slice(&der));
		} else {
			json_array_append_new(missing, json_hex(hash.bytes, HASH_LEN));
			at->w->summary.n_chain_missing++;
		}
	}
	while (!is_static && json_array_size(chain) < CHAIN_MAX && chain_take(&rest, &certificate))
		put_chain_certificate(at, chain, certificate);
	buf_deinit(&der);
	json_object_set_new(at->facts, "chain", chain);
	json_object_set_new(at->facts, "chain_missing", missing);
}

/* An x509 entry holds the certificate itself; of a precert entry the log gave the precertificate beside the TBSCertificate, or not. */
static void put_certificate(const struct sighting *at)
{
	const struct state_certificate *c = at->w->certificate;
	struct error ignored;
	struct entry entry;
	json_t *facts = json_null();

	if (entry_parse(at->s->leaf, &entry, &ignored) && entry.type == ENTRY_X509) {
		put_der(at, "certificate", "CERTIFICATE", entry.certificate);
		facts = json_pack("{s:s,s:s}", "file", "certificate.der", "kind", "certificate");
	} else if (entry_parse(at->s->leaf, &entry, &ignored) && entry.type == ENTRY_PRECERT && c->der.len > 0 && !c->der_is_tbs) {
		put_der(at, "certificate", "CERTIFICATE", c->der);
		facts = json_pack("{s:s,s:s}", "file", "certificate.der", "kind", c->precert ? "precertificate" : "certificate");
	} else if (entry_parse(at->s->leaf, &entry, &ignored) && entry.type == ENTRY_PRECERT) {
		put(at, "tbs.der", entry.certificate);
		facts = json_pack("{s:s,s:s}", "file", "tbs.der", "kind", "tbs");
	}
	json_object_set_new(at->facts, "certificate", facts);
}

static void describe(struct sighting *at, const struct log_row *log)
{
	const struct state_sighting *s = at->s;
	const struct state_certificate *c = at->w->certificate;
	char id[BASE64_LEN(HASH_LEN) + 1];
	struct hash leaf = leaf_hash(s->leaf);
	json_t *names = json_loads(c->names_json, 0, NULL);

	base64_encode(s->log_id.bytes, HASH_LEN, id);
	at->facts = json_pack("{s:{s:s,s:s,s:s,s:s},s:I,s:o,s:b,s:s,s:o,s:n,s:n,s:[]}", "log", "id", id, "name", log != NULL ? log->name : "", "url",
			      log != NULL ? log->url : "", "protocol", log_protocol_name(log != NULL && log->is_static ? LOG_STATIC : LOG_RFC6962), "index", (json_int_t)s->index,
			      "timestamp", json_time(s->timestamp_ms), "verified", s->verified, "leaf", "leaf.bin", "leaf_hash",
			      json_hex(leaf.bytes, HASH_LEN), "proof", "head", "answers");
	json_object_set_new(at->facts, "place", json_string(at->place));
	json_object_set_new(at->facts, "issuer", json_string(c->issuer != NULL ? c->issuer : ""));
	json_object_set_new(at->facts, "serial", json_string(c->serial != NULL ? c->serial : ""));
	json_object_set_new(at->facts, "not_before", json_time(c->not_before_ms));
	json_object_set_new(at->facts, "not_after", json_time(c->not_after_ms));
	json_object_set_new(at->facts, "names", names != NULL ? names : json_array());
	if (c->names_total > 0)
		json_object_set_new(at->facts, "names_total", json_integer((json_int_t)c->names_total));
	if (c->note != NULL)
		json_object_set_new(at->facts, "note", json_string(c->note));
}

static bool make_place(struct sighting *at)
{
	struct writing *w = at->w;

	snprintf(at->place, sizeof(at->place), "sighting-%zu", w->summary.n_sightings + 1);
	char *path = in_place(at, ""), *full = xasprintf("%s/%s", w->files.directory, path);
	bool ok = mkdir(full, 0777) == 0 || error_set(w->err, ERR_FATAL, "%s cannot be made: %s", full, strerror(errno));

	free(path);
	free(full);
	return ok;
}

static bool write_sighting(struct writing *w, const struct state_sighting *s)
{
	const struct log_row *log = find_log(w, &s->log_id);
	struct sighting at = { .w = w, .s = s };
	bool found = false;

	if (!make_place(&at))
		return false;
	w->summary.n_sightings++;
	describe(&at, log);
	put(&at, "leaf.bin", s->leaf);
	bool ok = state_get_proof(w->st, &s->log_id, s->index, s->leaf, put_proof, &at, &found, w->err);
	if (found)
		w->proven[w->summary.n_proofs++] = w->certificate->tbs_sha256;
	put_certificate(&at);
	put_chain(&at, log != NULL && log->is_static);
	char *name = in_place(&at, "facts.json");
	evidence_put_json(&w->files, name, at.facts);
	free(name);
	json_array_append_new(w->sightings, at.facts);
	return ok && w->files.ok;
}

/* ---- which sightings --------------------------------------------------------------------------------------------- */

static void ignore_proof(void *ctx, const struct state_proof *p)
{
	(void)ctx, (void)p;
}

static bool is_written(const struct writing *w, const struct hash *tbs_sha256)
{
	for (size_t i = 0; i < w->summary.n_proofs; i++)
		if (hash_equal(&w->proven[i], tbs_sha256))
			return true;
	return false;
}

/* First those with a proof; then those that the finding has its name of, so that it is there in any case. */
static bool on_sighting(void *ctx, const struct state_sighting *s)
{
	struct writing *w = ctx;
	bool proven;

	if (s->leaf.len == 0 || w->summary.n_sightings == EVIDENCE_SIGHTINGS_MAX)
		return true;
	if (!state_get_proof(w->st, &s->log_id, s->index, s->leaf, ignore_proof, NULL, &proven, w->err))
		return w->files.ok = false;
	bool wanted = w->proven_pass ? proven : w->wanted_name || w->summary.n_proofs == 0;

	return !wanted || (w->files.ok = write_sighting(w, s));
}

static bool names_it(const struct state_certificate *c, const char *name)
{
	json_t *names = json_loads(c->names_json, 0, NULL), *one;
	bool found = false;
	size_t i;

	json_array_foreach(names, i, one)
		found |= strcmp(json_string_value(one), name) == 0;
	json_decref(names);
	return found;
}

static bool on_certificate(void *ctx, const struct state_certificate *c)
{
	struct writing *w = ctx;

	w->certificate = c;
	w->wanted_name = names_it(c, w->finding->name);
	if (!w->proven_pass && is_written(w, &c->tbs_sha256))
		return true;
	return state_each_sighting(w->st, &c->tbs_sha256, on_sighting, w, w->err) && w->files.ok;
}

static bool write_sightings(struct writing *w)
{
	if (!state_each_log(w->st, add_log, w, w->err))
		return false;
	for (int pass = 0; pass < 2; pass++) {
		w->proven_pass = pass == 0;
		if (!state_each_certificate(w->st, w->finding->id, on_certificate, w, w->err) || !w->files.ok)
			return false;
	}
	return true;
}

/* ---- the directory -------------------------------------------------------------------------------------------------- */

static bool is_empty(const char *directory)
{
	DIR *dir = opendir(directory);
	size_t n = 0;

	if (dir == NULL)
		return false;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n <= 2;                    /* "." and ".." */
}

static bool make_directory(const char *directory, struct error *err)
{
	if (mkdir(directory, 0777) == 0 || (errno == EEXIST && is_empty(directory)))
		return true;
	if (errno == EEXIST)
		return error_set(err, ERR_USAGE, "%s is there already and not empty: evidence goes into a directory of its own", directory);
	return error_set(err, ERR_FATAL, "%s cannot be made: %s", directory, strerror(errno));
}

static void put_page(struct writing *w, const json_t *finding_json, int64_t now_ms)
{
	char *text = NULL;
	size_t len = 0;
	FILE *page = open_memstream(&text, &len);

	if (page == NULL)
		return;
	evidence_page(page, w->finding, finding_json, w->sightings, w->files.listed, now_ms);
	fclose(page);
	evidence_put(&w->files, "index.html", slice_of(text, len));
	free(text);
}

/* In the form of sha256sum; last, because it lists all others. */
static void put_manifest(struct writing *w)
{
	struct buf lines;
	json_t *row;
	size_t i;

	buf_init(&lines, PAGE_BYTES_MAX);
	json_array_foreach(w->files.listed, i, row)
		buf_printf(&lines, "%s  %s\n", json_string_value(json_object_get(row, "sha256")), json_string_value(json_object_get(row, "file")));
	evidence_put(&w->files, "SHA256SUMS", buf_slice(&lines));
	buf_deinit(&lines);
}

static bool write_all(struct writing *w, int64_t now_ms)
{
	char *text;

	if (!state_finding_json(w->st, w->finding, &text, w->err))
		return false;
	json_t *finding_json = json_loads(text, 0, NULL);
	free(text);
	bool ok = write_sightings(w);
	if (ok) {
		evidence_put_json(&w->files, "finding.json", finding_json);
		evidence_put(&w->files, "verify.py", slice_of(EVIDENCE_VERIFY, EVIDENCE_VERIFY_LEN));
		put_page(w, finding_json, now_ms);
		put_manifest(w);
	}
	json_decref(finding_json);
	return ok && w->files.ok;
}

bool evidence_write(struct state *st, const struct finding *finding, const char *directory, int64_t now_ms, struct evidence_summary *out, struct error *err)
{
	struct writing w = { .st = st, .finding = finding, .files = { .directory = directory, .ok = true, .err = err }, .err = err };

	if (!make_directory(directory, err))
		return false;
	w.files.listed = json_array();
	w.sightings = json_array();
	bool ok = write_all(&w, now_ms);
	for (size_t i = 0; i < w.n_logs; i++) {
		free(w.logs[i].name);
		free(w.logs[i].url);
	}
	free(w.logs);
	json_decref(w.files.listed);
	json_decref(w.sightings);
	*out = w.summary;
	return ok;
}
