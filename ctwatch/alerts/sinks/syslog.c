/*
 * Syslog, RFC 5424, over UDP, TCP (RFC 6587, octet counting) or TLS (RFC 5425):
 *
 *   {"type":"syslog","server":"siem.your-organisation:6514","transport":"tls","format":"cef"}
 *
 * UDP has no acknowledgement at all: what is lost there is lost. Use TCP or TLS where it matters.
 */
#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"
#include "syslog_text.h"

#define MESSAGE_MAX (256u << 10)
#define UDP_BYTES 2048               /* receivers should take so many in a datagram (RFC 5424 section 6.1, RFC 5426 section 3.2) ... */
#define STREAM_BYTES 8192            /* ... and on a stream (RFC 5425 section 4.3.1) */
#define DATAGRAM_MAX 65507
#define FACILITY_LOCAL0 16

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

struct syslog_sink {
	enum transport transport;
	char *host, *port;
	struct syslog_head head;
	size_t max_bytes;
	char hostname[256];
	struct stream *stream;
};

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

/* ---- settings ------------------------------------------------------------------------------------------------ */

/* One of `words`; the first when the key is absent. */
static bool read_word(const struct sink *sink, const json_t *object, const char *key, const char *const *words, size_t *out, const char *wanted, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	*out = 0;
	if (value == NULL)
		return true;
	for (size_t i = 0; json_is_string(value) && words[i] != NULL; i++) {
		if (strcmp(words[i], json_string_value(value)) == 0) {
			*out = i;
			return true;
		}
	}
	return wrong(err, sink, key, wanted);
}

static bool read_server(struct syslog_sink *syslog, const struct sink *sink, const json_t *object, struct error *err)
{
	const char *server = json_string_value(json_object_get(object, "server"));

	if (server == NULL || server[0] == '\0' || strpbrk(server, " /\r\n") != NULL)
		return wrong(err, sink, "server", "the collector, \"host\" or \"host:port\"");
	size_t host_len = server[0] == '[' ? strcspn(server, "]") + 1 : strcspn(server, ":");
	const char *port = server[host_len] == ':' ? server + host_len + 1 : syslog->transport == TRANSPORT_TLS ? "6514" : "514";
	bool brackets = server[0] == '[' && host_len > 2;
	syslog->host = slice_dup_text(slice_of(server + brackets, host_len - 2 * (size_t)brackets));
	syslog->port = xstrdup(port);
	return true;
}

static bool read_max_bytes(struct syslog_sink *syslog, const struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *value = json_object_get(object, "max_bytes");
	const bool udp = syslog->transport == TRANSPORT_UDP;
	const json_int_t most = udp ? DATAGRAM_MAX : MESSAGE_MAX;
	char wanted[64];

	syslog->max_bytes = udp ? UDP_BYTES : STREAM_BYTES;
	if (value == NULL)
		return true;
	snprintf(wanted, sizeof(wanted), "a whole number from %d to %d", SYSLOG_BYTES_MIN, (int)most);
	if (!json_is_integer(value) || json_integer_value(value) < SYSLOG_BYTES_MIN || json_integer_value(value) > most)
		return wrong(err, sink, "max_bytes", wanted);
	syslog->max_bytes = (size_t)json_integer_value(value);
	return true;
}

static char *path_of(const struct config *config, const json_t *object, const char *key)
{
	const char *path = json_string_value(json_object_get(object, key));

	return path != NULL ? config_resolve(config, path) : NULL;
}

static bool open_stream(struct syslog_sink *syslog, const struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	char *ca_file = path_of(config, object, "ca_file"), *cert = path_of(config, object, "client_cert"), *key = path_of(config, object, "client_key");
	struct stream_options options = { syslog->host, syslog->port, syslog->transport == TRANSPORT_TLS, ca_file, cert, key };

	syslog->stream = stream_new(&options, err);
	free(ca_file);
	free(cert);
	free(key);
	return syslog->stream != NULL || error_context(err, "alerts: sink \"%s\"", sink->name);
}

static bool syslog_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	static const char *const transports[] = { "udp", "tcp", "tls", NULL };
	static const char *const formats[] = { "cef", "json", NULL };
	static const char *const facilities[] = { "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL };
	struct syslog_sink *syslog = xcalloc(1, sizeof(*syslog));
	size_t transport, format, facility;

	sink->own = syslog;
	if (!read_word(sink, object, "transport", transports, &transport, "\"udp\", \"tcp\" or \"tls\"", err) ||
	    !read_word(sink, object, "format", formats, &format, "\"cef\" or \"json\"", err) ||
	    !read_word(sink, object, "facility", facilities, &facility, "\"local0\" to \"local7\"", err))
		return false;
	syslog->transport = (enum transport)transport;
	syslog->head = (struct syslog_head){ FACILITY_LOCAL0 + (int)facility, syslog->hostname, (long)getpid(), format == 0 };
	if (gethostname(syslog->hostname, sizeof(syslog->hostname) - 1) != 0 || syslog->hostname[0] == '\0')
		snprintf(syslog->hostname, sizeof(syslog->hostname), "-");
	return read_server(syslog, sink, object, err) && read_max_bytes(syslog, sink, object, err) && (syslog->transport == TRANSPORT_UDP || open_stream(syslog, sink, config, object, err));
}

static void syslog_close(struct sink *sink)
{
	struct syslog_sink *syslog = sink->own;

	stream_free(syslog->stream);
	free(syslog->host);
	free(syslog->port);
	free(syslog);
}

static void syslog_describe(const struct sink *sink, struct buf *out)
{
	static const char *const names[] = { "UDP", "TCP", "TLS" };
	const struct syslog_sink *syslog = sink->own;

	buf_printf(out, "syslog to %s by %s", syslog->host, names[syslog->transport]);
}

/* ---- UDP ------------------------------------------------------------------------------------------------------------ */

struct datagram {
	struct delivery *delivery;       /* NULL: cancelled */
	uv_getaddrinfo_t lookup;
	uv_udp_t udp;
	uv_udp_send_t send;
	struct buf text;
};

static void free_datagram(uv_handle_t *handle)
{
	struct datagram *datagram = CONTAINER_OF(handle, struct datagram, udp);

	buf_deinit(&datagram->text);
	free(datagram);
}

static void finish_datagram(struct datagram *datagram, int status)
{
	struct delivery *delivery = datagram->delivery;

	uv_close((uv_handle_t *)&datagram->udp, free_datagram);
	if (delivery == NULL)
		return;
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	delivery_done(delivery, status == 0 ? DELIVERY_OK : DELIVERY_RETRY, status == 0 ? "sent" : uv_strerror(status), -1);
}

static void on_sent(uv_udp_send_t *send, int status)
{
	finish_datagram(CONTAINER_OF(send, struct datagram, send), status);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct datagram *datagram = CONTAINER_OF(lookup, struct datagram, lookup);
	uv_buf_t bytes = uv_buf_init((char *)datagram->text.data, (unsigned)datagram->text.len);

	if (status == 0 && datagram->delivery != NULL)
		status = uv_udp_send(&datagram->send, &datagram->udp, &bytes, 1, found->ai_addr, on_sent);
	else if (status == 0)
		status = UV_ECANCELED;
	uv_freeaddrinfo(found);
	if (status != 0)
		finish_datagram(datagram, status);
}

static void cancel_datagram(struct delivery *delivery)
{
	struct datagram *datagram = delivery->under_way;

	datagram->delivery = NULL;
	delivery->under_way = NULL;
}

static void send_datagram(const struct syslog_sink *syslog, struct delivery *delivery, struct buf *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct datagram *datagram = xcalloc(1, sizeof(*datagram));

	datagram->delivery = delivery;
	datagram->text = *text;
	*text = (struct buf){ 0 };
	delivery->under_way = datagram;
	delivery->cancel = cancel_datagram;
	uv_udp_init(delivery_loop(delivery), &datagram->udp);
	int status = uv_getaddrinfo(delivery_loop(delivery), &datagram->lookup, on_found, syslog->host, syslog->port, &hints);
	if (status != 0) {
		datagram->delivery = NULL;
		finish_datagram(datagram, status);
		delivery_finish_later(delivery, DELIVERY_RETRY, uv_strerror(status));
	}
}

/* ---- TCP and TLS -------------------------------------------------------------------------------------------------------- */

static void on_written(void *ctx, bool ok, const char *why)
{
	struct delivery *delivery = ctx;

	delivery->cancel = NULL;
	delivery_done(delivery, ok ? DELIVERY_OK : DELIVERY_RETRY, why, -1);
}

static void cancel_stream(struct delivery *delivery)
{
	struct syslog_sink *syslog = delivery->sink->own;

	stream_cancel(syslog->stream);
}

static void syslog_deliver(struct sink *sink, struct delivery *delivery)
{
	struct syslog_sink *syslog = sink->own;
	struct buf text, frame;

	buf_init(&text, MESSAGE_MAX);
	if (!syslog_write(&text, &syslog->head, delivery, syslog->max_bytes)) {
		buf_deinit(&text);
		delivery_finish_later(delivery, DELIVERY_REFUSED, "the message is larger than \"max_bytes\", however much is left out");
		return;
	}
	if (syslog->transport == TRANSPORT_UDP) {
		send_datagram(syslog, delivery, &text);
		return;
	}
	/* a test message may come while one is under way */
	if (stream_busy(syslog->stream)) {
		buf_deinit(&text);
		delivery_finish_later(delivery, DELIVERY_RETRY, "another message is under way");
		return;
	}
	buf_init(&frame, MESSAGE_MAX + 32);
	buf_printf(&frame, "%zu ", text.len);
	buf_append_slice(&frame, buf_slice(&text));
	delivery->cancel = cancel_stream;
	stream_write(syslog->stream, delivery_loop(delivery), buf_slice(&frame), on_written, delivery);
	buf_deinit(&frame);
	buf_deinit(&text);
}

static const char *const KEYS[] = { "server", "transport", "format", "facility", "max_bytes", "ca_file", "client_cert", "client_key", NULL };

const struct sink_type syslog_sink = {
	.name = "syslog",
	.keys = KEYS,
	.one_at_a_time = true,
	.operations = true,
	.naming_at_once = true,
	.open = syslog_open,
	.close = syslog_close,
	.deliver = syslog_deliver,
	.describe = syslog_describe,
};
