/*
 * From a path to an answer:
 *
 *   /log/N/ct/v1/...        RFC 6962 of log N
 *   /log/N/...              static-ct-api of log N
 *   /log_list.json, .sig    the list of all of them
 *   POST /control?...       make logs grow, plant names, turn faults on and off
 */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- entries with faults of serving ---------------------------------------------------------------------------- */

void serve_entry(struct fake_log *log, uint64_t index, enum kind kind, struct entry_bytes *out)
{
	uint64_t at;

	log_entry(log, index, out);
	if (fault_is_on(&log->faults, FAULT_TAMPERED_ENTRY, 0, &at) && at == index &&
	    fault_strikes(&log->faults, FAULT_TAMPERED_ENTRY, kind))
		out->leaf.data[out->is_precert ? 65 : 37] ^= 1;       /* inside the serial number */
}

size_t serve_chain(struct fake_log *log, const struct entry_bytes *entry, enum kind kind, size_t out[2])
{
	size_t n = log_chain(log, entry, out);

	if (fault_strikes(&log->faults, FAULT_CHAIN_MISMATCH, kind))
		out[0] = out[1];
	return n;
}

/* ---- faults of HTTP -------------------------------------------------------------------------------------------------- */

static void put_retry_date(struct http_answer *answer, const char *zone)
{
	time_t then = time(NULL) + 2;
	struct tm tm;
	char text[64];

	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S ", gmtime_r(&then, &tm));
	buf_printf(&answer->headers, "Retry-After: %s%s\r\n", text, zone);
}

/* Answers instead of the log; true when it did. */
static bool answer_fault(struct faults *faults, enum kind kind, const struct http_request *request, struct http_answer *answer)
{
	uint64_t at;

	if (fault_strikes(faults, FAULT_STATUS, kind)) {
		fault_is_on(faults, FAULT_STATUS, 500, &at);
		http_say(answer, (int)at, "text/html", "<html><body><h1>%d</h1></body></html>\n", (int)at);
		return true;
	}
	if (fault_strikes(faults, FAULT_RETRY_SECONDS, kind)) {
		fault_is_on(faults, FAULT_RETRY_SECONDS, 2, &at);
		http_say(answer, 429, "text/html", "<html>Too Many Requests</html>\n");
		buf_printf(&answer->headers, "Retry-After: %llu\r\n", (unsigned long long)at);
		return true;
	}
	if (fault_strikes(faults, FAULT_RETRY_DATE, kind)) {
		http_say(answer, 429, "text/plain", "%s", "");
		put_retry_date(answer, "GMT");
		return true;
	}
	if (fault_strikes(faults, FAULT_RETRY_UTC, kind)) {
		http_say(answer, 429, "text/plain", "Please add an email address to your User-Agent.\n");
		put_retry_date(answer, "UTC");
		return true;
	}
	if (fault_strikes(faults, FAULT_REDIRECT, kind)) {
		uint64_t turn = 0;

		http_query_number(request, "turn", &turn);
		http_say(answer, 302, "text/plain", "%s", "");
		buf_printf(&answer->headers, "Location: %s?turn=%llu\r\n", request->path, (unsigned long long)turn + 1);
		return true;
	}
	return false;
}

static void make_bomb(struct world *world, uint64_t mib)
{
	struct http_answer zeros = { .status = 200 };

	if (mib > HTTP_ANSWER_MAX >> 21)
		mib = HTTP_ANSWER_MAX >> 21;
	buf_init(&zeros.body, HTTP_ANSWER_MAX);
	memset(buf_reserve(&zeros.body, mib << 20), 0, mib << 20);
	zeros.body.len = mib << 20;
	http_gzip(&zeros);
	buf_deinit(&world->bomb);
	world->bomb = zeros.body;
	world->bomb_mib = mib;
}

static void answer_bomb(struct world *world, uint64_t mib, struct http_answer *answer)
{
	if (world->bomb_mib != mib)
		make_bomb(world, mib);
	buf_clear(&answer->body);
	buf_append_slice(&answer->body, buf_slice(&world->bomb));
	answer->gzip = true;
	answer->want_gzip = false;
}

/* Spoils a good answer. */
static void spoil(struct fake_log *log, enum kind kind, const struct http_request *request, struct http_answer *answer)
{
	struct faults *faults = &log->faults;
	static const struct {
		enum fault_id fault;
		enum delivery delivery;
	} DELIVERIES[] = { { FAULT_DRIP, DELIVER_DRIP }, { FAULT_CUT, DELIVER_CUT }, { FAULT_LENGTH_HIGH, DELIVER_LENGTH_HIGH },
		{ FAULT_LENGTH_LOW, DELIVER_LENGTH_LOW }, { FAULT_RESET, DELIVER_RESET }, { FAULT_HANG, DELIVER_HANG } };
	uint64_t mib;

	if (fault_strikes(faults, FAULT_TRUNCATED_BODY, kind))
		answer->body.len /= 2;
	if (fault_strikes(faults, FAULT_INVALID_JSON, kind))
		http_say(answer, 200, "application/json", "{\"entries\":[{\"leaf_input\":\"AAAA\",}]}");
	if (fault_strikes(faults, FAULT_HTML, kind))
		http_say(answer, 200, "text/html", "<!doctype html><html><body>We will be back soon</body></html>\n");
	if (fault_strikes(faults, FAULT_GZIP_BOMB, kind)) {
		fault_is_on(faults, FAULT_GZIP_BOMB, 128, &mib);
		answer_bomb(log->world, mib, answer);
	}
	if (fault_strikes(faults, FAULT_GZIP_UNASKED, kind) && !request->accepts_gzip && !answer->gzip)
		answer->want_gzip = true;
	if (fault_strikes(faults, FAULT_NO_KEEPALIVE, kind))
		answer->close = true;
	for (size_t i = 0; i < ARRAY_LEN(DELIVERIES); i++)
		if (fault_strikes(faults, DELIVERIES[i].fault, kind))
			answer->delivery = DELIVERIES[i].delivery;
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

static void serve_log(struct fake_log *log, const char *path, const struct http_request *request, struct http_answer *answer)
{
	bool classic = strncmp(path, "ct/v1/", 6) == 0;
	enum kind kind = classic ? classic_kind(path + 6) : tiled_kind(path);

	answer->delay_ms = log->world->delay_ms;
	if (answer_fault(&log->faults, kind, request, answer))
		return;
	if (classic) {
		classic_serve(log, path + 6, request, answer);
	} else {
		tiled_serve(log, path, answer);
		answer->want_gzip = kind == KIND_DATA && answer->status == 200 && request->accepts_gzip && !log->world->without_gzip;
	}
	spoil(log, kind, request, answer);
}

static bool control_log(struct fake_log *log, const struct http_request *request, struct error *err)
{
	char text[HTTP_TARGET_MAX];
	uint64_t n;

	if (http_query(request, "behave", text, sizeof(text)) && !fault_off(&log->faults, text, err))
		return false;
	if (http_query(request, "misbehave", text, sizeof(text)) && !fault_on(&log->faults, text, err))
		return false;
	if (http_query_number(request, "grow", &n))
		log_grow(log, n > 10000000 ? 10000000 : n);
	return true;
}

/* At the first index that no log has reached: entries are minted again from the plantings whenever they are served. */
static bool control_plant(struct fakelog *fake, const char *text, const struct http_request *request, struct error *err)
{
	char issuer[32] = "E7";
	struct name_set names;
	uint64_t index = 0;
	int authority;

	http_query(request, "issuer", issuer, sizeof(issuer));
	authority = mint_find(fake->world.mint, issuer);
	if (!names_split(text, &names) || authority < 0)
		return error_set(err, ERR_USAGE, "plant=NAME[,NAME...] and perhaps issuer=E7");
	for (size_t i = 0; i < fake->n_logs; i++)
		if (log_size(&fake->logs[i]) > index)
			index = log_size(&fake->logs[i]);
	while (plantings_at(&fake->world.plantings, index) != NULL)
		index++;
	plantings_add(&fake->world.plantings, index, authority, &names);
	return true;
}

/* "log=N" or all of them; answers one line per log. */
static void control(struct fakelog *fake, const struct http_request *request, struct http_answer *answer)
{
	uint64_t only;
	bool one = http_query_number(request, "log", &only);
	struct error err = { ERR_NONE, "" };
	char plant[HTTP_TARGET_MAX];

	if (http_query(request, "plant", plant, sizeof(plant)) && !control_plant(fake, plant, request, &err)) {
		http_say(answer, 400, "text/plain", "%s\n", err.text);
		return;
	}
	for (size_t i = 0; i < fake->n_logs; i++) {
		struct fake_log *log = &fake->logs[i];

		if (one && only != i)
			continue;
		if (!control_log(log, request, &err)) {
			http_say(answer, 400, "text/plain", "%s\n", err.text);
			return;
		}
		buf_printf(&answer->body, "log %zu size %llu published %llu\n", i, (unsigned long long)log_size(log),
			   (unsigned long long)log_head(log)->size);
	}
}

void fakelog_handle(void *ctx, const struct http_request *request, struct http_answer *answer)
{
	struct fakelog *fake = ctx;
	unsigned number;
	int used = 0;

	if (sscanf(request->path, "/log/%u/%n", &number, &used) == 1 && used > 0 && number < fake->n_logs)
		serve_log(&fake->logs[number], request->path + used, request, answer);
	else if (strcmp(request->path, "/log_list.json") == 0) {
		answer->content_type = "application/json";
		buf_append_text(&answer->body, fake->list_json);
	} else if (strcmp(request->path, "/log_list.sig") == 0 && fake->list_signature.len > 0) {
		answer->content_type = "application/octet-stream";
		buf_append_slice(&answer->body, buf_slice(&fake->list_signature));
	} else if (strcmp(request->path, "/control") == 0 && strcmp(request->method, "POST") == 0) {
		control(fake, request, answer);
	} else {
		http_say(answer, 404, "text/plain", "not found\n");
	}
}
