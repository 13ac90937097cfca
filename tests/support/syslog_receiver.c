#include "syslog_receiver.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define FRAME_MAX (1u << 20)
#define DAY_S 86400L

static void keep(struct syslog_receiver *r, struct slice bytes)
{
	pthread_mutex_lock(&r->lock);
	if (r->n < SYSLOG_FRAMES_MAX)
		r->frames[r->n++] = slice_dup_text(bytes);
	pthread_mutex_unlock(&r->lock);
}

/* Takes whole frames off the front: "12 <134>1 2026...". How many. */
static int take_frames(struct syslog_receiver *r, struct buf *in)
{
	int n = 0;

	for (;;) {
		ptrdiff_t space = slice_find(buf_slice(in), ' ');
		uint64_t len;

		if (space <= 0 || !uint64_parse(slice_of(in->data, (size_t)space), &len) || in->len < (size_t)space + 1 + len)
			return n;
		size_t whole = (size_t)space + 1 + (size_t)len;

		keep(r, slice_of(in->data + space + 1, (size_t)len));
		memmove(in->data, in->data + whole, in->len - whole);
		in->len -= whole;
		n++;
	}
}

static void serve_one(struct syslog_receiver *r, int fd)
{
	SSL *ssl = r->tls != NULL ? SSL_new(r->tls) : NULL;
	struct buf in;
	char chunk[4096];
	int n_frames = 0, n = 1;

	buf_init(&in, FRAME_MAX);
	if (ssl != NULL) {
		SSL_set_fd(ssl, fd);
		n = SSL_accept(ssl);
	}
	while (n > 0 && (atomic_load(&r->close_after) == 0 || n_frames < atomic_load(&r->close_after))) {
		n = ssl != NULL ? SSL_read(ssl, chunk, sizeof(chunk)) : (int)read(fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_append(&in, chunk, (size_t)n);
		n_frames += take_frames(r, &in);
	}
	if (ssl != NULL) {
		SSL_shutdown(ssl);
		SSL_free(ssl);
	}
	buf_deinit(&in);
}

static void *serve(void *ctx)
{
	struct syslog_receiver *r = ctx;
	int fd;

	while ((fd = accept(r->listener, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&r->lock);
		r->n_connections++;
		pthread_mutex_unlock(&r->lock);
		if (!atomic_load(&r->is_mute))
			serve_one(r, fd);
		close(fd);
	}
	return NULL;
}

static void make_tls(struct syslog_receiver *r)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(cert), DAY_S);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"siem.test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(cert, san, -1);
	X509_EXTENSION_free(san);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	r->tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(r->tls, cert);
	SSL_CTX_use_PrivateKey(r->tls, key);
	snprintf(r->ca_file, sizeof(r->ca_file), "/tmp/ctwatch-siem-XXXXXX");
	FILE *file = fdopen(mkstemp(r->ca_file), "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_X509(file, cert);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int bind_loopback(struct syslog_receiver *r, int type)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	r->port = ntohs(address.sin_port);
	return fd;
}

void syslog_receiver_start(struct syslog_receiver *r, bool tls)
{
	*r = (struct syslog_receiver){ .udp = -1 };
	pthread_mutex_init(&r->lock, NULL);
	if (tls)
		make_tls(r);
	r->listener = bind_loopback(r, SOCK_STREAM);
	assert_int_equal(listen(r->listener, 16), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
}

void syslog_receiver_start_udp(struct syslog_receiver *r)
{
	*r = (struct syslog_receiver){ .listener = -1 };
	pthread_mutex_init(&r->lock, NULL);
	r->udp = bind_loopback(r, SOCK_DGRAM);
}

void syslog_receiver_stop(struct syslog_receiver *r)
{
	if (r->listener >= 0) {
		shutdown(r->listener, SHUT_RDWR);
		pthread_join(r->thread, NULL);
		close(r->listener);
	}
	if (r->udp >= 0)
		close(r->udp);
	for (size_t i = 0; i < r->n; i++)
		free(r->frames[i]);
	if (r->tls != NULL)
		unlink(r->ca_file);
	SSL_CTX_free(r->tls);
	pthread_mutex_destroy(&r->lock);
}

size_t syslog_receiver_count(struct syslog_receiver *r)
{
	char datagram[65536];
	ssize_t n;

	while (r->udp >= 0 && (n = recv(r->udp, datagram, sizeof(datagram), MSG_DONTWAIT)) >= 0)
		keep(r, slice_of(datagram, (size_t)n));
	pthread_mutex_lock(&r->lock);
	size_t count = r->n;
	pthread_mutex_unlock(&r->lock);
	return count;
}

const char *syslog_receiver_frame(struct syslog_receiver *r, size_t i)
{
	return i < syslog_receiver_count(r) ? r->frames[i] : NULL;
}
