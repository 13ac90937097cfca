/*
 * What a certificate costs: the walk and its names against OpenSSL's decoding, on the same certificates in the same run, and
 * the public suffix table against libpsl. Real certificates of Let's Encrypt where ../shared is there, generated ones always.
 */
#include "dns.h"
#include "x509.h"
#include "archive.h"
#include "cert_build.h"
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpsl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define ROUNDS 9
#define ROUND_US 30000.0

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The best of several rounds, in microseconds a call of `work`; each call handles `n` things. */
static double measure(void (*work)(void *), void *context, size_t n)
{
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		size_t calls = 0;
		double from = now_us(), spent;

		do {
			work(context);
			calls++;
			spent = now_us() - from;
		} while (spent < ROUND_US);
		if (spent / (double)(calls * n) < best)
			best = spent / (double)(calls * n);
	}
	return best;
}

static void row(const char *name, double value, const char *unit, double reference, const char *aim)
{
	printf("{\"bench\":\"cert\",\"row\":\"%s\",\"value\":%.4f,\"unit\":\"%s\"", name, value, unit);
	if (reference > 0)
		printf(",\"reference\":%.4f,\"ratio\":%.1f", reference, reference / value);
	printf(",\"aim\":\"%s\"}\n", aim);
	fflush(stdout);
}

struct certificates {
	struct slice *der;
	struct cert_view *views;
	size_t n, n_names;
	struct cert_names names;
};

static void add_certificate(struct certificates *c, struct slice der)
{
	struct error err;
	uint8_t *copy = xmalloc(der.len);

	memcpy(copy, der.data, der.len);
	c->der = xreallocarray(c->der, c->n + 1, sizeof(*c->der));
	c->views = xreallocarray(c->views, c->n + 1, sizeof(*c->views));
	c->der[c->n] = slice_of(copy, der.len);
	if (cert_scan(c->der[c->n], &c->views[c->n], &err)) {
		names_collect(&c->views[c->n], &c->names, &err);
		c->n_names += c->names.n;
	}
	c->n++;
}

static void free_certificates(struct certificates *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((void *)(uintptr_t)c->der[i].data);
	free(c->der);
	free(c->views);
	names_deinit(&c->names);
}

static void scan_all(void *context)
{
	struct certificates *c = context;
	struct error err;

	for (size_t i = 0; i < c->n; i++)
		cert_scan(c->der[i], &c->views[i], &err);
}

static void collect_all(void *context)
{
	struct certificates *c = context;
	struct error err;

	for (size_t i = 0; i < c->n; i++)
		names_collect(&c->views[i], &c->names, &err);
}

static void scan_and_collect_all(void *context)
{
	struct certificates *c = context;
	struct error err;

	for (size_t i = 0; i < c->n; i++) {
		cert_scan(c->der[i], &c->views[i], &err);
		names_collect(&c->views[i], &c->names, &err);
	}
}

static void key_all(void *context)
{
	struct certificates *c = context;
	struct hash hash;
	struct error err;

	for (size_t i = 0; i < c->n; i++)
		cert_tbs_sha256(&c->views[i], &hash, &err);
}

static void openssl_all(void *context)
{
	struct certificates *c = context;

	for (size_t i = 0; i < c->n; i++) {
		const unsigned char *at = c->der[i].data;
		X509 *x = d2i_X509(NULL, &at, (long)c->der[i].len);
		GENERAL_NAMES *san = x == NULL ? NULL : X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

		GENERAL_NAMES_free(san);
		X509_free(x);
	}
}

static void bench_certificates(struct certificates *c, const char *what, const char *aim)
{
	char name[128];
	double ours, openssl;

	if (c->n == 0)
		return;
	snprintf(name, sizeof(name), "%s: walk and names against d2i_X509 and SAN (%.1f names)", what,
	         (double)c->n_names / (double)c->n);
	ours = measure(scan_and_collect_all, c, c->n);
	openssl = measure(openssl_all, c, c->n);
	row(name, ours, "us/certificate", openssl, aim);
	snprintf(name, sizeof(name), "%s: walk alone", what);
	row(name, measure(scan_all, c, c->n), "us/certificate", 0, "about 0.3");
	snprintf(name, sizeof(name), "%s: names alone", what);
	row(name, measure(collect_all, c, c->n), "us/certificate", 0, c->n_names > 50 * c->n ? "< 0.1 a name" : "< 0.2");
	snprintf(name, sizeof(name), "%s: TBS hash", what);
	row(name, measure(key_all, c, c->n), "us/certificate", 0, "one SHA-256 of its bytes");
}

static void bench_real_certificates(void)
{
	struct certificates c = { 0 };
	struct archive archive;
	struct slice content;
	char name[256];

	names_init(&c.names);
	if (shared_dir() != NULL) {
		archive_open(&archive, "data/certs/letsencrypt-leaves.tar.zst");
		while (archive_next(&archive, name, &content))
			if (strstr(name, ".der") != NULL)
				add_certificate(&c, content);
		archive_close(&archive);
	}
	bench_certificates(&c, "letsencrypt", "ratio >= 200");
	free_certificates(&c);
}

/* Shaped as Let's Encrypt's: the usual eight extensions, `n` names. */
static void bench_generated_certificates(size_t n, const char *what, const char *aim)
{
	static const struct cert_build_extension usage = { "551d0f", "03020780", true };
	static const struct cert_build_extension extended = { "551d25", "301406082b0601050507030106082b06010505070302", false };
	static const struct cert_build_extension basic = { "551d13", "3000", true };
	static const struct cert_build_extension ski = { "551d0e", "04140102030405060708090a0b0c0d0e0f1011121314", false };
	static const struct cert_build_extension aki = { "551d23", "301680140102030405060708090a0b0c0d0e0f1011121314", false };
	static const struct cert_build_extension policies = { "551d20", "300a3008060667810c010201", false };
	static const struct cert_build_extension scts = { "2b06010401d679020402", "04020000", false };
	const struct cert_build_extension *const extensions[] = { &usage, &extended, &basic, &ski, &aki, &policies, &scts, NULL };
	struct certificates c = { 0 };
	const char **dns = xcalloc(n + 1, sizeof(*dns));
	struct buf der;

	names_init(&c.names);
	buf_init(&der, 1u << 26);
	for (size_t i = 0; i < n; i++)
		dns[i] = xasprintf("host-%zu.customer.example.com", i);
	cert_build(&der, &(struct cert_build){ .issuer = "Let's Encrypt", .cn = dns[0], .dns = dns, .extensions = extensions });
	add_certificate(&c, buf_slice(&der));
	bench_certificates(&c, what, aim);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)dns[i]);
	free(dns);
	buf_deinit(&der);
	free_certificates(&c);
}

struct lookups {
	char **names;
	size_t n;
	struct suffix_table *table;
	psl_ctx_t *psl;
	size_t sum;             /* so that nothing is optimised away */
};

static void table_all(void *context)
{
	struct lookups *l = context;
	size_t at;

	for (size_t i = 0; i < l->n; i++)
		l->sum += (size_t)suffix_registrable(l->table, slice_text(l->names[i]), &at) + at;
}

static void libpsl_all(void *context)
{
	struct lookups *l = context;

	for (size_t i = 0; i < l->n; i++)
		l->sum += psl_registrable_domain(l->psl, l->names[i]) != NULL;
}

static psl_ctx_t *load_libpsl(struct slice list)
{
	char path[] = "/tmp/ctwatch-psl-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	psl_ctx_t *psl;

	fwrite(list.data, 1, list.len, file);
	fclose(file);
	psl = psl_load_file(path);
	unlink(path);
	return psl;
}

static void bench_suffixes(void)
{
	struct slice list = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");
	struct slice hosts = shared_file("corpora/benign-ct-hosts.txt.gz");
	struct lookups l = { 0 };
	struct error err;

	if (list.data != NULL && hosts.data != NULL) {
		char *line, *rest = (char *)(uintptr_t)hosts.data;
		size_t n = 0;

		l.names = xcalloc(20000, sizeof(*l.names));
		while ((line = strsep(&rest, "\n")) != NULL && l.n < 20000)
			if (n++ % 20 == 0 && line[0] != '\0')
				l.names[l.n++] = line;
		l.table = suffix_table_new(list, "bench", &err);
		l.psl = load_libpsl(list);
		double ours = measure(table_all, &l, l.n), libpsl = measure(libpsl_all, &l, l.n);
		row("registrable domain against libpsl", ours, "us/name", libpsl, "about 0.1");
	}
	suffix_table_free(l.table);
	psl_free(l.psl);
	free(l.names);
	free((void *)(uintptr_t)list.data);
	free((void *)(uintptr_t)hosts.data);
}

int main(void)
{
	bench_real_certificates();
	bench_generated_certificates(2, "generated", "ratio >= 200");
	bench_generated_certificates(100, "generated, 100 names", "ratio >= 10");
	bench_suffixes();
	return 0;
}
