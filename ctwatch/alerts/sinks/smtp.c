/* See smtp.h. */
#include "smtp.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "url.h"

#define CONNECT_TIMEOUT_MS 20000

/* Belongs to the thread from smtp_start until `over_there` is signalled; only `cancelled` is read by both. */
struct smtp {
	struct smtp_request with;
	char *url, *from, *user, *password, *ca_file;
	struct buf text;
	struct curl_slist *recipients;
	uv_thread_t thread;
	uv_async_t over_there;
	atomic_bool cancelled;
	bool succeeded, timed_out;
	char error[CURL_ERROR_SIZE];
	size_t sent;
	/* the dialogue */
	enum smtp_stage stage;
	size_t n_asked;                   /* mailboxes */
	bool text_wanted, text_answered;
	bool over;                        /* QUIT was said: what follows is politeness */
	struct smtp_reply last;
	struct smtp_reply *mailboxes;
	bool takes_utf8;
};

/* ---- the dialogue -------------------------------------------------------------------------------------- */

static bool begins(struct slice line, const char *word)
{
	return line.len >= strlen(word) && strncasecmp((const char *)line.data, word, strlen(word)) == 0;
}

static void see_command(struct smtp *smtp, struct slice line)
{
	if (begins(line, "EHLO") || begins(line, "HELO") || begins(line, "STARTTLS")) {
		smtp->stage = SMTP_GREETING;
	} else if (begins(line, "AUTH")) {
		smtp->stage = SMTP_LOGIN;
	} else if (begins(line, "MAIL FROM")) {
		smtp->stage = SMTP_SENDER;
	} else if (begins(line, "RCPT TO")) {
		smtp->stage = SMTP_MAILBOXES;
		smtp->n_asked++;
	} else if (begins(line, "DATA")) {
		smtp->stage = SMTP_TEXT;
	} else if (begins(line, "QUIT")) {
		smtp->over = true;
		return;
	}
	smtp->last.code = 0;
}

/* "250-SIZE 1000" goes on, "250 SIZE 1000" ends the reply. */
static void see_reply(struct smtp *smtp, struct slice line)
{
	uint64_t code;

	while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
		line.len--;
	if (line.len < 3 || !uint64_parse(slice_sub(line, 0, 3), &code))
		return;
	struct slice text = slice_sub(line, line.len > 4 ? 4 : line.len, line.len);
	if (smtp->stage == SMTP_GREETING && begins(text, "SMTPUTF8"))
		smtp->takes_utf8 = true;
	if (line.len > 3 && line.data[3] == '-')
		return;
	if (smtp->stage == SMTP_CONNECTING)
		smtp->stage = SMTP_GREETING;
	smtp->last.code = (int)code;
	text_escape(text, smtp->last.text, sizeof(smtp->last.text));
	if (smtp->stage == SMTP_MAILBOXES && smtp->n_asked > 0 && smtp->n_asked <= smtp->with.n_to)
		smtp->mailboxes[smtp->n_asked - 1] = smtp->last;
	if (smtp->stage == SMTP_TEXT) {
		smtp->text_answered = smtp->text_wanted;
		smtp->text_wanted = smtp->text_wanted || code == 354;
	}
}

static int on_dialogue(CURL *easy, curl_infotype type, char *data, size_t len, void *ctx)
{
	struct smtp *smtp = ctx;
	struct slice in = slice_of(data, len);

	(void)easy;
	while (in.len > 0 && !smtp->over && (type == CURLINFO_HEADER_OUT || type == CURLINFO_HEADER_IN)) {
		ptrdiff_t end = slice_find(in, '\n');
		struct slice line = slice_sub(in, 0, end < 0 ? in.len : (size_t)end + 1);

		if (type == CURLINFO_HEADER_OUT)
			see_command(smtp, line);
		else
			see_reply(smtp, line);
		in = slice_sub(in, line.len, in.len);
	}
	return 0;
}

/* ---- the transfer, on its own thread ------------------------------------------------------------------- */

static size_t read_text(char *into, size_t size, size_t n, void *ctx)
{
	struct smtp *smtp = ctx;
	size_t left = smtp->with.text.len - smtp->sent, take = left < size * n ? left : size * n;

	memcpy(into, smtp->with.text.data + smtp->sent, take);
	smtp->sent += take;
	return take;
}

static int rewind_text(void *ctx, curl_off_t offset, int origin)
{
	struct smtp *smtp = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > smtp->with.text.len)
		return CURL_SEEKFUNC_FAIL;
	smtp->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t drop_body(char *data, size_t size, size_t n, void *ctx)
{
	(void)data, (void)ctx;
	return size * n;
}

/* Looked at once a second, also while it waits. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	const struct smtp *smtp = ctx;

	(void)down_total, (void)down, (void)up_total, (void)up;
	return atomic_load(&smtp->cancelled) ? 1 : 0;
}

static void set_connection(const struct smtp *smtp, CURL *easy)
{
	const struct smtp_request *r = &smtp->with;

	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->timeout_ms < CONNECT_TIMEOUT_MS ? r->timeout_ms : CONNECT_TIMEOUT_MS));
	if (url_is_loopback(r->url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (r->starttls)
		curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (r->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, r->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, r->password);
	}
	if (r->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);   /* a name server that does not answer is not waited for */
#endif
}

static void set_mail(struct smtp *smtp, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_text);
	curl_easy_setopt(easy, CURLOPT_READDATA, smtp);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_text);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, smtp);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)smtp->with.text.len);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, smtp->with.from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, smtp->recipients);
	/* one mailbox that is refused does not keep the mail from the others */
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_dialogue);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, smtp);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, smtp);
}

static void on_thread(void *ctx)
{
	struct smtp *smtp = ctx;
	CURL *easy = curl_easy_init();

	if (easy == NULL) {
		snprintf(smtp->error, sizeof(smtp->error), "libcurl cannot make a transfer: out of memory");
	} else {
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, smtp->error);
		set_connection(smtp, easy);
		set_mail(smtp, easy);
		CURLcode code = curl_easy_perform(easy);

		smtp->succeeded = code == CURLE_OK;
		smtp->timed_out = code == CURLE_OPERATION_TIMEDOUT;
		if (code != CURLE_OK && smtp->error[0] == '\0')
			snprintf(smtp->error, sizeof(smtp->error), "%s", curl_easy_strerror(code));
		curl_easy_cleanup(easy);
	}
	uv_async_send(&smtp->over_there);
}

/* ---- on the loop ------------------------------------------------------------------------------------------ */

static void free_parts(struct smtp *smtp)
{
	char *texts[] = { smtp->url, smtp->from, smtp->user, smtp->password, smtp->ca_file };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	buf_deinit(&smtp->text);
	curl_slist_free_all(smtp->recipients);
	free(smtp->mailboxes);
	free(smtp);
}

static void on_closed(uv_handle_t *handle)
{
	free_parts(CONTAINER_OF((uv_async_t *)handle, struct smtp, over_there));
}

/* A libcurl that does not report its dialogue still says whether all went well: nobody must get the mail again and again. */
static bool succeeded_unseen(struct smtp *smtp)
{
	if (!smtp->succeeded || smtp->stage != SMTP_CONNECTING)
		return false;
	for (size_t i = 0; i < smtp->with.n_to; i++)
		smtp->mailboxes[i].code = 250;
	return true;
}

static void on_over(uv_async_t *async)
{
	struct smtp *smtp = CONTAINER_OF(async, struct smtp, over_there);
	struct smtp_answer out = {
		.taken = (smtp->text_answered && smtp->last.code / 100 == 2) || succeeded_unseen(smtp),
		.timed_out = smtp->timed_out,
		.stage = smtp->stage,
		.last = smtp->last,
		.mailboxes = smtp->mailboxes,
		.takes_utf8 = smtp->takes_utf8,
	};

	uv_thread_join(&smtp->thread);
	uv_close((uv_handle_t *)async, on_closed);
	if (atomic_load(&smtp->cancelled))
		return;
	/* a good reply is not what it failed for: TLS, say, or a connection that broke afterwards */
	if (!out.taken && out.last.code < 400) {
		out.last.code = 0;
		snprintf(out.last.text, sizeof(out.last.text), "%.*s", (int)sizeof(out.last.text) - 1, smtp->error);
	}
	smtp->with.done(smtp->with.ctx, &out);
}

static char *dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* The thread has its own copy of everything. */
static void copy_request(struct smtp *smtp, const struct smtp_request *r)
{
	smtp->with = *r;
	smtp->with.url = smtp->url = xstrdup(r->url);
	smtp->with.from = smtp->from = xstrdup(r->from);
	smtp->with.user = smtp->user = dup_or_null(r->user);
	smtp->with.password = smtp->password = dup_or_null(r->password);
	smtp->with.ca_file = smtp->ca_file = dup_or_null(r->ca_file);
	buf_init(&smtp->text, r->text.len);
	buf_append_slice(&smtp->text, r->text);
	smtp->with.text = buf_slice(&smtp->text);
	smtp->mailboxes = xcalloc(r->n_to, sizeof(*smtp->mailboxes));
	for (size_t i = 0; i < r->n_to; i++)
		smtp->recipients = curl_slist_append(smtp->recipients, r->to[i]);
	smtp->with.to = NULL;
}

struct smtp *smtp_start(uv_loop_t *loop, const struct smtp_request *request, struct error *err)
{
	struct smtp *smtp = xcalloc(1, sizeof(*smtp));

	copy_request(smtp, request);
	uv_async_init(loop, &smtp->over_there, on_over);
	int status = uv_thread_create(&smtp->thread, on_thread, smtp);
	if (status == 0)
		return smtp;
	uv_close((uv_handle_t *)&smtp->over_there, on_closed);
	error_set(err, ERR_RETRY, "no thread can be started for the mail: %s", uv_strerror(status));
	return NULL;
}

void smtp_cancel(struct smtp *smtp)
{
	atomic_store(&smtp->cancelled, true);
}
