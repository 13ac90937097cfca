/* See stream.h. TLS runs in memory: OpenSSL reads and writes BIOs, libuv moves their bytes. */
#include "stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define WRITE_MAX (16u << 20)
#define PATIENCE_MS 20000            /* for connecting, the handshake and the acknowledgement together */
#define ACK_LOOK_MS 20

enum stream_phase { STREAM_CLOSED, STREAM_CONNECTING, STREAM_HANDSHAKING, STREAM_OPEN };

/* The libuv side of one connection; outlives the stream until its handles are closed. */
struct link {
	struct stream *stream;            /* NULL: nobody listens any more */
	uv_tcp_t tcp;
	uv_timer_t patience, ack;
	uv_getaddrinfo_t lookup;
	uv_connect_t connect;
	SSL *ssl;
	BIO *from_net, *to_net;
	uint8_t in[16384];
	unsigned open_handles;
	bool looking_up, closing;
};

struct stream {
	char *host, *port;
	SSL_CTX *tls;
	enum stream_phase phase;
	struct link *link;
	struct buf pending;
	bool busy;
	unsigned n_writes;                /* uv_write requests that have not returned */
	void (*written)(void *ctx, bool ok, const char *why);
	void *ctx;
};

struct chunk {
	uv_write_t request;
	struct link *link;
	uint8_t bytes[];
};

static void stream_fail(struct stream *stream, const char *why);

/* ---- closing a link ------------------------------------------------------------------------------------------ */

static void maybe_free_link(struct link *link)
{
	if (link->open_handles > 0 || link->looking_up)
		return;
	SSL_free(link->ssl);              /* frees both BIOs */
	free(link);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	link->open_handles--;
	maybe_free_link(link);
}

static void link_close(struct link *link)
{
	link->stream = NULL;
	if (link->closing)
		return;
	link->closing = true;
	if (link->looking_up)
		uv_cancel((uv_req_t *)&link->lookup);
	uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&link->patience, on_handle_closed);
	uv_close((uv_handle_t *)&link->ack, on_handle_closed);
}

static void stream_disconnect(struct stream *stream)
{
	if (stream->link != NULL)
		link_close(stream->link);
	stream->link = NULL;
	stream->phase = STREAM_CLOSED;
	stream->n_writes = 0;
}

static void finish(struct stream *stream, bool ok, const char *why)
{
	void (*written)(void *, bool, const char *) = stream->written;

	if (!stream->busy)
		return;
	if (stream->link != NULL) {
		uv_timer_stop(&stream->link->patience);
		uv_timer_stop(&stream->link->ack);
	}
	stream->busy = false;
	buf_clear(&stream->pending);
	written(stream->ctx, ok, why);
}

static void stream_fail(struct stream *stream, const char *why)
{
	char sentence[256];

	snprintf(sentence, sizeof(sentence), "%s port %s: %s", stream->host, stream->port, why);
	stream_disconnect(stream);
	finish(stream, false, sentence);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* Has the peer's system taken everything? Only the kernel knows. */
static bool all_acknowledged(struct link *link)
{
	uv_os_fd_t fd;
	int waiting = 0;

	if (uv_fileno((uv_handle_t *)&link->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &waiting) != 0)
		return true;
	return waiting == 0;
}

static void on_ack_timer(uv_timer_t *timer)
{
	struct link *link = timer->data;

	if (link->stream == NULL || link->stream->n_writes > 0 || !all_acknowledged(link))
		return;
	finish(link->stream, true, "written");
}

static void on_chunk_written(uv_write_t *request, int status)
{
	struct chunk *chunk = CONTAINER_OF(request, struct chunk, request);
	struct link *link = chunk->link;
	struct stream *stream = link->stream;

	free(chunk);
	if (stream == NULL)
		return;
	stream->n_writes--;
	if (status < 0) {
		stream_fail(stream, uv_strerror(status));
		return;
	}
	if (stream->n_writes == 0 && stream->phase == STREAM_OPEN && stream->busy)
		uv_timer_start(&link->ack, on_ack_timer, all_acknowledged(link) ? 0 : ACK_LOOK_MS, ACK_LOOK_MS);
}

static bool put_bytes(struct link *link, const void *bytes, size_t len)
{
	struct chunk *chunk = xmalloc(sizeof(*chunk) + len);
	uv_buf_t buf = uv_buf_init((char *)chunk->bytes, (unsigned)len);

	memcpy(chunk->bytes, bytes, len);
	chunk->link = link;
	link->stream->n_writes++;
	int status = uv_write(&chunk->request, (uv_stream_t *)&link->tcp, &buf, 1, on_chunk_written);
	if (status == 0)
		return true;
	link->stream->n_writes--;
	free(chunk);
	stream_fail(link->stream, uv_strerror(status));
	return false;
}

/* Everything that OpenSSL wants to send goes to the socket. */
static bool flush_tls(struct link *link)
{
	uint8_t out[16384];
	int n;

	while ((n = BIO_read(link->to_net, out, sizeof(out))) > 0)
		if (!put_bytes(link, out, (size_t)n))
			return false;
	return true;
}

static void write_pending(struct stream *stream)
{
	struct link *link = stream->link;

	stream->phase = STREAM_OPEN;
	if (!stream->busy)
		return;
	if (link->ssl == NULL) {
		put_bytes(link, stream->pending.data, stream->pending.len);
		return;
	}
	if (SSL_write(link->ssl, stream->pending.data, (int)stream->pending.len) <= 0)
		stream_fail(stream, "TLS refused to write");
	else
		flush_tls(link);
}

/* ---- TLS -------------------------------------------------------------------------------------------------------- */

static const char *tls_reason(SSL *ssl, char *out, size_t out_len)
{
	long verify = SSL_get_verify_result(ssl);
	unsigned long code = ERR_get_error();

	if (verify != X509_V_OK)
		snprintf(out, out_len, "its certificate does not verify: %s", X509_verify_cert_error_string(verify));
	else
		snprintf(out, out_len, "TLS: %s", code != 0 ? ERR_reason_error_string(code) : "closed during the handshake");
	ERR_clear_error();
	return out;
}

static void step_handshake(struct stream *stream)
{
	struct link *link = stream->link;
	char why[200];

	ERR_clear_error();
	int result = SSL_do_handshake(link->ssl);
	int what = SSL_get_error(link->ssl, result);
	if (!flush_tls(link))
		return;
	if (result == 1)
		write_pending(stream);
	else if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE)
		stream_fail(stream, tls_reason(link->ssl, why, sizeof(why)));
}

static bool start_tls(struct stream *stream)
{
	struct link *link = stream->link;

	link->ssl = SSL_new(stream->tls);
	link->from_net = BIO_new(BIO_s_mem());
	link->to_net = BIO_new(BIO_s_mem());
	SSL_set_bio(link->ssl, link->from_net, link->to_net);
	SSL_set_connect_state(link->ssl);
	SSL_set_verify(link->ssl, SSL_VERIFY_PEER, NULL);
	/* an address is compared with iPAddress names, a host with DNS names; SNI is for hosts only */
	X509_VERIFY_PARAM *param = SSL_get0_param(link->ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, stream->host) != 1) {
		ERR_clear_error();
		SSL_set_tlsext_host_name(link->ssl, stream->host);
		if (SSL_set1_host(link->ssl, stream->host) != 1)
			return false;
	}
	stream->phase = STREAM_HANDSHAKING;
	step_handshake(stream);
	return true;
}

/* ---- the socket --------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct link *link = handle->data;

	(void)suggested;
	*buf = uv_buf_init((char *)link->in, sizeof(link->in));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct link *link = tcp->data;
	struct stream *stream = link->stream;
	uint8_t ignored[4096];

	(void)buf;
	if (stream == NULL || n == 0)
		return;
	if (n < 0) {
		stream_fail(stream, n == UV_EOF ? "closed by the receiver" : uv_strerror((int)n));
		return;
	}
	if (link->ssl == NULL)
		return;                   /* syslog receivers say nothing */
	BIO_write(link->from_net, link->in, (int)n);
	if (stream->phase == STREAM_HANDSHAKING) {
		step_handshake(stream);
		return;
	}
	/* session tickets and key updates are read so that OpenSSL may answer them */
	while (SSL_read(link->ssl, ignored, sizeof(ignored)) > 0)
		;
	bool closed = (SSL_get_shutdown(link->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
	ERR_clear_error();
	if (closed)
		stream_fail(stream, "closed by the receiver");
	else
		flush_tls(link);
}

static void on_connected(uv_connect_t *request, int status)
{
	struct link *link = CONTAINER_OF(request, struct link, connect);
	struct stream *stream = link->stream;

	if (stream == NULL)
		return;
	if (status < 0) {
		stream_fail(stream, uv_strerror(status));
		return;
	}
	uv_tcp_nodelay(&link->tcp, 1);
	uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
	if (stream->tls == NULL)
		write_pending(stream);
	else if (!start_tls(stream))
		stream_fail(stream, "its name cannot stand in a certificate");
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct link *link = CONTAINER_OF(request, struct link, lookup);
	struct stream *stream = link->stream;

	link->looking_up = false;
	if (stream == NULL) {
		uv_freeaddrinfo(found);
		maybe_free_link(link);
		return;
	}
	if (status == 0)
		status = uv_tcp_connect(&link->connect, &link->tcp, found->ai_addr, on_connected);
	uv_freeaddrinfo(found);
	if (status < 0)
		stream_fail(stream, uv_strerror(status));
}

static void on_patience(uv_timer_t *timer)
{
	struct link *link = timer->data;

	if (link->stream != NULL)
		stream_fail(link->stream, "no answer within 20 s");
}

static struct link *link_new(struct stream *stream, uv_loop_t *loop)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->stream = stream;
	uv_tcp_init(loop, &link->tcp);
	uv_timer_init(loop, &link->patience);
	uv_timer_init(loop, &link->ack);
	link->tcp.data = link->patience.data = link->ack.data = link;
	link->open_handles = 3;
	return link;
}

static void start_connecting(struct stream *stream, uv_loop_t *loop)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct link *link = link_new(stream, loop);

	stream->link = link;
	stream->phase = STREAM_CONNECTING;
	link->looking_up = uv_getaddrinfo(loop, &link->lookup, on_looked_up, stream->host, stream->port, &hints) == 0;
}

/* ---- from outside ---------------------------------------------------------------------------------------------------- */

static SSL_CTX *make_tls(const struct stream_options *options, struct error *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	if (options->ca_file != NULL ? SSL_CTX_load_verify_locations(tls, options->ca_file, NULL) != 1 : SSL_CTX_set_default_verify_paths(tls) != 1) {
		error_set(err, ERR_USAGE, "no certificates can be read from %s", options->ca_file != NULL ? options->ca_file : "the system's store");
	} else if (options->client_cert != NULL && (SSL_CTX_use_certificate_chain_file(tls, options->client_cert) != 1 ||
						    SSL_CTX_use_PrivateKey_file(tls, options->client_key != NULL ? options->client_key : options->client_cert,
										SSL_FILETYPE_PEM) != 1)) {
		error_set(err, ERR_USAGE, "client certificate %s and its key cannot be read", options->client_cert);
	} else {
		return tls;
	}
	ERR_clear_error();
	SSL_CTX_free(tls);
	return NULL;
}

struct stream *stream_new(const struct stream_options *options, struct error *err)
{
	SSL_CTX *tls = NULL;

	if (options->tls && (tls = make_tls(options, err)) == NULL)
		return NULL;
	struct stream *stream = xcalloc(1, sizeof(*stream));
	stream->host = xstrdup(options->host);
	stream->port = xstrdup(options->port);
	stream->tls = tls;
	buf_init(&stream->pending, WRITE_MAX);
	return stream;
}

void stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	stream->busy = false;
	stream_disconnect(stream);
	buf_deinit(&stream->pending);
	SSL_CTX_free(stream->tls);
	free(stream->host);
	free(stream->port);
	free(stream);
}

bool stream_busy(const struct stream *stream)
{
	return stream->busy;
}

void stream_cancel(struct stream *stream)
{
	stream->busy = false;
	stream_disconnect(stream);
}

static void on_turn(uv_timer_t *timer)
{
	struct link *link = timer->data;

	if (link->stream != NULL)
		write_pending(link->stream);
}

void stream_write(struct stream *stream, uv_loop_t *loop, struct slice bytes, void (*written)(void *ctx, bool ok, const char *why), void *ctx)
{
	stream->busy = true;
	stream->written = written;
	stream->ctx = ctx;
	buf_clear(&stream->pending);
	buf_append_slice(&stream->pending, bytes);
	if (stream->phase == STREAM_CLOSED)
		start_connecting(stream, loop);
	uv_timer_start(&stream->link->patience, on_patience, PATIENCE_MS, 0);
	if (stream->phase != STREAM_OPEN)
		return;
	/* on the next turn, so that `written` never runs inside */
	uv_timer_start(&stream->link->ack, on_turn, 0, 0);
}
