/* A server whose certificate does not verify is told apart from one that does not answer: a log's operator wants to know which. */
#include "fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define DAY_S 86400L

/* A server on a thread of its own: one answer a connection. */
struct server {
	pthread_t thread;
	SSL_CTX *tls;
	int listener, port;
	char ca_file[64];
};

static X509 *make_certificate(EVP_PKEY *key, long valid_days)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -10 * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(cert), valid_days * DAY_S);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"log.test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(cert, san, -1);
	X509_EXTENSION_free(san);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void *serve(void *ctx)
{
	const struct server *s = ctx;
	int client;

	while ((client = accept(s->listener, NULL, NULL)) >= 0) {
		static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
		SSL *ssl = SSL_new(s->tls);
		char request[4096];

		SSL_set_fd(ssl, client);
		if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
			SSL_write(ssl, answer, sizeof(answer) - 1);
			SSL_shutdown(ssl);
		}
		SSL_free(ssl);
		close(client);
	}
	return NULL;
}

static void server_start(struct server *s, long valid_days)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key, valid_days);

	signal(SIGPIPE, SIG_IGN);         /* clients that refuse the certificate go away */
	s->tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(s->tls, cert);
	SSL_CTX_use_PrivateKey(s->tls, key);
	snprintf(s->ca_file, sizeof(s->ca_file), "/tmp/ctwatch-tls-XXXXXX");
	FILE *file = fdopen(mkstemp(s->ca_file), "w");
	PEM_write_X509(file, cert);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	getsockname(s->listener, (struct sockaddr *)&address, &len);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->tls);
	unlink(s->ca_file);
}

struct result {
	bool done;
	struct fetch_answer answer;
};

static void on_done(void *ctx, struct fetch_answer *answer)
{
	struct result *r = ctx;

	r->done = true;
	r->answer = *answer;
	answer->body = (struct buf){ 0 };
}

/* One request, by name or by address; the body is gone afterwards. */
static struct fetch_answer get(const struct server *s, const char *host, const char *ca_file, bool unverified)
{
	struct result r = { 0 };
	struct error err;
	uv_loop_t loop;
	char *url = xasprintf("https://%s:%d/ct/v1/get-sth", host, s->port);

	uv_loop_init(&loop);
	struct fetcher *fetcher = fetcher_new(&loop, &(struct fetcher_options){ .ca_file = ca_file });
	struct fetch_request request = { .url = url, .max_bytes = 100, .timeout_ms = 5000, .tls_unverified = unverified, .done = on_done, .ctx = &r };
	if (fetch_start(fetcher, &request, &err) == NULL)
		fail_msg("%s", err.text);
	while (!r.done)
		uv_run(&loop, UV_RUN_ONCE);
	if (r.answer.status == 200)
		assert_string_equal(buf_text(&r.answer.body), "ok");
	buf_deinit(&r.answer.body);
	fetcher_close(fetcher);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(url);
	return r.answer;
}

static void assert_refused(const struct fetch_answer *a, const char *why)
{
	assert_int_equal(a->status, 0);
	assert_true(a->tls_failed);
	assert_false(a->timed_out);
	if (strcasestr(a->error, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", a->error, why);
}

static void a_certificate_that_nobody_vouches_for_is_refused_by_name(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, 10);
	struct fetch_answer a = get(&s, "127.0.0.1", NULL, false);
	assert_refused(&a, "certificate");
	server_stop(&s);
}

static void ca_file_vouches_for_it(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, 10);
	struct fetch_answer a = get(&s, "127.0.0.1", s.ca_file, false);
	assert_int_equal(a.status, 200);
	assert_false(a.tls_failed);
	server_stop(&s);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, 10);
	struct fetch_answer a = get(&s, "localhost", s.ca_file, false);
	assert_refused(&a, "localhost");
	server_stop(&s);
}

static void an_expired_certificate_is_refused(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, -1);
	struct fetch_answer a = get(&s, "127.0.0.1", s.ca_file, false);
	assert_refused(&a, "expired");
	server_stop(&s);
}

static void a_log_may_be_read_although_its_certificate_does_not_verify(void **state)
{
	static const long valid_days[] = { 10, -1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid_days); i++) {
		struct server s;

		server_start(&s, valid_days[i]);
		struct fetch_answer a = get(&s, "localhost", NULL, true);
		assert_int_equal(a.status, 200);
		assert_false(a.tls_failed);
		server_stop(&s);
	}
}

static void nobody_there_is_no_failure_of_tls(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, 10);
	server_stop(&s);
	struct fetch_answer a = get(&s, "127.0.0.1", NULL, false);
	assert_int_equal(a.status, 0);
	assert_false(a.tls_failed);
	assert_true(a.error[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused_by_name),
		cmocka_unit_test(ca_file_vouches_for_it),
		cmocka_unit_test(a_certificate_for_another_name_is_refused),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_log_may_be_read_although_its_certificate_does_not_verify),
		cmocka_unit_test(nobody_there_is_no_failure_of_tls),
	};

	return cmocka_run_group_tests_name("fetch: TLS", tests, NULL, NULL);
}
