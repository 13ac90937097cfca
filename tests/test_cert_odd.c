/*
 * Made-up certificates of every odd form, against OpenSSL: a name that OpenSSL reads is read by the walk, or the walk says
 * that names are missing. CTWATCH_ODD_CERTIFICATES says how many; a certificate that fails is named by its number, which is
 * its seed.
 */
#include "odd_cert.h"
#include "openssl_names.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#define ORDINARY_RUN 12000

struct totals {
	size_t n, n_accepted, n_whole, n_names;
};

static void fail_with(uint64_t seed, struct slice der, const struct cert_name *name)
{
	char text[NAME_TEXT_MAX + 1];

	for (size_t i = 0; i < der.len; i++)
		fprintf(stderr, "%02x", der.data[i]);
	fprintf(stderr, "\n");
	fail_msg("certificate %llu: OpenSSL reads %s, the walk does not, and does not say so", (unsigned long long)seed,
		 name_format(name, text, sizeof(text)));
}

static void compare(uint64_t seed, struct slice der, struct cert_names *ours, struct totals *t)
{
	const unsigned char *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	const struct cert_name *missing;
	struct cert_names theirs;
	struct cert_view view;
	struct error err;

	bool whole = cert_scan(der, &view, &err) && names_collect(&view, ours, &err) && ours->n_unreadable == 0;
	t->n++;
	if (x != NULL) {
		names_init(&theirs);
		openssl_names(x, &theirs);
		t->n_accepted++;
		t->n_whole += whole;
		t->n_names += theirs.n;
		if (whole && (missing = names_missing_in(&theirs, ours)) != NULL)
			fail_with(seed, der, missing);
		names_deinit(&theirs);
	}
	X509_free(x);
	ERR_clear_error();
}

static void names_that_openssl_reads_are_read_or_said_to_be_missing(void **state)
{
	const char *asked = getenv("CTWATCH_ODD_CERTIFICATES");
	size_t n = asked != NULL ? strtoul(asked, NULL, 10) : ORDINARY_RUN;
	struct totals t = { 0 };
	struct cert_names ours;
	struct buf der;

	(void)state;
	names_init(&ours);
	buf_init(&der, 1u << 20);
	for (uint64_t seed = 0; seed < n; seed++) {
		struct random r = { seed };

		odd_cert(&r, &der);
		compare(seed, buf_slice(&der), &ours, &t);
	}
	buf_deinit(&der);
	names_deinit(&ours);
	print_message("%zu certificates, OpenSSL reads %zu, %zu of them are whole for us; %zu names\n", t.n, t.n_accepted,
		      t.n_whole, t.n_names);
	/* else nothing was compared */
	assert_true(t.n_accepted > n / 3 && t.n_whole > t.n_accepted * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_openssl_reads_are_read_or_said_to_be_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
