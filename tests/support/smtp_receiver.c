#include "smtp_receiver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAIL_MAX (16u << 20)

struct session {
	struct smtp_receiver *receiver;
	uv_tcp_t tcp;
	struct buf in, text, to;
	bool in_text, closing;
	char chunk[65536];
};

struct said {
	uv_write_t write;
	char text[];
};

static void on_closed(uv_handle_t *handle)
{
	struct session *session = handle->data;

	buf_deinit(&session->in);
	buf_deinit(&session->text);
	buf_deinit(&session->to);
	free(session);
}

static void hang_up(struct session *session)
{
	session->closing = true;
	if (!uv_is_closing((uv_handle_t *)&session->tcp))
		uv_close((uv_handle_t *)&session->tcp, on_closed);
}

static void on_said(uv_write_t *write, int status)
{
	(void)status;
	free(CONTAINER_OF(write, struct said, write));
}

static void say(struct session *session, const char *line)
{
	size_t len = strlen(line);
	struct said *said = xcalloc(1, sizeof(*said) + len + 3);

	snprintf(said->text, len + 3, "%s\r\n", line);
	uv_buf_t bytes = uv_buf_init(said->text, (unsigned)len + 2);
	if (uv_write(&said->write, (uv_stream_t *)&session->tcp, &bytes, 1, on_said) != 0)
		free(said);
}

/* Did the test say something of its own? *good: it was an acceptance. */
static bool told(struct session *session, const char *command, bool *good)
{
	struct smtp_receiver *r = session->receiver;
	const char *answer = r->answer != NULL ? r->answer(r, command) : NULL;

	*good = answer == NULL || answer[0] == '2' || answer[0] == '3';
	if (answer == NULL)
		return false;
	if (answer[0] == '\0')
		hang_up(session);
	else if (strcmp(answer, "-") != 0)
		say(session, answer);
	return true;
}

static void say_hello(struct session *session)
{
	const char *offer = session->receiver->offers;

	while (offer[0] != '\0') {
		size_t len = strcspn(offer, " ");
		char line[128];

		snprintf(line, sizeof(line), "250-%.*s", (int)len, offer);
		for (char *c = line; *c != '\0'; c++)
			*c = *c == '=' ? ' ' : *c;
		say(session, line);
		offer += len + (offer[len] == ' ');
	}
	say(session, "250 HELP");
}

static void end_of_text(struct session *session)
{
	struct smtp_receiver *r = session->receiver;
	bool good;

	session->in_text = false;
	bool was_told = told(session, ".", &good);
	if (good && r->n < SMTP_MAILS_MAX) {
		r->to[r->n] = xstrdup(buf_text(&session->to));
		r->mails[r->n++] = xstrdup(buf_text(&session->text));
	}
	buf_clear(&session->to);
	buf_clear(&session->text);
	if (!was_told)
		say(session, "250 taken");
}

static void take_mailbox(struct session *session, const char *command)
{
	const char *start = strchr(command, '<');
	bool good, was_told = told(session, command, &good);

	if (good && start != NULL)
		buf_printf(&session->to, "%s%.*s", session->to.len > 0 ? " " : "", (int)strcspn(start + 1, ">"), start + 1);
	if (!was_told)
		say(session, "250 ok");
}

static void take_line(struct session *session, const char *line)
{
	bool good;

	if (session->in_text) {
		if (strcmp(line, ".") == 0)
			end_of_text(session);
		else
			buf_printf(&session->text, "%s\r\n", line[0] == '.' ? line + 1 : line);
		return;
	}
	if (strncasecmp(line, "RCPT", 4) == 0) {
		take_mailbox(session, line);
		return;
	}
	if (told(session, line, &good)) {
		session->in_text = strcasecmp(line, "DATA") == 0 && good;
		return;
	}
	if (strncasecmp(line, "EHLO", 4) == 0) {
		say_hello(session);
	} else if (strcasecmp(line, "DATA") == 0) {
		session->in_text = true;
		say(session, "354 go on");
	} else {
		say(session, strcasecmp(line, "QUIT") == 0 ? "221 bye" : "250 ok");
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct session *session = handle->data;

	(void)suggested;
	*buf = uv_buf_init(session->chunk, sizeof(session->chunk));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct session *session = tcp->data;
	ptrdiff_t end;

	if (n < 0) {
		hang_up(session);
		return;
	}
	buf_append(&session->in, buf->base, (size_t)n);
	while (!session->closing && (end = slice_find(buf_slice(&session->in), '\n')) >= 0) {
		size_t len = (size_t)end > 0 && session->in.data[end - 1] == '\r' ? (size_t)end - 1 : (size_t)end;
		char *line = slice_dup_text(slice_of(session->in.data, len));

		memmove(session->in.data, session->in.data + end + 1, session->in.len - (size_t)end - 1);
		session->in.len -= (size_t)end + 1;
		take_line(session, line);
		free(line);
	}
}

static void on_session(uv_stream_t *server, int status)
{
	struct session *session = xcalloc(1, sizeof(*session));
	bool good;

	(void)status;
	session->receiver = server->data;
	buf_init(&session->in, MAIL_MAX);
	buf_init(&session->text, MAIL_MAX);
	buf_init(&session->to, 1u << 16);
	uv_tcp_init(server->loop, &session->tcp);
	session->tcp.data = session;
	uv_accept(server, (uv_stream_t *)&session->tcp);
	uv_read_start((uv_stream_t *)&session->tcp, on_alloc, on_read);
	if (!told(session, "", &good))
		say(session, "220 test ESMTP");
}

void smtp_receiver_start(struct smtp_receiver *r, uv_loop_t *loop)
{
	struct sockaddr_in address;
	int len = sizeof(address);

	*r = (struct smtp_receiver){ .offers = "" };
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &r->server);
	r->server.data = r;
	uv_tcp_bind(&r->server, (const struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&r->server, 64, on_session);
	uv_tcp_getsockname(&r->server, (struct sockaddr *)&address, &len);
	r->port = ntohs(address.sin_port);
}

void smtp_receiver_stop(struct smtp_receiver *r)
{
	uv_close((uv_handle_t *)&r->server, NULL);
	for (size_t i = 0; i < r->n; i++) {
		free(r->to[i]);
		free(r->mails[i]);
	}
	r->n = 0;
}

size_t smtp_receiver_mails_for(const struct smtp_receiver *r, const char *address)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		char *padded = xasprintf(" %s ", r->to[i]), *wanted = xasprintf(" %s ", address);

		n += strstr(padded, wanted) != NULL;
		free(padded), free(wanted);
	}
	return n;
}
