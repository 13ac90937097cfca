/*
 * Is anything read at all? When no log answers, one sentence after half a minute, and an incident that goes to the sinks: a
 * monitor that sees nothing must not look like one that finds nothing.
 */
#include "daemon_private.h"

#include <stdlib.h>
#include <string.h>

#define START_PATIENCE_MS 30000          /* nothing has answered since the start */
#define SILENCE_MS (5 * 60000)           /* nothing answers any more; or three looks, where they are rarer */
#define REASONS_MAX 32
#define INCIDENT_CLASS "NO_LOG_ANSWERS"

struct reason {
	const char *text, *log;           /* of the first log that has it */
	size_t n;
};

struct silence {
	struct watcher_status statuses[REASONS_MAX];     /* own the reasons' texts */
	struct reason reasons[REASONS_MAX];
	size_t n_reasons, n_logs;
	uint64_t answered_at;             /* the latest answer of any log */
};

/* The same trouble of two hosts is one reason: compared up to the first name or number, without the path that was asked for. */
static bool same_reason(const char *a, const char *b)
{
	const char *from_a = strstr(a, ": "), *from_b = strstr(b, ": ");

	a = a[0] == '/' && from_a != NULL ? from_a + 2 : a;
	b = b[0] == '/' && from_b != NULL ? from_b + 2 : b;
	size_t len = strcspn(a, ":.0123456789");
	return len == strcspn(b, ":.0123456789") && strncmp(a, b, len) == 0;
}

static void count_reason(struct silence *s, const struct watcher_status *status)
{
	const char *text = status->last_error[0] != '\0' ? status->last_error : "no answer yet";

	for (size_t i = 0; i < s->n_reasons; i++) {
		if (same_reason(s->reasons[i].text, text)) {
			s->reasons[i].n++;
			return;
		}
	}
	if (s->n_reasons == REASONS_MAX)
		return;
	s->statuses[s->n_reasons] = *status;
	text = status->last_error[0] != '\0' ? s->statuses[s->n_reasons].last_error : "no answer yet";
	s->reasons[s->n_reasons++] = (struct reason){ text, status->name, 1 };
}

static void look_at_logs(const struct daemon *d, struct silence *s)
{
	for (const struct followed *f = d->followed; f != NULL; f = f->next) {
		struct watcher_status status;

		if (f->closing)
			continue;
		watcher_status(f->watcher, &status);
		s->n_logs++;
		if (status.answered_at > s->answered_at)
			s->answered_at = status.answered_at;
		count_reason(s, &status);
	}
}

static void tell(struct daemon *d, const struct silence *s)
{
	const struct reason *most = &s->reasons[0];
	char summary[512];

	for (size_t i = 1; i < s->n_reasons; i++)
		if (s->reasons[i].n > most->n)
			most = &s->reasons[i];
	snprintf(summary, sizeof(summary), "0 of %zu log%s answer%s: %.260s (%zu of them, such as %.80s); trying on; `ctwatch logs` shows each", s->n_logs,
		 s->n_logs == 1 ? "" : "s", s->n_logs == 1 ? "s" : "", most->text, most->n, most->log);
	daemon_list_incident(d, true, INCIDENT_CLASS, "", "critical", summary);
	d->blind = true;
}

static uint64_t patience(const struct daemon *d, bool ever)
{
	uint64_t three_looks = 3 * (uint64_t)d->config->poll_ms;

	if (!ever)
		return START_PATIENCE_MS;
	return three_looks > SILENCE_MS ? three_looks : SILENCE_MS;
}

void daemon_watch_blindness(struct daemon *d)
{
	struct silence *s;
	uint64_t now = uv_now(&d->loop);

	if (d->once || d->stopping || d->followed == NULL || !d->started_logs)
		return;
	if (d->followed_since == 0)
		d->followed_since = now;
	s = xcalloc(1, sizeof(*s));
	look_at_logs(d, s);
	bool ever = s->answered_at != 0;
	uint64_t silent = now - (ever ? s->answered_at : d->followed_since);
	if (s->n_logs > 0 && !d->blind && silent >= patience(d, ever)) {
		tell(d, s);
	} else if (ever && silent < patience(d, ever) && (d->blind || !d->blind_cleared)) {
		/* the first time also what an earlier run left open */
		d->blind = false;
		d->blind_cleared = true;
		daemon_list_incident(d, false, INCIDENT_CLASS, "", "critical", "a log answers again");
	}
	free(s);
}
