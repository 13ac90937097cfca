/* A syslog collector on a thread of its own: over TCP or TLS it keeps the frames that came (RFC 6587, octet counting), over UDP datagrams. */
#ifndef CTWATCH_TESTS_SYSLOG_RECEIVER_H
#define CTWATCH_TESTS_SYSLOG_RECEIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base.h"

#define SYSLOG_FRAMES_MAX 4096

struct syslog_receiver {
	int port;
	char ca_file[64];                 /* TLS: its own certificate, for 127.0.0.1 */
	/* settings, before the first connection or under the test's own order */
	atomic_int close_after;           /* frames of a connection; 0: never */
	atomic_bool is_mute;              /* takes connections and reads nothing: no handshake, no acknowledgement of much */
	/* what came; read it with the functions below */
	pthread_mutex_t lock;
	size_t n;
	char *frames[SYSLOG_FRAMES_MAX];
	size_t n_connections;
	int listener, udp;
	SSL_CTX *tls;
	pthread_t thread;
};

void syslog_receiver_start(struct syslog_receiver *r, bool tls);
void syslog_receiver_start_udp(struct syslog_receiver *r);
void syslog_receiver_stop(struct syslog_receiver *r);
size_t syslog_receiver_count(struct syslog_receiver *r);
/* Frame or datagram i; NULL when it is not there. Lives until the receiver is stopped. */
const char *syslog_receiver_frame(struct syslog_receiver *r, size_t i);

#endif
